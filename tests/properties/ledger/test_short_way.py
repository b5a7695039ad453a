"""The short way through the form check agrees with the long one, on sound and on broken bodies."""

import attrs
import pytest
from event_values import event_strategy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.canonical import encode
from ledger.errors import Malformed
from ledger.events import EVENTS, KINDS
from ledger.events.form import _parse_slowly, body_of, check_event, parse_body, short_way

PLAIN = [cls for cls in EVENTS if short_way(cls.KIND) is not None]
#: What canonical JSON cannot hold, what no field expects, and what only looks alike.
POISON = [
    float("nan"),
    float("inf"),
    -float("inf"),
    2**53 + 1,
    -(2**60),
    10**30,
    "\ud800",
    None,
    True,
    {},
    {"": 1},
    {"é": 1},
    {1: 1},
    {"a\n": 1},
    {"a": float("nan")},
    {"a": 2**53 + 1},
    {"a": "b"},
    [],
    object(),
    b"x",
    "NaN",
    "null",
    1.0,
    1,
]


def slow(kind, body):
    """What the long way says: the event, or None."""
    try:
        return _parse_slowly(kind, body)
    except (Malformed, TypeError):
        return None


def test_steps_and_verdicts_take_it():
    """The hot kinds are among those that the short way serves."""
    assert {"step.taken", "run.finished", "verdict.given"} <= {cls.KIND.name for cls in PLAIN}
    body = {"run": "r", "step": 1, "provenance": "measured", "metrics": {"loss": 0.1 + 0.2}}
    assert short_way(KINDS["step.taken"]).encode(body) == encode(body)


@pytest.mark.parametrize("cls", PLAIN, ids=lambda cls: cls.KIND.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_it_never_says_yes_alone(cls, data):
    """Whatever stands in a body, the short way gives the event that the long way gives, or none."""
    body = body_of(data.draw(event_strategy(cls)))
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=2)):
        body[name] = data.draw(st.sampled_from(POISON))
    if data.draw(st.booleans()):
        body.pop(data.draw(st.sampled_from(sorted(body))))
    if data.draw(st.booleans()):
        body["extra"] = 1
    quick = short_way(cls.KIND).encode(body)
    if quick is not None:
        event = slow(cls.KIND, body)
        assert quick == encode(body_of(event))
        assert parse_body(cls.KIND, body) == event


@pytest.mark.parametrize("cls", PLAIN, ids=lambda cls: cls.KIND.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nor_for_an_event_made_in_python(cls, data):
    """Whatever someone puts into the fields of an event, its bytes are the long way's, or none."""
    event = data.draw(event_strategy(cls))
    changes = {
        name: data.draw(st.sampled_from(POISON))
        for name in data.draw(st.lists(st.sampled_from(sorted(body_of(event))), max_size=2))
    }
    event = attrs.evolve(event, **changes)
    try:
        encoded = check_event(event)
    except Malformed:
        return
    assert encoded == encode(body_of(_parse_slowly(cls.KIND, body_of(event))))
