"""Contracts of imported traces: whatever a file holds, it is read or refused in one error."""

import contextlib
import tempfile
from pathlib import Path

import yaml
from documents import ROOT
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import MalformedTrace
from ml.imported_contract import read_contract

SOUND = (ROOT / "tests" / "data" / "hugging_face" / "tiny4-f16.yaml").read_text(encoding="utf-8")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["format", "program", "ids", "rows", "values", "path", "points"])


def read(data):
    """What a file of these bytes is read as, if anything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.yaml"
        path.write_bytes(data)
        with contextlib.suppress(MalformedTrace):
            return read_contract(path)
    return None


def test_the_sound_one():
    """What is changed below is sound before."""
    assert read(SOUND.encode()) is not None


@given(st.binary(max_size=300))
def test_any_bytes(data):
    """No bytes at random are a contract."""
    assert read(data) is None


@given(st.data())
def test_a_spliced_contract(data):
    """Text cut and pasted at random places."""
    begin = data.draw(st.integers(0, len(SOUND)))
    end = data.draw(st.integers(begin, min(len(SOUND), begin + 60)))
    read((SOUND[:begin] + data.draw(st.text(max_size=20)) + SOUND[end:]).encode("utf-8", "replace"))


@given(FIELDS, VALUES)
def test_a_field_of_another_form(name, value):
    """Any value for any field: what is read is as its types say."""
    fields = yaml.safe_load(SOUND) | {name: value}
    contract = read(yaml.safe_dump(fields).encode())
    if contract is not None:
        assert isinstance(contract.program, str)
        assert all(isinstance(i, int) for i in contract.ids)
        assert contract.points


@given(st.integers(0, 15), st.sampled_from(["point", "layers", "file", "tensor", "heads"]), VALUES)
def test_a_point_of_another_form(number, name, value):
    """Any value for any field of a point."""
    fields = yaml.safe_load(SOUND)
    fields["points"][number % len(fields["points"])][name] = value
    read(yaml.safe_dump(fields).encode())
