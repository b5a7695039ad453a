"""Sections, whatever is written and whoever is first."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, run_started
from written import rewritten, text, written

from ledger.errors import TemplateFailed
from ledger.ledger import Ledger
from ledger.sections.lint import lint
from ledger.sections.preview import preview
from ledger.sections.recording import publish_section, state_action
from ledger.sections.typed import find_typed, typed_numbers
from ledger.store.reader import open_reader

STEPS = ("write", "publish", "state")


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(STEPS)), max_size=24))
def test_any_interleaving(steps):
    """Three writers that take turns in any order: every number once, none left out."""
    with tempfile.TemporaryDirectory() as place:
        folder = new_ledger(Path(place) / "lab").folder
        writers = [Ledger(folder, actor=HUMAN) for _ in range(3)]
        sections, versions, actions, open_ = [], [], [], []
        for who, step in steps:
            if step == "write":
                sections.append(written(writers[who]))
                open_.append(sections[-1])
            elif step == "publish" and open_:
                versions.append(publish_section(writers[who], open_.pop(), 1)[0].to_version)
            elif step == "state":
                actions.append(state_action(writers[who], "go on")[0].action)
        for numbers in (sections, versions, actions):
            assert numbers == list(range(1, len(numbers) + 1))
        for writer in writers:
            writer.close()


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A ledger with one number of three digits."""
    with new_ledger(tmp_path_factory.mktemp("measured") / "lab") as ledger:
        drafts = [run_started("train-0001"), measurement("train-0001", 271.828)]
        ledger.append(drafts, actor=EXECUTOR)
        yield ledger


values = st.floats(1e-6, 1e9) | st.floats(-1e9, -1e-6) | st.integers(100, 10**9)
#: Prose around a number: words, marks, line breaks; no code, no Jinja, nothing that makes a name.
words = st.text(alphabet="abc ,;!?*()\n", max_size=30)


@given(values, st.integers(3, 12), words, words)
def test_a_planted_number_is_found(value, digits, before, after):
    """However precisely it is typed, and wherever it stands in prose."""
    typed = f"{value:.{digits}g}" if isinstance(value, float) else f"{value:,}"
    assume(not (typed.lstrip("-").isdigit() and len(typed.lstrip("-")) < 3))
    cell = {
        "metric": "m", "name": "run-1", "value": value, "unit": None, "what": "measurement",
        "hash": "sha256:" + "0" * 64, "position": 3,
    }  # fmt: skip
    body = f"{before} {typed} {after}"
    is_year = typed.isdigit() and 1900 <= int(typed) < 2100
    found = [match.typed.text for match in find_typed(body, [cell])]
    assert found == ([] if is_year else [typed])


@settings(max_examples=25)
@given(words, words)
def test_a_planted_number_is_a_finding(measured, before, after):
    """Lint names the cell and the line, whatever stands around."""
    data = text(f"x{before} 271.8 nats {after}x")
    with open_reader(measured.folder) as db:
        found = [one for one in lint("draft", data, db) if one.check == "number"]
    (one,) = found
    assert "[[loss_final of train-0001 | nats]]" in one.text
    assert "271.8" in data.decode().splitlines()[one.line - 1]


@given(st.text(max_size=80))
def test_any_text_has_numbers_or_none(body):
    """Reading typed numbers never fails."""
    assert all(1 <= typed.line <= body.count("\n") + 1 for typed in typed_numbers(body))


@pytest.fixture(scope="module")
def section(measured):
    """A section of that ledger."""
    return written(measured)


@settings(max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60))
def test_rendered_twice(measured, section, says):
    """Whatever a section says, it reads the same twice, or is refused by the same message twice."""
    rewritten(measured, section, f"{says} [[loss_final of train-0001 | nats]]")
    assert _reading(measured, section) == _reading(measured, section)


def _reading(ledger, section):
    with open_reader(ledger.folder) as db:
        try:
            page = preview(db, ledger.read_blob, str(section), draft=True)
        except TemplateFailed as error:
            return error.message
    return page.text, page.as_of
