"""The rule on pairs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

from ledger.rules.pairs import differing

SETTINGS = st.dictionaries(
    st.sampled_from("abcd"), st.sampled_from([None, True, 1, 1.5, "1", [1]]), max_size=4
)
FACTS = {"arguments": {"lr": 0.1}, "program": "train 1", "seed": 1}


def compare(lab, a, b, differs="seed", /, **typed):
    """What is said against a pair of two results."""
    body = {
        "metric": "loss_final", "unit": "nats", "value_a": lab.event(a).value,
        "value_b": lab.event(b).value, "differs": differs, "a": a, "b": b,
    }  # fmt: skip
    cites = typed.pop("cites", tuple(dict.fromkeys((a, b))))
    return lab.refusal(lambda: lab.say("pair.compared", cites=cites, **body | typed))


def two(lab, **other):
    """Two results of runs that differ in this."""
    return lab.measured(2.5, facts=FACTS), lab.measured(2.0, facts=FACTS | other)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"seed": 2}, "seed"),
        ({"arguments": {"lr": 0.2}}, "arguments.lr"),
        ({"arguments": {"lr": 0.1, "wd": 0}}, "arguments.wd"),
        ({"device_observed": "cuda"}, "device"),
        ({"dtype": "float16"}, "dtype"),
        ({"program": "train 2"}, "program"),
        ({"compiler": "clang 18"}, "compiler"),
        ({"inputs": {"corpus": "sha256:" + "1" * 64}}, "inputs.corpus"),
        ({"model": {"layers": 3}}, "model.layers"),
        ({"environment": {"BLAS": "none"}}, "environment.BLAS"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_thing_differs(lab, other, name):
    """Any one thing may differ, if it is the one that is named."""
    a, b = two(lab, **other)
    assert compare(lab, a, b, name) == ()
    (said,) = compare(lab, a, b, "key.x")
    assert said == f"pairs: they are not comparable as a pair: besides key.x, {name} differ"


def test_two_things_differ(lab):
    """The other one is told."""
    a, b = two(lab, seed=2, arguments={"lr": 0.2})
    assert compare(lab, a, b) == (
        "pairs: they are not comparable as a pair: besides seed, arguments.lr differ",
    )


def test_nothing_differs(lab):
    """Two results of one setting, or one result twice, are no pair."""
    a, b = two(lab)
    assert compare(lab, a, b) == ("pairs: seed does not differ",)
    assert compare(lab, a, a) == ("pairs: seed does not differ",)


def test_what_is_stated_and_cited(lab):
    """Metric, unit and values are the results', both are cited, measured, measurements."""
    a, b = two(lab, seed=2)
    assert compare(lab, a, b, value_b=1.0) == ("pairs: b is loss_final = 2.0 nats",)
    assert compare(lab, a, b, unit="bits")[0] == "pairs: a is loss_final = 2.5 nats"
    assert compare(lab, a, b, cites=(a,)) == ("pairs: a pair cites both results; b is not cited",)
    note = lab.note()
    said = compare(lab, a, b, b=note, cites=(a, note))
    assert said == ("pairs: a pair is two measurements of this ledger",)
    made_up = lab.measured(2.0, facts=FACTS | {"seed": 2}, provenance="synthetic")
    assert compare(lab, a, made_up)[0].endswith("is synthetic, not measured")


def test_a_truth_value_is_no_number(lab):
    """True is not compared as 1."""
    a, b = (lab.measured(v, unit="count", facts=FACTS | {"seed": v}) for v in (1, 0))
    assert compare(lab, a, b, unit="count") == ()
    c = lab.measured(True, unit="count", facts=FACTS | {"seed": 2})
    assert compare(lab, c, b, unit="count", value_a=1)[0].startswith(
        "pairs: a is loss_final = True"
    )


@given(one=SETTINGS, other=SETTINGS)
def test_differing_is_symmetric(one, other):
    """The same names either way; none for a setting and itself; all that is not equal."""
    found = differing(one, other)
    assert found == differing(other, one) == sorted(found)
    assert differing(one, one) == []
    same = {name for name in one.keys() & other.keys() if repr(one[name]) == repr(other[name])}
    assert set(found) == (one.keys() | other.keys()) - same


@settings(max_examples=12)
@given(changed=st.sets(st.sampled_from(["lr", "wd", "batch"])))
def test_exactly_one(changed):
    """A pair is accepted if and only if exactly the named argument differs."""
    with a_lab() as lab:
        plain = {"lr": 1, "wd": 1, "batch": 1}
        other = plain | dict.fromkeys(changed, 2)
        a, b = (lab.measured(2.0, facts={"arguments": one}) for one in (plain, other))
        assert (compare(lab, a, b, "arguments.lr") == ()) == (changed == {"lr"})
