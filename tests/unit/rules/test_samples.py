"""The rule on samples."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import measurement

from ledger.rules.samples import too_few

PASS = {"metric": "pass@5", "unit": "percent"}


def number(metric, each):
    """A number of this metric, from so many samples a problem."""
    key = {} if each is None else {"samples_each": each}
    return attrs.evolve(measurement("train-0001", 50.0).event, metric=metric, key=key)


def test_a_verdict_by_too_few(lab):
    """An estimate of 5 from 4 samples gives no verdict; from 5 it does."""
    row = lab.row(**PASS, operator=">=", threshold=10)
    few = lab.measured(40.0, **PASS, key={"model": "tiny4", "samples_each": 4})
    enough = lab.measured(40.0, **PASS, key={"model": "tiny4", "samples_each": 5})
    assert lab.refusal(lambda: lab.verdict(row, few)) == (
        "samples: pass@5 needs at least 5 samples of each problem; the key says samples_each = 4",
    )
    assert lab.refusal(lambda: lab.verdict(row, enough)) == ()


def test_a_test_and_a_pair_by_too_few(lab):
    """A claim is not tested by such a number either, and a pair not made of two."""
    lab.claim()
    a, b = (lab.measured(40.0 + seed, **PASS, facts={"seed": seed}) for seed in (1, 2))
    said = lab.refusal(lambda: lab.attack("H-1", a, ">", 90.0))
    assert [line.partition(":")[0] for line in said] == ["samples"]
    said = lab.refusal(
        lambda: lab.say(
            "pair.compared", cites=(a, b), metric="pass@5", unit="percent", value_a=41.0,
            value_b=42.0, differs="seed", a=a, b=b,
        )
    )  # fmt: skip
    assert [line.partition(":")[0] for line in said] == ["samples", "samples"]


@pytest.mark.parametrize("metric", ["loss", "pass@1", "pass_at_1", "loss_at_1000", "x@y", "n@"])
def test_metrics_of_no_k(metric):
    """What is not estimated from k samples asks for none."""
    assert list(too_few(number(metric, None))) == []


@given(
    k=st.integers(2, 1000),
    each=st.none() | st.integers(0, 1000) | st.booleans(),
    name=st.sampled_from(["pass@{}", "humaneval.pass@{}", "pass_at_{}", "humaneval_pass_at_{}"]),
)
def test_k_from_at_least_k(k, each, name):
    """A metric of k is refused where the key does not say at least k samples."""
    enough = each is not None and not isinstance(each, bool) and each >= k
    assert bool(list(too_few(number(name.format(k), each)))) != enough
