"""The typed parts of a contract file: every problem of form at once, and back to text."""

from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.contracts.base import Surroundings
from ledger.contracts.lint import lint
from ledger.contracts.reading import look_at, parse_contract, read_document
from ledger.contracts.schema import (
    Constant,
    ConstantOf,
    Contract,
    Control,
    Evidence,
    Metadata,
    Row,
)
from ledger.contracts.text import format_contract, starting_contract
from ledger.errors import Malformed


def test_reads(document):
    """The parts of the example, typed, each knowing where it stands."""
    read = document()
    assert read.findings == ()
    assert read.metadata.value.contract == "tiny4"
    assert [one.value for one in read.names] == ["T4-LEARNS", "T4-LOSS", "T4-PASS", "T4-PARITY"]
    rows = [one.value for one in read.rows]
    assert rows[0].threshold == ConstantOf(constant="uniform-loss")
    assert rows[1].evidence == Evidence(provenance=("measured",))
    assert rows[2].control == Control(metric="pass_rate_known", low=98, high=100)
    assert rows[3].threshold == 0.001
    row = read.rows[2]
    lines = read.data.decode().splitlines()
    assert "samples: 164" in lines[row.at("evidence.samples").line - 1]
    assert "evidence:" in lines[row.at("evidence.provenance").line - 2]
    assert row.at("unheard_of") == row.mark


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("format: contract/v1", "format: contract/v2"), "format: "),
        (("format: contract/v1\n", ""), "format: missing"),
        (("    if_fails: look at the data before the model\n", ""), "rows[0].if_fails: missing"),
        (("    noise: 0.05", "    nois: 0.05"), "rows[1].nois: unknown field; did you mean noise"),
        (
            ("version: 1.0.0", "version: 1.0"),
            "metadata.version: expected `str`, got `float`; quote",
        ),
        (("blocking: true", "blocking: 1"), "rows[0].blocking: expected `bool`"),
        (("threshold: 3.0", "threshold: [3]"), "rows[1].threshold: "),
        (("{constant: uniform-loss}", "{const: x}"), "rows[0].threshold.const: unknown field"),
        (("samples: 164", "samples: many"), "rows[2].evidence.samples: expected"),
        (("provenance: [measured]", "provenance: [asserted]"), "rows[1].evidence.provenance: "),
        (("title: the final loss is below three", "title:"), "rows[1].title: expected `str`"),
        (("family: gate", "family: door"), "rows[2].family: "),
        (("binding: {}", "binding: none"), "rows[3].binding: expected `object`"),
        (("value: 10.824905", "value: ten"), "constants[0].value: expected"),
    ],
)
def test_form(document, change, words):
    """Each is found, with its line, and its part alone is left out."""
    findings = document(change).findings
    assert any(one.text.startswith(words) for one in findings), findings
    assert {one.check for one in findings} == {"form"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a contract is a mapping"),
        ("- a\n", "a contract is a mapping"),
        ("rows: 3\n", "rows: expected a list"),
        ("rows: []\n", "rows: a contract demands something"),
        ("rows: [3]\n", "rows[0]: expected a mapping"),
        ("metadata: 3\n", "metadata: expected a mapping"),
        ("a: [\n", "no YAML: "),
    ],
)
def test_other_shapes(text, words):
    """What is no contract at all is a finding, too."""
    assert any(one.text.startswith(words) for one in look_at(text.encode(), "x").findings)


def test_everything_at_once(document):
    """Problems of several parts are told together; what stands in for a field is known."""
    read = document(
        ("version: 1.0.0", "version: 1"),
        ("blocking: true", "blocking: yes"),
        ("noise: 0.05", "noise: much"),
        ("value: 10.824905", "worth: 10.8"),
    )
    assert sorted(one.line for one in read.findings) == [5, 13, 15, 26, 39]
    assert [set(row.stand_ins) for row in read.rows] == [{"blocking"}, {"noise"}, set(), set()]
    assert read.constants[0].stand_ins == {"value"}
    assert read.metadata.stand_ins == {"version"}
    assert len(read.names) == 4
    with pytest.raises(Malformed) as caught:
        parse_contract(read.data, "tiny4.yaml")
    assert len(caught.value.reasons) == 5
    assert caught.value.reasons[0].startswith("tiny4.yaml:")


def test_no_yaml_has_an_offset(document):
    """Reading for good raises with the byte; looking says the line."""
    data = document().data + b"\n  - ]\n"
    with pytest.raises(Malformed) as caught:
        read_document(data, "x")
    assert caught.value.offset is not None
    (one,) = look_at(data, "x").findings
    assert (one.check, one.line) == ("yaml", data[: caught.value.offset].count(b"\n") + 1)


TINY4 = Path(__file__).parents[2] / "data" / "contracts" / "tiny4.yaml"
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
QUANTITIES = NUMBERS | st.builds(ConstantOf, constant=WORDS)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(WORDS, PLAIN, max_size=3)
SEVERAL = st.lists(WORDS, max_size=2).map(tuple)


def _some(strategy):
    return st.none() | strategy


ROWS = st.builds(
    Row,
    name=WORDS,
    family=st.sampled_from(["criterion", "falsifier", "gate", "invariant"]),
    title=WORDS,
    metric=WORDS,
    operator=st.sampled_from(["<=", ">=", "<", ">", "==", "!="]),
    threshold=QUANTITIES | st.booleans() | WORDS,
    unit=_some(WORDS),
    noise=_some(QUANTITIES),
    blocking=st.booleans(),
    binding=OBJECTS,
    test=WORDS,
    prediction=WORDS,
    if_fails=WORDS,
    evidence=_some(st.builds(Evidence, rests_on=_some(SEVERAL), samples=_some(st.integers(0, 9)))),
    control=_some(st.builds(Control, metric=WORDS, low=QUANTITIES, high=QUANTITIES)),
    requires=SEVERAL,
    aliases=SEVERAL,
    stop_rule=_some(OBJECTS),
    cites=SEVERAL,
)
CONTRACTS = st.builds(
    Contract,
    format=st.just("contract/v1"),
    metadata=st.builds(Metadata, contract=WORDS, version=WORDS, title=WORDS, references=SEVERAL),
    constants=st.lists(
        st.builds(Constant, name=WORDS, formula=WORDS, value=NUMBERS, unit=WORDS), max_size=2
    ).map(tuple),
    rows=st.lists(ROWS, min_size=1, max_size=2).map(tuple),
)


@settings(max_examples=60)
@given(CONTRACTS)
def test_round_trip(contract):
    """parse(format(contract)) is the contract, whatever words are in it."""
    text = format_contract(contract)
    read = parse_contract(text)
    assert _typed(attrs.asdict(read)) == _typed(attrs.asdict(contract))
    assert format_contract(read) == text


def _typed(value):
    """A value in which true and 1, 1 and 1.0 differ."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_typed(item) for item in value]
    return (type(value).__name__, value)


def test_starting_contract():
    """What `new` prints is a contract."""
    contract = starting_contract("tiny4", "tiny4")
    assert parse_contract(format_contract(contract)) == contract


@settings(max_examples=60)
@given(st.data())
def test_any_change_of_a_file(data):
    """A file with bytes cut out and others put in is checked, with findings or none."""
    text = TINY4.read_bytes()
    begin = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=8) | st.sampled_from([b"\n", b"  ", b": ", b"- ", b"[{"]))
    document = look_at(text[:begin] + put + text[begin + length :], "x")
    assert set(document.findings) <= set(lint(document, Surroundings()))
