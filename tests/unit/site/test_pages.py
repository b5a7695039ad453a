"""What pages say: each kind is there, states its position, and links to what it rests on."""

import importlib
import inspect
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from ledgers import EXECUTOR, claim, new_folder, new_ledger, note, run_started, step
from sites import KINDS

from ledger import site as room
from ledger.cli import run
from ledger.errors import BadArguments, TemplateFailed
from ledger.site import PAGES, page_kinds
from ledger.site.base import PageKind, greatest, some
from ledger.site.build import build
from ledger.site.heat import SHADES, heat_table
from ledger.site.process import open_renderer
from ledger.site.words import TONES
from ledger.site.writing import write
from ledger.statuses import MEANINGS

AS_OF = re.compile(r'<p class="stated">As of position <a class="at" href="[^"]*#e(\d+)"')


class Links(HTMLParser):
    """The links and the names of places of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002 - as the parser calls it
        """Keep what leads somewhere, and what can be led to."""
        known = dict(attrs)
        self.links += [known[name] for name in ("href", "src") if name in known]
        if "id" in known:
            assert known["id"] not in self.places, known["id"]
            self.places.add(known["id"])


def text_of(site, path):
    """A page."""
    return (site / path).read_text(encoding="utf-8")


def test_every_kind_is_listed():
    """Each file of the room that makes pages is in the tuple, and says what it makes."""
    folder = Path(inspect.getfile(room)).parent
    found = {
        path.stem
        for path in folder.glob("*.py")
        if isinstance(
            getattr(importlib.import_module(f"ledger.site.{path.stem}"), "PAGE", None), PageKind
        )
        if path.stem not in ("__init__", "child")
    }
    assert found == set(PAGES)
    assert [kind.name for kind in page_kinds()] == list(PAGES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_made(site, kind):
    """With a title of its own, and the position that it rests on, as the index says it, too."""
    text = text_of(site, kind)
    assert text.startswith("<!doctype html>\n")
    assert re.search(r"<title>[^<]+ · example.org/lab</title>", text)
    index = json.loads(text_of(site, "site.json"))["files"]
    if kind != "search.html":
        assert int(AS_OF.search(text)[1]) == index[kind]["as_of"]


def test_links_lead_somewhere(site):
    """On every page, to files and to places in them; and no place has two names."""
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 100
    for path, page in pages.items():
        for link in page.links:
            if link.startswith("https://example.org/"):
                continue
            name, _, place = unquote(link).partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.is_file(), f"{path}: {link}"
            assert not place or place in pages[target].places, f"{path}: {link}"


def test_every_page_links_to_its_entries(site):
    """But the page of the search, which says nothing of the record."""
    for path in site.rglob("*.html"):
        if path.name != "search.html":
            assert re.search(r'href="(\.\./)?events/\d{8}\.html#e\d+"', path.read_text("utf-8"))


def test_an_entry_is_shown_whole(hostile, site):
    """With its hash, its time, and links to what it cites."""
    from ledger.store.reader import open_reader

    with open_reader(hostile) as db:
        position, hash_, actor, cites = db.execute(
            "select position, hash, actor, cites from events where kind = 'verdict.given'"
            " order by position limit 1"
        ).fetchone()
    page = text_of(site, f"events/{position // 200 * 200:08d}.html")
    entry = page.partition(f'id="e{position}"')[2].partition("</article>")[0]
    assert hash_ in entry
    assert actor in entry
    assert all(cited in entry for cited in cites)
    assert entry.count('class="at"') == len(cites)
    assert "&#34;criterion&#34;: &#34;" in entry


def test_the_tree_of_evidence_reaches_the_start_of_the_run(site):
    """From the verdict to the measurement and to the run that took it."""
    text = text_of(site, "criteria/LOSS.html").partition('class="tree"')[2].partition("<svg")[0]
    kinds = re.findall(r'class="kind">([\w.]+)<', text)
    assert kinds[0] == "verdict.given"
    assert {"criterion.declared", "measurement.taken", "run.started"} <= set(kinds)


def test_a_section_says_what_changed(site):
    """From one publication to the next, word by word, and in its title."""
    text = text_of(site, "sections/0001-the-loss.html")
    assert "What changed from v1 to v3" in text
    assert "<del>The loss</del> <ins>The loss, again</ins>" in text
    assert re.search(r'<sup class="cite"><a href="#note-1">1</a></sup>', text)
    assert 'id="note-1" value="1">position <a class="at"' in text


def test_a_version_says_what_changed(site):
    """Rows that moved, and the board before and after."""
    text = text_of(site, "versions/2.51.html")
    assert "INV-GPUTRAIN-004" in text
    assert "<strong>+1</strong>" in text


def test_a_version_names_what_it_published(site):
    """Sections of our own, with their pages."""
    text = text_of(site, "versions/3.html")
    assert (
        'href="../sections/0001-the-loss.html"' in text.partition("Sections published with it")[2]
    )
    assert "The loss, again" in text_of(site, "versions.html")


def test_monitors_speak_on_the_page_of_a_run(site):
    """With the entries that show it."""
    assert "generated-metric" in text_of(site, "reported-runs/cuda-50step.html")


def test_the_search_finds_rows_by_their_words(site):
    """The index is a script that holds titles, sorts, paths and words."""
    text = text_of(site, "search-index.js")
    found = json.loads(text.removeprefix("window.LEDGER_INDEX = ").rstrip().removesuffix(";"))
    (row,) = [line for line in found if line[0] == "FALSIFY-SHIP-001"]
    assert row[1:3] == ["reported row", "reported-criteria/FALSIFY-SHIP-001.html"]
    assert "safetensors import" in row[3]
    assert all((site / line[2]).is_file() for line in found)


def test_a_ledger_without_a_word(tmp_path):
    """Has a site that says so, with all pages that do not need a thing to be about."""
    with new_ledger(tmp_path / "new") as lab:
        lab.append([note("the first")])
        built = build(lab.folder)
    paths = {file.path for file in built.files}
    assert {kind for kind in KINDS if "/" not in kind} <= paths
    assert "events/00000000.html" in paths


def test_a_ledger_without_an_entry(tmp_path):
    """Is told from one with entries, and nothing is written."""
    folder = new_folder(tmp_path / "lab")
    with pytest.raises(BadArguments, match="empty"):
        write(folder, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_an_unrelated_entry_changes_nothing(small):
    """A page is as it was where nothing on it is of the new entry."""
    before = {file.path: file.data for file in build(small.folder).files}
    small.append([claim("H-NEW")])
    after = {file.path: file.data for file in build(small.folder).files}
    changed = {path for path in before if before[path] != after[path]}
    assert "claims.html" in changed
    assert changed.isdisjoint({"criteria/LOSS.html", "runs.html", "board.html", "site.css"})
    assert set(after) - set(before) == {"claims/H-NEW.html", "pictures/claims.svg"}


def test_what_is_too_much_is_left_out(small, monkeypatch):
    """Diagrams that nobody could read, and steps between others; the page says so."""
    small.append([claim(f"H-{at}") for at in range(201)])
    steps = [step("train-0001", at) for at in range(500)]
    small.append([run_started("train-0001"), *steps], actor=EXECUTOR)
    monkeypatch.setattr("ledger.site.runs._READ", 200)
    files = {file.path: file.data.decode() for file in build(small.folder).files}
    assert "pictures/claims.svg" not in files
    assert "too many claims" in files["claims.html"]
    run_page = files["runs/train-0001.html"]
    assert "120 of 500 steps, evenly spaced over the first 100 and the last 100." in run_page
    shown = re.findall(r'<th scope="row" class="num">(\d+)<', run_page)
    assert (shown[0], shown[-1], len(shown)) == ("0", "499", 120)
    assert "pictures/curve-train-0001.svg" in files


def test_the_past(small, tmp_path):
    """`--at` gives the site as it was then."""
    small.append([claim("H-NEW")])
    last = small.query("events", last=1).objects()[0]["position"]
    place = ["--ledger", str(small.folder.path)]
    assert run(["site", str(tmp_path / "then"), "--at", str(last - 1), *place]) == 0
    assert run(["site", str(tmp_path / "now"), *place]) == 0
    assert (tmp_path / "now/claims/H-NEW.html").exists()
    assert not (tmp_path / "then/claims/H-NEW.html").exists()


def test_own_templates_take_the_place_of_ours(small, tmp_path):
    """They extend ours, and what they print is escaped like ours."""
    own = tmp_path / "own"
    (own / "site").mkdir(parents=True)
    (own / "documents.yaml").write_text("documents: []\n")
    (own / "site/criterion.html.jinja").write_text(
        '{% extends "ledger/site/criterion.html.jinja" %}{% block body %}'
        '{{ super() }}<p id="mine">{{ "<b>" ~ row.title }}</p>{% endblock %}'
    )
    (own / "site/layout.html.jinja").write_text(
        '{% extends "ledger/site/layout.html.jinja" %}{% block foot %}<p>ours</p>{% endblock %}'
    )
    files = {f.path: f.data.decode() for f in build(small.folder, open_renderer(own)).files}
    assert '<p id="mine">&lt;b&gt;the final loss is below three</p>' in files["criteria/LOSS.html"]
    assert "What is demanded" in files["criteria/LOSS.html"]
    assert "<p>ours</p>" in files["claims.html"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("boards.html.jinja", "x", "takes the place of no page of ours"),
        ("claims.html.jinja", "{{ nobody }}", "claims.html.jinja, line 1: 'nobody' is undefined"),
        ("claims.html.jinja", "{{ origin.__class__ }}", "unsafe"),
    ],
)
def test_own_templates_that_are_wrong(small, tmp_path, name, text, said):
    """Are named, with line, and nothing is written."""
    own = tmp_path / "own"
    (own / "site").mkdir(parents=True)
    (own / "documents.yaml").write_text("documents: []\n")
    (own / "site" / name).write_text(text)
    with pytest.raises(TemplateFailed, match=re.escape(said)):
        write(small.folder, tmp_path / "site", open_renderer(own))
    assert not (tmp_path / "site").exists()


def test_every_status_has_a_look():
    """Of those that this ledger gives."""
    known = {word for words in MEANINGS.values() for word in words}
    assert known <= set(TONES)


def test_shades_go_by_doublings():
    """A cell that is eight times the least of its line is six shades above it."""
    values = [1.0, 2.0, 8.0, 1e9, 0.0, None]
    points = [
        {"layer": at, "point": "output", "scope": "all", "std": value}
        for at, value in enumerate(values)
    ]
    (line,) = heat_table(points)["lines"]
    assert [cell["shade"] for cell in line["cells"]] == [0, 2, 6, SHADES - 1, None, None]
    assert heat_table([{**points[0], "layer": None}]) is None


def test_the_greatest_position_is_found_however_deep():
    """In rows of rows."""
    assert greatest({"a": [{"position": 3}, {"b": ({"position": 7},)}], "position": 5}) == 7
    assert greatest({"a": []}) == 0


def test_long_lists_keep_their_ends():
    """And are as long as said."""
    kept = some(range(1000), 7)
    assert (kept[0], kept[-1], len(kept)) == (0, 999, 7)
