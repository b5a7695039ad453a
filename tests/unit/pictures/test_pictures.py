"""Every picture says in words what it shows, is the same everywhere, and nothing of it overlaps."""

import importlib
import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from labs import command
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, run_started, step

import ledger.pictures
from ledger.commands.judge import judge
from ledger.errors import BadArguments
from ledger.pictures import PICTURES, find_picture
from ledger.pictures.base import Picture
from ledger.pictures.drawing import draw_png, draw_svg, gather
from ledger.pictures.measures import text_width
from ledger.pictures.style import ROLES, WIDTH
from ledger.queries import QUERIES, find_query
from ledger.store.reader import open_reader

#: Parts of the room that are no pictures.
PARTS = {"__init__", "base", "boxes", "child", "comparison", "drawing", "measures", "page", "paper",
         "process", "style", "subjects", "svg"}  # fmt: skip
#: What each picture is drawn of in the laboratory, and words of its description.
SHOWN = (
    ("curve", "cuda-50step", "train_loss (training): 100 values, 11.02 at step 0"),
    ("curve", "codeparrot-200k", "val_loss (held-out): 51 values"),
    ("curve", "broken-5k", "Losses of run broken-5k by epoch."),
    ("curve", "train-0001", "loss (training): 3 values, 2.5 at step 0"),
    ("heat", "compare-0001", "43 points in 4 layers. First over 0.001: embedding, 0.0202."),
    ("heat", "compare-0003", "Points by distance: 43 up to 1e-6."),
    ("ratio", "compare-0001", "0 outside the band from 0.5 to 2."),
    ("chain", None, "20 claims in the order of statement"),
    ("chain", "H-GPU-*,H-QKV-BIAS", "H-GPU-GQA ELIMINATED (GPU grouped-query"),
    ("evidence", "LOSS", "rests on 3 entries. Position"),
    ("evidence", "CLOSE", "trace_distance_max = 0.2933 ratio, rests on"),
    ("board", "yes", "At now: DISCHARGED 27, PARTIAL_ALGORITHM_LEVEL 29, unbound 11."),
    ("board", "no", "At now: DISCHARGED 1, FALSIFIED 1, unbound 1."),
    ("board", None, "At now: DISCHARGED 28, PARTIAL_ALGORITHM_LEVEL 29, FALSIFIED 1, unbound 12."),
)
NAMES = [f"{name}-{about}" for name, about, _ in SHOWN]


def rows_of(folder, name, about):
    """The picture of that name, and what it is drawn from."""
    with open_reader(folder) as db:
        found = find_picture(name)
        return found, gather(found, about, lambda q, given: find_query(q).run(db, given).objects())


def svg_of(folder, name, about=None):
    """The SVG text of a picture."""
    found, rows = rows_of(folder, name, about)
    return draw_svg(found, about, rows)


