"""Reading an exported record: strictly, from front to back, at constant memory.

Everything is verified on the way: that each line is written as the format says, that positions and
chain go on, that each blob has its digest. Only the footer shows that nothing is missing at the
end, so who reads must come to it before relying on what went before.
"""

import contextlib
import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

import attrs

from ledger.errors import BadArguments, Malformed, StoreFailed
from ledger.exporters.lines import (
    MAX_LINE_BYTES,
    PART_BYTES,
    BlobPart,
    EntryLine,
    ExportLine,
    Footer,
    Header,
    parse_export_line,
)
from ledger.ids import HASH_PREFIX
from ledger.journal.line import chain_start, extend

#: How a Zstandard frame begins.
_PACKED: Final = b"\x28\xb5\x2f\xfd"
_CUT_HINT: Final = "the file was cut off or changed: get it again from where it came from"


def read_export(path: str | Path) -> Iterator[ExportLine]:
    """Yield header, entries, parts of blobs, and footer of an export; `-` is stdin.

    A file packed with Zstandard is unpacked. The parts of a blob follow one another, and the whole
    blob has been verified when the line after its last part is yielded. Raises `Malformed` with the
    line's number where anything does not fit, and where the footer is missing; `BadArguments` where
    the file cannot be read.
    """
    with _open(path) as file:
        order, number = _Order(), 0
        try:
            while data := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                line = parse_export_line(data)
                order.take(line)
                yield line
            order.end()
        except Malformed as error:
            where = f"line {number}" if data else f"the end, after line {number}"
            raise Malformed(
                f"{path}, {where}: {error.message}", hint=error.hint, reasons=error.reasons
            ) from error
        except OSError as error:
            raise StoreFailed(
                f"cannot read {path}: {error.strerror or error}", hint="check the disk"
            ) from error


class _Order:
    """What may come next, and what must have come at the end."""

    def __init__(self) -> None:
        self._header: Header | None = None
        self._footer: Footer | None = None
        self._position = 0
        self._chain = b""
        self._blobs: set[str] = set()
        self._part: BlobPart | None = None
        self._hasher = hashlib.sha256()

    def take(self, line: ExportLine) -> None:
        """Go on after a line. Raises `Malformed` where it does not fit."""
        if isinstance(line, Header):
            self._take_header(line)
            return
        if self._header is None:
            raise _misfit("the first line is no header")
        if self._footer is not None:
            raise _misfit("it comes after the last line")
        if self._part is not None and not isinstance(line, BlobPart):
            raise _misfit(f"blob {self._part.digest} breaks off before it")
        if isinstance(line, BlobPart):
            self._take_part(line)
        elif isinstance(line, EntryLine):
            self._take_entry(line)
        else:
            self._take_footer(line)

    def end(self) -> None:
        """Come to the end. Raises `Malformed` where the footer has not been seen."""
        if self._header is None:
            raise _misfit("the file holds no lines")
        if self._footer is None:
            raise _misfit("the last line is missing")

    def _take_header(self, header: Header) -> None:
        if self._header is not None:
            raise _misfit("a second header")
        if header.first == 0 and header.chain != chain_start(header.origin):
            raise _misfit(f"the chain of {header.origin} does not begin like this")
        self._header = header
        self._position, self._chain = header.first, header.chain

    def _take_entry(self, line: EntryLine) -> None:
        if line.position != self._position:
            raise _misfit(f"it has position {line.position} where {self._position} is due")
        if extend(self._chain, line.data) != line.chain:
            raise _misfit(f"the chain does not fit at position {line.position}")
        self._position, self._chain = line.position + 1, line.chain

    def _take_part(self, part: BlobPart) -> None:
        before = self._part
        due = (part.digest, part.size, 0)
        if before is not None:
            due = (before.digest, before.size, before.offset + len(before.data))
        else:
            self._hasher = hashlib.sha256()
        if (part.digest, part.size, part.offset) != due or part.digest in self._blobs:
            raise _misfit(f"it is not the part of a blob that is due: {due[0]} from byte {due[2]}")
        self._hasher.update(part.data)
        end = part.offset + len(part.data)
        if end > part.size or (end < part.size and len(part.data) != PART_BYTES):
            raise _misfit(f"blob {part.digest} has not {part.size} bytes in full parts")
        self._part = part if end < part.size else None
        if self._part is None:
            if HASH_PREFIX + self._hasher.hexdigest() != part.digest:
                raise _misfit(f"the bytes before it are not those of blob {part.digest}")
            self._blobs.add(part.digest)

    def _take_footer(self, footer: Footer) -> None:
        if (footer.size, footer.chain) != (self._position, self._chain):
            raise _misfit(f"entries are missing before it: it counts {footer.size}")
        if footer.blob_count != len(self._blobs):
            raise _misfit(f"it counts {footer.blob_count} blobs, {len(self._blobs)} came")
        self._footer = footer


def _misfit(message: str) -> Malformed:
    return Malformed(message, hint=_CUT_HINT)


@attrs.frozen(slots=True, kw_only=True)
class Verified:
    """What a whole export holds."""

    origin: str
    first: int
    size: int
    chain: str
    entries: int
    blobs: int


def verify_export(path: str | Path) -> Verified:
    """Read an export to its end, keeping nothing. Raises what `read_export` raises."""
    header: Header | None = None
    footer: Footer | None = None
    for line in read_export(path):
        if isinstance(line, Header):
            header = line
        elif isinstance(line, Footer):
            footer = line
    if header is None or footer is None:
        raise AssertionError("a whole export has both")
    return Verified(
        origin=header.origin,
        first=header.first,
        size=footer.size,
        chain=footer.chain.hex(),
        entries=footer.size - header.first,
        blobs=footer.blob_count,
    )


@contextlib.contextmanager
def _open(path: str | Path) -> Iterator[IO[bytes]]:
    """The lines of a file or of stdin, unpacked where they are packed."""
    with contextlib.ExitStack() as stack:
        if str(path) == "-":
            file: IO[bytes] = sys.stdin.buffer
        else:
            try:
                file = stack.enter_context(Path(path).open("rb"))
            except OSError as error:
                raise BadArguments(
                    f"cannot read {path}: {error.strerror}", hint="check the name"
                ) from error
        first = file.read(len(_PACKED))
        whole = io.BufferedReader(_Rest(first, file), MAX_LINE_BYTES + 1)
        if first != _PACKED:
            yield whole
            return
        import zstandard

        unpacker = zstandard.ZstdDecompressor()
        try:
            with unpacker.stream_reader(whole, read_across_frames=True, closefd=False) as unpacked:
                yield io.BufferedReader(cast("io.RawIOBase", unpacked), MAX_LINE_BYTES + 1)
        except zstandard.ZstdError as error:
            raise Malformed(f"{path} cannot be unpacked: {error}", hint=_CUT_HINT) from error


class _Rest(io.RawIOBase):
    """A file whose first bytes were read already, from the beginning."""

    def __init__(self, first: bytes, file: IO[bytes]) -> None:
        self._first = first
        self._file = file

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        """What comes next, as much as fits."""
        data = self._first[: len(buffer)] or self._file.read(len(buffer))
        self._first = self._first[len(data) :]
        buffer[: len(data)] = data
        return len(data)
