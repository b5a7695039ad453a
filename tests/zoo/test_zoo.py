"""The zoo: every mistake is caught by what is there for it, and nothing clean is."""

import pytest
from write_page import PAGE, page
from zoo_list import CLEAN, SPECIMENS, visit

from ledger.audit import CHECKS
from ledger.monitors import MONITORS
from ledger.rules import RULES

each_specimen = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda one: one.name)
each_clean = pytest.mark.parametrize("clean", CLEAN, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def seen():
    """One visit for all tests."""
    return visit()


def test_there_is_a_specimen_for_everything():
    """Every rule and every monitor has a mistake to catch, and every name is given once."""
    caught_by = {one.caught_by for one in SPECIMENS}
    assert {rule.name for rule in RULES} <= caught_by
    assert {monitor.name for monitor in MONITORS} <= caught_by
    known = {f"audit {check.name}" for check in CHECKS} | {"audit chain", "judge"}
    known |= {rule.name for rule in RULES} | {monitor.name for monitor in MONITORS}
    assert caught_by <= known
    names = [one.name for one in (*SPECIMENS, *CLEAN)]
    assert len(set(names)) == len(names)


@each_specimen
def test_a_mistake_is_caught(specimen, seen):
    """The rule, monitor or check that is named objects."""
    assert seen.is_caught(specimen), seen.specimens[specimen.name]


@each_clean
def test_nothing_clean_is_caught(clean, seen):
    """Everything was accepted, no run is marked, and the audit objects to nothing."""
    assert seen.clean[clean.name] == ()


def test_the_page_is_current(seen):
    """spec/reference/zoo.md is what a visit gives."""
    assert PAGE.read_text(encoding="utf-8") == page(seen), "make docs"