def test_every_picture_is_listed():
    """Each file of the room is a picture of the list or a part of the room."""
    folder = Path(ledger.pictures.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == PARTS | set(PICTURES)
    for name in PICTURES:
        found = importlib.import_module(f"ledger.pictures.{name}").PICTURE
        assert isinstance(found, Picture)
        assert found.name == name
        assert found.shows.endswith(".")


@pytest.mark.parametrize("name", PICTURES)
def test_queries_exist(name):
    """A picture asks named queries, with parameters that they have."""
    found = find_picture(name)
    asked = [*found.queries.values(), *([found.subjects[0]] if found.subjects else [])]
    for query in asked:
        assert query["query"] in QUERIES
        known = {parameter.name for parameter in find_query(query["query"]).parameters}
        assert set(query) - {"query"} <= known


@pytest.mark.parametrize(("name", "about", "words"), SHOWN, ids=NAMES)
def test_it_says_what_it_shows(lab, name, about, words):
    """Title and description are in the SVG, and the description has the numbers."""
    root = ElementTree.fromstring(svg_of(lab, name, about))  # noqa: S314 - ours
    space = {"s": "http://www.w3.org/2000/svg"}
    title, words_ = (root.find(f"s:{tag}", space) for tag in ("title", "desc"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {words_.get('id')}"
    assert title.text
    assert words in words_.text


@pytest.mark.parametrize(("name", "about", "words"), SHOWN, ids=NAMES)
def test_it_has_no_size_and_both_themes(lab, name, about, words):
    """The SVG fills its place; every colour is a class that dark paper changes."""
    del words
    text = svg_of(lab, name, about)
    head = text.partition(">\n<title")[0]
    assert f'viewBox="0 0 {WIDTH} ' in head
    assert " width=" not in head
    assert " height=" not in head
    assert "prefers-color-scheme:dark" in text
    styles = " ".join(re.findall(r'style="([^"]*)"', text))
    assert not re.findall(r"(?:fill|stroke): #", styles)
    assert "<metadata" not in text
    assert text.endswith("</svg>\n")


@pytest.mark.parametrize(("name", "about", "words"), SHOWN, ids=NAMES)
def test_no_words_overlap_or_leave_the_paper(lab, name, about, words):
    """Every word that is drawn lies on the paper, and none on another."""
    del words
    assert misplaced(svg_of(lab, name, about)) == []


_PLACE = re.compile(r"(translate|rotate)\(([-\d. ]+)\)")


def boxes_of(text):
    """Every word of an SVG with its box: left, top, right, bottom."""
    found = []
    root = ElementTree.fromstring(text)  # noqa: S314 - ours
    for node in root.iter("{http://www.w3.org/2000/svg}text"):
        style = dict(part.split(": ", 1) for part in node.get("style").split("; "))
        size = float(re.search(r"([\d.]+)px", style.get("font", style.get("font-size", "")))[1])
        place = dict(_PLACE.findall(node.get("transform", "")))
        x, y = (
            map(float, place["translate"].split())
            if "translate" in place
            else (node.get("x"), node.get("y"))
        )
        x, y = float(x), float(y)
        width = text_width(node.text, size)
        width *= 1.12 if "bold" in str(style) else 1
        start = {"middle": 0.5, "end": 1.0}.get(style.get("text-anchor"), 0.0) * width
        if float(place.get("rotate", "0").split()[0]) == -90:
            box = (x - 0.75 * size, y - width + start, x + 0.2 * size, y + start)
        else:
            box = (x - start, y - 0.75 * size, x - start + width, y + 0.2 * size)
        found.append((node.text, box))
    return found


def misplaced(text):
    """Words of an SVG that leave the paper or lie on one another."""
    _, _, wide, high = map(float, re.search(r'viewBox="([^"]+)"', text)[1].split())
    boxes = boxes_of(text)
    assert len(boxes) > 3
    wrong = [
        word
        for word, (left, top, right, bottom) in boxes
        if left < 0 or top < 0 or right > wide or bottom > high
    ]
    for at, (word, (left, top, right, bottom)) in enumerate(boxes):
        for other, second in boxes[at + 1 :]:
            across = min(right, second[2]) - max(left, second[0])
            down = min(bottom, second[3]) - max(top, second[1])
            if across > 0.5 and down > 0.5:
                wrong.append((word, other))
    return wrong


ELSEWHERE = (
    {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "77"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "MPLBACKEND": "agg", "PYTHONHASHSEED": "3"},
)


@pytest.mark.parametrize("name", ["curve", "heat", "evidence", "board"])
def test_the_same_bytes_everywhere(lab, tmp_path, name):
    """Another time zone, language and hash seed, and a style of the user's change no byte."""
    options = {"curve": ("--run", "codeparrot-50k"), "heat": ("--run", "compare-0001"),
               "evidence": ("--row", "CLOSE"), "board": ()}[name]  # fmt: skip
    (tmp_path / "matplotlibrc").write_text("font.size: 30\naxes.facecolor: red\n")
    first = svg_of(lab, name, options[1] if options else None)
    for environment in ELSEWHERE:
        done = command(tmp_path, "picture", name, *options, "--ledger", lab.path, **environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode() == first


def test_a_png_is_the_same_twice_and_dark_is_another(lab):
    """A PNG follows from the rows and the theme, and says nothing of who made it."""
    found, rows = rows_of(lab, "heat", "compare-0001")
    first = draw_png(found, "compare-0001", rows, "light")
    assert first.startswith(b"\x89PNG")
    assert draw_png(found, "compare-0001", rows, "light") == first
    assert draw_png(found, "compare-0001", rows, "dark") != first
    assert b"Software" not in first


@pytest.mark.parametrize(
    ("name", "about", "says"),
    [
        ("curve", "trace-0001", "no steps and no epochs"),
        ("heat", "compare-0002", "its answer is incomparable"),
        ("heat", "train-0001", "run train-0001 is no comparison"),
        ("evidence", "NEVER-MEASURED", "no verdict on NEVER-MEASURED"),
        ("chain", "H-NONE", "no claim is called H-NONE"),
    ],
)
def test_nothing_to_draw(lab, name, about, says):
    """Where there is nothing to draw, the reason is said; on a page, by the picture itself."""
    found, rows = rows_of(lab, name, about)
    with pytest.raises(BadArguments, match=says):
        draw_svg(found, about, rows)
    assert says in draw_svg(found, about, rows, is_page=True)


def _luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("at", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_on_their_paper(at):
    """Colours of text have a contrast of 4.5 to 1 on paper and on cards; all are distinct."""
    for role in ("ink", "faint", "first", "second", "third", "fourth"):
        for paper in ("paper", "card"):
            pair = sorted(_luminance(ROLES[name][at]) for name in (role, paper))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (role, paper)
    assert len({light for light, _ in ROLES.values()}) == len(ROLES)


def test_classes_of_distance_are_told_apart_by_lightness():
    """From class to class the heat map darkens on light paper and brightens on dark paper."""
    for at, step_ in ((0, -1), (1, 1)):
        lights = [_luminance(ROLES[f"heat{n}"][at]) for n in range(8)]
        assert lights == sorted(lights, reverse=step_ < 0)
        assert min(abs(a - b) for a, b in itertools.pairwise(lights)) > 0.008


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A ledger with hostile words, losses that are not finite, and baselines that meet a loss."""
    with new_ledger(tmp_path_factory.mktemp("odd")) as made:
        text = "it holds $x_1$ <b>&amp;\u0001 漢字 " + "long" * 60
        made.record("claim.stated", {"claim": "H-1", "text": text})
        for name, value in (("uniform-loss", 6.238324625039508), ("unigram-loss", 6.2)):
            constant = {"constant": name, "formula": str(value), "value": value, "unit": "nats"}
            made.record("constant.declared", constant)
        made.record("criterion.declared", {
            "criterion": "LOSS", "title": "low", "metric": "loss_final", "operator": "<=",
            "threshold": 3.0, "unit": "nats", "blocking": True, "model": "tiny4",
            "binding": {"model": "tiny4"}})  # fmt: skip
        drafts = [run_started("train-0001"), *(step("train-0001", n) for n in range(2))]
        made.append([*drafts, measurement("train-0001", 2.5)], actor=EXECUTOR)
        made.record("step.taken", {
            "run": "train-0001", "step": 2, "provenance": "measured",
            "metrics": {"loss": "NaN", "val_loss": 2.5}}, actor=EXECUTOR)  # fmt: skip
        judge(made, [], actor=HUMAN)
        return made.folder


def test_hostile_words_stay_words(odd):
    """Markup, dollars, control characters and endless words are drawn as they are."""
    text = svg_of(odd, "chain")
    root = ElementTree.fromstring(text)  # noqa: S314 - ours
    drawn = "".join("".join(root.itertext()).split())
    assert "$x_1$<b>&amp;\N{REPLACEMENT CHARACTER}" in drawn
    assert "long" * 60 in drawn.partition("</desc>")[0]
    assert misplaced(text) == []


def test_baselines_and_what_is_not_finite(odd):
    """Constants for guessing are drawn beside our own run; NaN is left out, and said so."""
    text = svg_of(odd, "curve", "train-0001")
    assert "Baseline uniform-loss: 6.238. Baseline unigram-loss: 6.2." in text
    assert "1 value of loss not finite, and not drawn." in text
    assert "val_loss (held-out): 1 value" in text
    assert misplaced(text) == []


def test_a_heat_map_of_many_layers(lab):
    """Twenty-eight layers of seventeen points fit, and their names do not meet."""
    found, rows = rows_of(lab, "heat", "compare-0001")
    kinds = [f"attn_k_after_rope_{n}" for n in range(17)]
    points = [
        {"layer": layer, "point": kind, "max_distance": 10.0 ** -(layer / 4), "std_ratio": 1.5}
        for layer in range(28)
        for kind in kinds
    ]
    many = {**rows, "points": points}
    text = draw_svg(found, "compare-0001", many)
    assert "476 points in 28 layers" in text
    assert misplaced(text) == []
    assert misplaced(draw_svg(find_picture("ratio"), "compare-0001", many)) == []
