"""The rule on comparability."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import criterion
from ledgers import measurement

from ledger.events import find_kind
from ledger.events.form import completed, parse_body
from ledger.rules.comparability import mismatches

VALUES = st.sampled_from([None, True, False, 0, 1, 1.5, "1", "a", [1], {"x": 1}])
KEYS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"metric": "loss_best"}, "the evidence measures loss_best, the criterion asks for"),
        ({"unit": "bits"}, "the evidence is in bits, the criterion in nats"),
        ({"key": {}}, "the evidence is not about what the criterion is bound to: {'model'"),
        ({"key": {"model": "tiny5"}}, "is not about what the criterion is bound to"),
    ],
)
def test_evidence_about_something_else(lab, changes, says):
    """Another metric, unit or key gives no verdict, and the answer names the field."""
    row, number = lab.row(), lab.measured(2.0, **changes)
    said = lab.refusal(lambda: lab.verdict(row, number))
    assert any(line.startswith("comparability: ") and says in line for line in said)


def test_a_wider_key(lab):
    """A key that says more than the binding is evidence."""
    row, number = lab.row(), lab.measured(2.0, key={"model": "tiny4", "seed": 3})
    assert lab.refusal(lambda: lab.verdict(row, number)) == ()


@given(binding=KEYS, key=KEYS, metric=st.sampled_from("mn"), unit=st.sampled_from(["s", "ms"]))
def test_a_key_meets_its_binding(binding, key, metric, unit):
    """No mismatch where metric and unit are equal and the key holds the binding, type by type."""
    kind = find_kind("criterion.declared")
    demand = parse_body(
        kind, completed(kind, criterion("A", binding=binding, metric="m", unit="s"))
    )
    number = attrs.evolve(measurement("train-0001", 1.0).event, metric=metric, unit=unit, key=key)

    def is_same(a, b):
        return repr(a) == repr(b)

    holds = all(name in key and is_same(key[name], wanted) for name, wanted in binding.items())
    said = list(mismatches(demand, number))
    assert (said == []) == (metric == "m" and unit == "s" and holds)
