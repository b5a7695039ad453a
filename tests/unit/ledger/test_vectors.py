"""The package against the conformance vectors, and the vectors against hashlib and json alone."""

import hashlib
import json

import pytest
from vectors import load

from ledger.entry import entry_hash, format_hash, parse_entry
from ledger.errors import Malformed
from ledger.journal.batch import Batch, parse_batch
from ledger.journal.line import chain_next, chain_start, extend, parse_line
from ledger.journal.reader import scan
from ledger.journal.segments import beginning

ENTRY, CHAIN, JOURNAL = load("entry"), load("chain"), load("journal")


@pytest.mark.parametrize("vector", ENTRY["entries"], ids=lambda v: v["about"])
def test_entry(vector):
    """An entry of the vectors is read, printed back to the same bytes, and hashed as stated."""
    data = vector["entry"].encode()
    assert len(data) == vector["bytes"]
    assert parse_entry(data).format() == data
    assert format_hash(entry_hash(data)) == vector["hash"]


@pytest.mark.parametrize("vector", ENTRY["entries"], ids=lambda v: v["about"])
def test_entry_vectors_stand_alone(vector):
    """The stated hash is SHA-256 of a zero byte and the bytes, and the bytes are sorted JSON."""
    data = vector["entry"].encode()
    assert "sha256:" + hashlib.sha256(b"\x00" + data).hexdigest() == vector["hash"]
    plain = json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert plain.encode() == data


@pytest.mark.parametrize("vector", ENTRY["as_written"], ids=lambda v: v["about"])
def test_float_as_written(vector):
    """A float that another encoder spelled differently is read, and hashed as it is written."""
    data = vector["entry"].encode()
    assert isinstance(parse_entry(data).body["text"], float)
    assert format_hash(entry_hash(data)) == vector["hash"]
    assert "sha256:" + hashlib.sha256(b"\x00" + data).hexdigest() == vector["hash"]


@pytest.mark.parametrize("vector", ENTRY["refused"], ids=lambda v: v["why"])
def test_refused_entry(vector):
    """Bytes that are not exactly an entry are refused."""
    with pytest.raises(Malformed):
        parse_entry(vector["entry"].encode())


@pytest.mark.parametrize("vector", CHAIN["starts"], ids=lambda v: v["origin"])
def test_chain_start(vector):
    """The chain begins with the format's name and the origin."""
    assert chain_start(vector["origin"]).hex() == vector["chain"]
    text = f"research-ledger/v1\n{vector['origin']}"
    assert hashlib.sha256(text.encode()).hexdigest() == vector["chain"]


def test_chain_steps():
    """Each step of the chain is SHA-256 of the one before and the entry hash."""
    chain = chain_start(CHAIN["origin"])
    for step, vector in zip(CHAIN["steps"], ENTRY["entries"], strict=True):
        assert step["hash"] == vector["hash"]
        hash_ = bytes.fromhex(step["hash"].removeprefix("sha256:"))
        assert extend(chain, vector["entry"].encode()) == chain_next(chain, hash_)
        chain = hashlib.sha256(chain + hash_).digest()
        assert chain_next(bytes.fromhex(previous(step)), hash_).hex() == step["chain"]
        assert chain.hex() == step["chain"]


def previous(step: dict) -> str:
    """The chain value before a step."""
    if step["position"] == 0:
        return CHAIN["starts"][0]["chain"]
    return CHAIN["steps"][step["position"] - 1]["chain"]


def test_lines():
    """Each line of the vectors parses into position, chain and E, and prints back."""
    for text, step, vector in zip(JOURNAL["lines"], CHAIN["steps"], ENTRY["entries"], strict=True):
        line = parse_line(text.encode())
        assert line.format() == text.encode()
        assert (line.position, line.chain.hex()) == (step["position"], step["chain"])
        assert line.entry == vector["entry"].encode()


def test_segment(tmp_path):
    """The lines make the segment whose size and digest are stated, and it scans."""
    segment = "".join(JOURNAL["lines"]).encode()
    assert len(segment) == JOURNAL["segment"]["bytes"]
    assert hashlib.sha256(segment).hexdigest() == JOURNAL["segment"]["sha256"]
    (tmp_path / JOURNAL["segment"]["name"]).write_bytes(segment)
    found = list(scan(tmp_path, beginning(JOURNAL["origin"])))
    assert [line.format().decode() for line, _ in found] == JOURNAL["lines"]
    assert found[-1][1].offset == len(segment)


@pytest.mark.parametrize("vector", JOURNAL["refused_lines"], ids=lambda v: v["why"])
def test_refused_line(vector):
    """A line of another form is refused."""
    with pytest.raises(Malformed):
        parse_line(vector["line"].encode())


@pytest.mark.parametrize("vector", JOURNAL["batch_notes"], ids=lambda v: v["note"].strip())
def test_batch_note(vector):
    """A batch note parses into its three numbers and prints back."""
    batch = Batch(vector["segment"], vector["offset"], vector["length"])
    assert parse_batch(vector["note"]) == batch
    assert batch.format() == vector["note"]


@pytest.mark.parametrize("note", JOURNAL["refused_batch_notes"], ids=repr)
def test_refused_batch_note(note):
    """What is no whole note is none."""
    assert parse_batch(note) is None
