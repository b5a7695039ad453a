"""The lines of an export: what is written is read, and nothing else is."""

import hashlib

import pytest
from documents import ROOT
from hypothesis import given
from hypothesis import strategies as st
from ledgers import ORIGIN

from ledger.entry import MAX_ENTRY_BYTES, Entry, parse_entry
from ledger.errors import Malformed
from ledger.exporters.lines import (
    BLOBS,
    MAX_LINE_BYTES,
    PART_BYTES,
    BlobPart,
    EntryLine,
    Footer,
    Header,
    parse_export_line,
)

chains = st.binary(min_size=32, max_size=32)
counts = st.integers(0, 2**53)
texts = st.text(max_size=30)


def entry_bytes(text: str) -> bytes:
    """The bytes of a note's entry."""
    return Entry(
        actor="human:ada",
        body={"text": text},
        branch=None,
        cites=(),
        kind="note.added",
        origin=ORIGIN,
        recorded_at=1,
        schema_version=1,
        stream="ledger",
        stream_version=0,
    ).format()


@st.composite
def lines(draw):
    """Any line."""
    which = draw(st.sampled_from("hebf"))
    chain = draw(chains)
    if which == "h":
        blobs = draw(st.sampled_from(BLOBS))
        return Header(origin=ORIGIN, first=draw(counts), chain=chain, blobs=blobs)
    if which == "e":
        data = entry_bytes(draw(texts))
        entry = parse_entry(data)
        return EntryLine(position=draw(counts), chain=chain, data=data, entry=entry)
    if which == "b":
        digest = "sha256:" + chain.hex()
        data = draw(st.binary(max_size=50))
        return BlobPart(digest=digest, size=draw(counts), offset=draw(counts), data=data)
    return Footer(size=draw(counts), chain=chain, blob_count=draw(counts))


@given(lines())
def test_round_trip(line):
    """A line comes back from its bytes, and its bytes from the line."""
    assert parse_export_line(line.format()) == line


@given(lines(), st.data())
def test_every_byte_counts(line, data):
    """With one byte changed it is refused, or is another line with those very bytes."""
    whole = line.format()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :]
    try:
        read = parse_export_line(changed)
    except Malformed:
        return
    assert read.format() == changed


@given(texts)
def test_entry_is_verbatim(text):
    """E stands in its line byte for byte, whatever it holds, a line of its own kind too."""
    inner = entry_bytes(text + '"},"position":7}\n{"chain":"')
    line = EntryLine(position=3, chain=bytes(32), data=inner, entry=parse_entry(inner))
    assert inner in line.format()
    assert parse_export_line(line.format()).data == inner


def test_largest_lines():
    """The largest entry and the largest part of a blob fit into the longest line."""
    room = MAX_ENTRY_BYTES - len(entry_bytes(""))
    data = entry_bytes("x" * room)
    entry = EntryLine(position=10**20 - 1, chain=bytes(32), data=data, entry=parse_entry(data))
    part = BlobPart(digest="sha256:" + "0" * 64, size=2**53, offset=2**53, data=bytes(PART_BYTES))
    assert len(data) == MAX_ENTRY_BYTES
    for line in (entry, part):
        assert len(line.format()) <= MAX_LINE_BYTES
        assert parse_export_line(line.format()) == line


HEADER = Header(origin=ORIGIN, first=0, chain=bytes(32), blobs="none").format()
NO_LINES = [
    b"",
    b"\n",
    b"{}\n",
    b"[]\n",
    b"null\n",
    b"x}\n",
    b'{"chain":"","size":1}\n',
    HEADER[:-1],
    HEADER[:-1] + b"\r\n",
    b" " + HEADER,
    HEADER.replace(b'"first":0', b'"first":-1'),
    HEADER.replace(b'"first":0', b'"first":0.0'),
    HEADER.replace(b'"first":0', b'"first":true'),
    HEADER.replace(b'"first":0', b'"first":"0"'),
    HEADER.replace(b"export/v1", b"export/v2"),
    HEADER.replace(b'"none"', b'"some"'),
    HEADER.replace(b'"none"', b"[]"),
    HEADER.replace(b"example.org", b"example..org/"),
    HEADER.replace(b"0000", b"000G", 1),
    HEADER.replace(b"0000", b"000A", 1),
    HEADER.replace(b'"first":0,', b'"first":0,"more":1,'),
    HEADER.replace(b'"first":0,', b'"first":0,"first":0,'),
    b'{"blob":"sha256:00","data":"","offset":0,"size":0}\n',
    b'{"blob":"sha256:' + b"0" * 64 + b'","data":"=","offset":0,"size":0}\n',
    b'{"blob":"sha256:' + b"0" * 64 + b'","data":"QQ","offset":0,"size":1}\n',
    b'{"blob":"sha256:' + b"0" * 64 + b'","data":"QR==","offset":0,"size":1}\n',
    b'{"blob":"sha256:' + b"0" * 64 + b'","data":1,"offset":0,"size":1}\n',
    b'{"chain":"' + b"0" * 64 + b'","entry":{},"position":1}\n',
    b'{"chain":"' + b"0" * 64 + b'","entry":{}}\n',
    b'{"chain":"' + b"0" * 64 + b'","entry":' + entry_bytes("x") + b',"position":01}\n',
    b'{"chain":"' + b"0" * 64 + b'","entry":' + entry_bytes("x") + b',"position":}\n',
    b'{"chain":"' + b"0" * 64 + b'","entry": ' + entry_bytes("x") + b',"position":1}\n',
    b'{"chain":"' + b"\xff" * 64 + b'","entry":' + entry_bytes("x") + b',"position":1}\n',
    b"[" * 70_000 + b"}\n",
]


@pytest.mark.parametrize("data", NO_LINES, ids=range(len(NO_LINES)))
def test_refused(data):
    """What is written in any other way is no line."""
    with pytest.raises(Malformed) as refused:
        parse_export_line(data)
    assert refused.value.hint


def test_examples_of_the_page():
    """The lines of the format's page are lines, and its limits are those of the code."""
    page = (ROOT / "spec" / "formats" / "export.md").read_text(encoding="utf-8")
    shown = [line[4:] + "\n" for line in page.splitlines() if line.startswith('    {"')]
    parsed = [parse_export_line(line.encode()) for line in shown]
    header, first, second, footer, part = parsed
    start = hashlib.sha256(b"research-ledger/v1\n" + header.origin.encode()).digest()
    assert header.chain == start
    assert (first.position, second.position, footer.size) == (0, 1, 2)
    assert footer.chain == second.chain
    assert part.digest == "sha256:" + hashlib.sha256(part.data).hexdigest()
    assert f"{MAX_LINE_BYTES:,} bytes" in page
    assert f"up to {PART_BYTES:,} of its bytes" in page
