"""A cell prints value, unit and footnote; what does not carry any more is marked."""

import re

import pytest
from written import published
from zoo_base import HOUR_US

from ledger.errors import TemplateFailed
from ledger.render.cells import Footnotes, read_marks, resolve
from ledger.sections.preview import preview
from ledger.store.reader import open_reader


def read(lab, number):
    """The page of a section."""
    with open_reader(lab.ledger.folder) as db:
        return preview(db, lab.ledger.read_blob, str(number)).text


def said(lab, source):
    """What the line of a section that holds the source says, and all footnotes below it."""
    text = read(lab, published(lab.ledger, f"It is {source} today."))
    (line,) = re.findall(r"^It is (.*) today\.$", text, re.MULTILINE)
    mark = re.search(r"\[\^\d+\]", line)[0]
    (note,) = re.findall(rf"^{re.escape(mark)}: (.*)$", text, re.MULTILINE)
    return line.replace(mark, ""), note


@pytest.mark.parametrize(
    "source",
    [
        '{{ cell("loss_final of train-0001") }}',
        "[[loss_final of train-0001]]",
        "[[loss_final of train-0001 | nats]]",
        "[[ position 2 ]]",
    ],
)
def test_a_measurement(lab, source):
    """However it is named, it is printed with its unit, its position and its hash."""
    hash_ = lab.measured(2.50004)
    assert said(lab, source) == ("2.5 nats", f"position 2, `{hash_}`")


def test_digits_and_hash(lab):
    """So many digits as asked for; the beginning of a hash is a name."""
    hash_ = lab.measured(2.50004)
    line, _ = said(lab, f"[[{hash_[:15]} | nats | 6]]")
    assert line == "2.50004 nats"


def test_a_step(lab):
    """A training step is a cell, too, and its run's mark is its mark."""
    run = lab.begin()
    lab.steps(run, [{"loss": 3.0}, {"loss": 2.25}])
    lab.end(run)
    assert said(lab, f"[[loss of {run} at step 1]]")[0] == "2.25"
    lab.mark(run, "SUSPECT")
    line, note = said(lab, f"[[loss of {run} at step 1]]")
    assert line == "2.25 *(suspect)*"
    assert f"run {run} is SUSPECT" in note


def test_a_row(lab):
    """What a row demands, and the number its verdict went by."""
    lab.row()
    lab.measured(2.5)
    lab.judge()
    assert said(lab, "[[threshold of LOSS]]")[0] == "3 nats"
    assert said(lab, "[[value of LOSS | nats]]")[0] == "2.5 nats"


def test_refuted(lab):
    """It is struck through, and the footnote says since when and why."""
    hash_ = lab.measured(2.5)
    number = published(lab.ledger, "[[loss_final of train-0001]]")
    assert "\n2.5 nats[^1]\n" in read(lab, number)
    lab.refute(hash_, lab.measured(9.0, metric="loss_recomputed"))
    text = read(lab, number)
    assert "\n~~2.5 nats~~ *(refuted)*[^1]\n" in text
    since = lab.position()
    assert f"refuted since position {since}: it was refuted" in text
    assert f"*As of position {since}." in text


def test_suspect(lab):
    """A mark on its run is a mark on its number, until the run is sound again."""
    run = lab.begin()
    lab.number(run, 2.5)
    lab.end(run)
    lab.mark(run)
    since = lab.position()
    number = published(lab.ledger, f"[[loss_final of {run}]]")
    assert "\n2.5 nats *(suspect)*[^1]\n" in read(lab, number)
    assert f"suspect since position {since}: run {run} is INVALID" in read(lab, number)


def test_stale(lab):
    """A number whose premise ran out is stale from the first entry after that."""
    ends = lab.ledger.now_us() + 6 * HOUR_US
    premise = lab.claim(expires_at=ends)
    run = lab.begin()
    lab.number(run, 2.5, cites=(premise,))
    number = published(lab.ledger, f"[[loss_final of {run}]]")
    before = read(lab, number)
    assert "stale" not in before
    for _ in range(8):
        lab.note()
    text = read(lab, number)
    assert "\n2.5 nats *(stale)*[^1]\n" in text
    since = int(re.search(r"stale since position (\d+): H-1 ran out", text)[1])
    lab.note("unrelated")
    assert read(lab, number) == text
    assert since < lab.position()


def test_post_hoc(lab):
    """A number that was seen before its threshold moved says so."""
    first = lab.row()
    seen = lab.measured(3.4)
    lab.judge()
    lab.row(threshold=4.0, supersedes=first, seen=seen)
    lab.judge()
    line, note = said(lab, "[[loss_final of train-0001]]")
    assert line == "3.4 nats *(post hoc)*"
    assert "the threshold moved after it was seen" in note


def test_an_earlier_demand(lab):
    """The value of a verdict is stale once the row demands something else."""
    first = lab.row()
    lab.measured(2.5)
    lab.judge()
    lab.row(threshold=2.75, supersedes=first)
    line, note = said(lab, "[[value of LOSS]]")
    assert line == "2.5 nats *(stale)*"
    assert "judged by an earlier demand" in note


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("[[loss_final of train-0009]]", "no cell is 'loss_final of train-0009'"),
        ("[[los of train-0001]]", "there is loss_final of train-0001"),
        ("[[loss_final]]", "is no reference to a cell"),
        ("[[loss_final of train-0001 | bits]]", "the unit of position 2 is nats, not bits"),
        ("[[loss_final of train-0002]]", "is at positions 5, 6: say which"),
        ("{{ cell(3) }}", "'int' object is not subscriptable"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ footnotes() }}", "'footnotes' is undefined"),
        ("{{ 'x' * 99999999 }}", "of a usual size"),
        ("{{ ''.__class__.__mro__ }}", "is unsafe"),
    ],
)
def test_what_is_no_cell(lab, source, wanted):
    """What does not resolve, or is not allowed, is an error that names the line."""
    lab.measured(2.5)
    twice = lab.begin()
    lab.number(twice, 2.5)
    lab.number(twice, 2.5, key={"model": "tiny5"})
    number = published(lab.ledger, source)
    with pytest.raises(TemplateFailed) as raised:
        read(lab, number)
    assert wanted in raised.value.message
    assert raised.value.message.startswith(f"section {number}, revision 1, line 8: ")


def test_names_mean_what_they_meant(lab):
    """A number that is recorded later changes nothing in what was published."""
    run = lab.begin()
    lab.number(run, 2.5)
    number = published(lab.ledger, f"[[loss_final of {run}]]")
    before = read(lab, number)
    lab.number(run, 7.5, key={"model": "tiny5"})
    assert read(lab, number) == before


def test_cells_without_a_record(lab):
    """In a page of rows, only rows are cells; a mark is found by their hash."""
    hash_ = lab.measured(2.5)
    with pytest.raises(Exception, match="only rows can be cited"):
        Footnotes().cell("loss_final of train-0001")
    lab.refute(hash_, lab.measured(9.0))
    with open_reader(lab.ledger.folder) as db:
        notes = Footnotes(read_marks(db))
    shown = notes.cell({"value": 2.5, "unit": "nats", "evidence": hash_, "position": 2})
    assert shown == "~~2.5 nats~~ *(refuted)*[^1]"
    assert notes.cited() == []


def test_a_reference_is_asked_for_once_only():
    """A grammar that fits asks one query, with what was named."""
    asked = []

    def ask(query, given):
        asked.append((query, given))
        return [{"what": "measurement", "position": 1}]

    resolve("bits a byte of eval-0001", ask, until=9)
    assert asked == [("cells", {"metric": "bits a byte", "name": "eval-0001", "until": 9})]
