"""What holds for every rule: walk the list."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest
from event_values import event_strategy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import rules
from ledger.events import EVENTS
from ledger.rules import RULES, Proposal, Rule

FOLDER = Path(inspect.getfile(rules)).parent
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
DECIDED = [cls for cls in EVENTS if cls.KIND.family == "decided"]


class Nothing:
    """The record of a ledger that has no entry: it answers None to every question."""

    def listed(self, _key):
        """No list has a member."""
        return []

    def names(self, _room):
        """No name was ever given."""
        return []

    def __getattr__(self, _question):
        return lambda _about: None


def test_every_rule_is_listed():
    """Every RULE of the folder is in the tuple, in files of their own."""
    found = [
        module.RULE
        for path in sorted(FOLDER.glob("*.py"))
        if hasattr(module := importlib.import_module(f"ledger.rules.{path.stem}"), "RULE")
    ]
    assert sorted(found, key=lambda rule: rule.name) == sorted(RULES, key=lambda rule: rule.name)


@each_rule
def test_rule(rule):
    """A rule has a name of its own, a sentence, and lives in the file of its name."""
    assert isinstance(rule, Rule)
    assert [other.name for other in RULES].count(rule.name) == 1
    assert rule.forbids
    assert not rule.forbids.endswith(".")
    module = inspect.getmodule(rule.check)
    assert Path(module.__file__).stem == rule.name
    assert module.__doc__
    assert rule.check.__doc__


@each_rule
def test_rule_is_pure(rule):
    """A rule imports nothing that writes: no journal, no state, no folder."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(rule.check)))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    rooms = {name.split(".")[1] for name in imported if name.startswith("ledger.")}
    assert rooms <= {"canonical", "clock", "entry", "errors", "events", "ids", "rules", "statuses"}


@each_rule
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_rule_answers_anything(rule, data):
    """A rule gives reasons in words, and never fails, for any sound event on an empty record."""
    event = data.draw(st.sampled_from(DECIDED).flatmap(event_strategy))
    proposal = Proposal(event=event, actor="human:ada", cites=())
    reasons = list(rule.check(proposal, Nothing()))
    assert all(isinstance(reason, str) and reason for reason in reasons)
