"""The lines of an exported record, each canonical JSON (spec/formats/export.md).

    {"blobs":"evidence","chain":"709f…","first":0,"format":"research-ledger/export/v1","origin":"…"}
    {"chain":"fca8…","entry":{…E, byte for byte…},"position":0}
    {"blob":"sha256:ab12…","data":"3q2+7w==","offset":0,"size":4}
    {"blob_count":1,"chain":"2019…","size":2}

Header, entries in order with the parts of a blob before the entry that names it, footer. E is cut
out of its line and put into it, never parsed and written again.
"""

import binascii
from collections.abc import Callable
from typing import Any, Final

import attrs
import msgspec

from ledger import canonical, ids
from ledger.entry import MAX_ENTRY_BYTES, Entry, parse_entry
from ledger.errors import Malformed

FORMAT: Final = "research-ledger/export/v1"
#: Bytes of a blob in one line.
PART_BYTES: Final = 48 * 1024
#: Which blobs travel: none; what entries name as evidence; committed values too.
BLOBS: Final = ("none", "evidence", "all")
_HEAD: Final = b'{"chain":"'
_MIDDLE: Final = b'","entry":'
_TAIL: Final = b',"position":'
_ENTRY_AT: Final = len(_HEAD) + 64 + len(_MIDDLE)
#: No line is longer: an entry, or a part of a blob in base64, and what stands around it.
MAX_LINE_BYTES: Final = MAX_ENTRY_BYTES + 1_024
_HEX: Final = frozenset("0123456789abcdef")
_HINT: Final = "spec/formats/export.md describes the lines"


@attrs.frozen(slots=True, kw_only=True)
class Header:
    """The first line: whose entries follow, from which position on, after which chain value."""

    origin: str
    first: int
    chain: bytes
    blobs: str

    def format(self) -> bytes:
        """The line with its newline."""
        return _line(
            {
                "blobs": self.blobs,
                "chain": self.chain.hex(),
                "first": self.first,
                "format": FORMAT,
                "origin": self.origin,
            }
        )


@attrs.frozen(slots=True, kw_only=True)
class EntryLine:
    """One entry: `data` is E, `entry` the same read; `chain` is the value after it."""

    position: int
    chain: bytes
    data: bytes
    entry: Entry

    def format(self) -> bytes:
        """The line with its newline."""
        return format_entry(self.position, self.chain, self.data)


@attrs.frozen(slots=True, kw_only=True)
class BlobPart:
    """Some bytes of a blob, from `offset` on; the whole blob has `size` bytes."""

    digest: str
    size: int
    offset: int
    data: bytes

    def format(self) -> bytes:
        """The line with its newline."""
        text = binascii.b2a_base64(self.data, newline=False).decode()
        return _line({"blob": self.digest, "data": text, "offset": self.offset, "size": self.size})


@attrs.frozen(slots=True, kw_only=True)
class Footer:
    """The last line: how many entries the ledger had here, its chain value, blobs on the way."""

    size: int
    chain: bytes
    blob_count: int

    def format(self) -> bytes:
        """The line with its newline."""
        return _line({"blob_count": self.blob_count, "chain": self.chain.hex(), "size": self.size})


ExportLine = Header | EntryLine | BlobPart | Footer


def format_entry(position: int, chain: bytes, data: bytes) -> bytes:
    """The line of an entry, around its bytes E."""
    return b"%b%b%b%b%b%d}\n" % (_HEAD, chain.hex().encode(), _MIDDLE, data, _TAIL, position)


def parse_export_line(data: bytes) -> ExportLine:
    """Read one line with its newline, strictly. Raises `Malformed`.

    Whether it may stand where it stands, and whether the chain fits, is for who reads them all.
    """
    if not data.endswith(b"}\n") or len(data) > MAX_LINE_BYTES:
        raise Malformed("it is not whole", hint=_HINT)
    is_entry = data.startswith(_HEAD) and data[len(_HEAD) + 64 : _ENTRY_AT] == _MIDDLE
    line = _parse_entry_line(data) if is_entry else _parse_other(data)
    if line.format() != data:
        raise Malformed("it is not written as the format says", hint=_HINT)
    return line


def _parse_entry_line(data: bytes) -> EntryLine:
    end = data.rfind(_TAIL)
    position = data[end + len(_TAIL) : -2]
    if end < _ENTRY_AT or not position.isdigit() or len(position) > 20:
        raise Malformed("it has no position", hint=_HINT)
    raw = data[_ENTRY_AT:end]
    chain = _parse_chain(data[len(_HEAD) : len(_HEAD) + 64].decode("ascii", "replace"))
    return EntryLine(position=int(position), chain=chain, data=raw, entry=parse_entry(raw))


def _parse_other(data: bytes) -> ExportLine:
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"it is not JSON: {error}", hint=_HINT) from error
    names = frozenset(fields) if isinstance(fields, dict) else frozenset()
    if "format" in names and fields["format"] != FORMAT:
        raise Malformed(
            f"it has the format {str(fields['format'])[:80]!r}; this program reads {FORMAT}",
            hint="use a newer research-ledger, or the importer of that format",
        )
    for wanted, parse in _PARSERS.items():
        if names == wanted:
            try:
                return parse(fields)
            except (TypeError, ValueError) as error:
                raise Malformed(f"a field has the wrong form: {error}", hint=_HINT) from error
    raise Malformed("it is no line of an export", hint=_HINT)


def _parse_header(fields: dict[str, Any]) -> Header:
    if fields["blobs"] not in BLOBS or not ids.is_origin(fields["origin"]):
        raise ValueError("origin or blobs")
    return Header(
        origin=fields["origin"],
        first=_count(fields["first"]),
        chain=_parse_chain(fields["chain"]),
        blobs=fields["blobs"],
    )


def _parse_part(fields: dict[str, Any]) -> BlobPart:
    if not ids.is_hash(fields["blob"]):
        raise ValueError(f"{fields['blob']!r} is not a digest")
    return BlobPart(
        digest=fields["blob"],
        size=_count(fields["size"]),
        offset=_count(fields["offset"]),
        data=binascii.a2b_base64(fields["data"], strict_mode=True),
    )


def _parse_footer(fields: dict[str, Any]) -> Footer:
    return Footer(
        size=_count(fields["size"]),
        chain=_parse_chain(fields["chain"]),
        blob_count=_count(fields["blob_count"]),
    )


_PARSERS: Final[dict[frozenset[str], Callable[[dict[str, Any]], ExportLine]]] = {
    frozenset(("blobs", "chain", "first", "format", "origin")): _parse_header,
    frozenset(("blob", "data", "offset", "size")): _parse_part,
    frozenset(("blob_count", "chain", "size")): _parse_footer,
}


def _line(fields: dict[str, Any]) -> bytes:
    return canonical.encode(fields) + b"\n"


def _parse_chain(text: str) -> bytes:
    if len(text) != 64 or not _HEX.issuperset(text):
        raise Malformed(f"{text[:80]!r} is no chain value", hint=_HINT)
    return bytes.fromhex(text)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
