"""Every kind of section: the list names what the folder holds, and each form keeps the contract."""

import pytest
import yaml
from ledgers import new_folder

from ledger.events.section import SECTION_KINDS
from ledger.queries import find_query
from ledger.render.base import TEMPLATES
from ledger.sections.kinds import all_forms, read_form
from ledger.sections.lint import lint
from ledger.sections.source import parse_source
from ledger.store.reader import open_reader

FOLDER = TEMPLATES / "sections"
each_form = pytest.mark.parametrize("form", all_forms(), ids=lambda form: form.section_kind)
OPEN = "not answered yet"


def test_every_kind_is_listed():
    """Each file of the folder is a kind, and each kind has its file."""
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(
        f"{kind}.md.j2" for kind in SECTION_KINDS
    )
    assert len(set(SECTION_KINDS)) == len(SECTION_KINDS)


@each_form
def test_form(form):
    """It has a summary, headings that it asks for, and says what the section is not."""
    assert form.summary.endswith(".")
    assert form.headings
    assert form.answers
    assert "What this section is NOT" in form.headings
    assert form.body.endswith("\n")
    assert "\r" not in form.body
    for asked in form.queries.values():
        parameters = {parameter.name for parameter in find_query(asked["query"]).parameters}
        assert set(asked) - {"query"} <= parameters


@each_form
def test_a_new_section(form, tmp_path):
    """What a new one starts from can be read and rendered, and lacks nothing but answers."""
    text = form.source("A title: with a colon")
    source = parse_source("new", text)
    assert (source.section_kind, source.title) == (form.section_kind, "A title: with a colon")
    assert source.queries == form.queries
    with open_reader(new_folder(tmp_path / "lab")) as db:
        found = lint("new", text, db)
    assert found
    assert all(OPEN in one.text for one in found)


@each_form
def test_an_answered_section(form, tmp_path):
    """Where each question is answered, nothing is missing; without a heading, it is."""
    text = form.source("A title").replace("??", "so")
    with open_reader(new_folder(tmp_path / "lab")) as db:
        assert lint("done", text, db) == []
        for heading in form.headings:
            without = text.replace(f"## {heading}\n", "")
            said = [one.text for one in lint("done", without, db)]
            assert f"there is no heading {heading!r}" in said
        for label in form.answers:
            (line,) = [one for one in text.splitlines() if f"**{label}:**" in one]
            said = [one.text for one in lint("done", text.replace(line, ""), db)]
            assert f"there is no line '**{label}:** …'" in said


def test_the_falsifiable_step_asks_for_both_outcomes():
    """A next step says what each outcome means, before it is taken."""
    answers = read_form("next-step").answers
    assert {"Command", "Metric", "If it is met", "If it is not"} <= set(answers)


def test_a_post_mortem_asks_five_times():
    """Five whys are five."""
    asked = read_form("post-mortem").answers
    assert [label for label in asked if label.startswith("Why")] == [
        f"Why {n}" for n in range(1, 6)
    ]


def test_front_matter_is_plain():
    """Forms are read by people: no key is unknown, none is written twice."""
    for path in FOLDER.iterdir():
        front = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])
        assert set(front) <= {"summary", "queries", "headings", "answers"}
