"""What a section lacks is found, by line."""

import pytest
from written import text

from ledger.sections.lint import lint
from ledger.store.reader import open_reader


def findings(lab, data):
    """(line, check, text) of everything found."""
    with open_reader(lab.ledger.folder) as db:
        return [(one.line, one.check, one.text) for one in lint("draft.md", data, db)]


def test_nothing(lab):
    """A section in which nothing is missing has no finding."""
    lab.measured(2.5)
    assert findings(lab, text("[[loss_final of train-0001 | nats]]")) == []


def test_headings(lab):
    """One that is missing, and one below which nothing stands; numbers and case do not matter."""
    data = text("this").replace(b"## Why\nbecause\n", b"").replace(b"\nso\n", b"\n")
    data = data.replace(b"## The rule", b"### 1.2 THE RULE")
    assert findings(lab, data) == [
        (0, "heading", "there is no heading 'Why'"),
        (10, "heading", "nothing stands below 'How it is measured'"),
    ]


def test_headings_in_code_are_none(lab):
    """A line of a shell comment is no heading."""
    data = text("this").replace(b"## Why\nbecause\n", b"```sh\n## Why\nbecause\n```\n")
    assert (0, "heading", "there is no heading 'Why'") in findings(lab, data)


def test_answers(lab):
    """A line that is missing, one without an answer, one still asked."""
    answer = b"**In one sentence:** this"
    cases = {
        b"": (0, "answer", "there is no line '**In one sentence:** …'"),
        b"**In one sentence:**": (6, "answer", "In one sentence has no answer"),
        b"**In one sentence:** ??": (6, "answer", "not answered yet: **In one sentence:** ??"),
    }
    for instead, wanted in cases.items():
        assert findings(lab, text("so").replace(answer, instead)) == [wanted]
    for instead in (b"- In one sentence: `this`", b"| **In one sentence** | this |"):
        assert findings(lab, text("so").replace(answer, instead)) == []


def test_two_question_marks_in_prose(lab):
    """Surprise is allowed, and so is code."""
    assert findings(lab, text("Really?? Yes: `a ?? b`.")) == []


def test_a_typed_number(lab):
    """It is named with its line and its cell."""
    lab.measured(2.53)
    assert findings(lab, text("It was 2.5 nats.")) == [
        (8, "number", "2.5 is typed; a cell has that value: [[loss_final of train-0001 | nats]]")
    ]


def test_a_typed_number_of_a_step(lab):
    """On a line that names its run or metric, the number of a step is a finding, too."""
    run = lab.begin()
    lab.steps(run, [{"loss": 5.5371}, {"loss": 3.25}])
    lab.end(run)
    (found,) = findings(lab, text(f"In {run} it began at 5.54 nats.\n\nElsewhere at 5.54."))
    assert found[2] == (f"5.54 is typed; a cell has that value: [[loss of {run} at step 0]]")


@pytest.mark.parametrize(
    ("data", "check", "wanted"),
    [
        (b"no front matter", "form", "no front matter"),
        (b"---\nkind: essay\ntitle: x\n---\n", "form", "there is no kind of section 'essay'"),
        (b"---\nkind: discharge\n---\n", "form", "title is missing"),
        (b"---\nkind: a\ntitle: b\nwhat: c\n---\n", "form", "not known: what"),
        (b"---\nkind: a\ntitle: b\nqueries: [x]\n---\n", "form", "each of queries"),
        (b"---\n&a [*a\n---\n", "form", "front matter is not YAML"),
        (b"---\n- a\n---\n", "form", "it is no mapping"),
        (b"\xff\xfe", "form", "it is not UTF-8"),
        (b"---\nkind: a\ntitle: b\n---\n" + b"x" * 300_000, "form", "longer than"),
        (text("{% if %}"), "form", "Expected an expression"),
        (text("[[a of b]]"), "cell", "no cell is 'a of b'"),
        (text("so", queries="queries: {x: {query: nothing}}\n"), "form", "there is no query"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered(lab, data, check, wanted):
    """Whatever a stranger hands in is a finding, never a failure."""
    (found,) = findings(lab, data)
    assert found[1] == check
    assert wanted in found[2]
