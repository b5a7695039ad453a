"""JSONL packed with Zstandard: the same lines, smaller. `zstd -d` gives the same bytes as `jsonl`.

One frame at one level in one thread, with a checksum: the same program and the same version of the
library give the same bytes. What is compared between machines is the content.
"""

from typing import BinaryIO, Final

from ledger.exporters.base import Exporter, Progress, Selection, Written
from ledger.exporters.jsonl import write_lines

LEVEL: Final = 6


def write_packed(selection: Selection, file: BinaryIO, report: Progress) -> Written:
    """Write the lines of `jsonl` as one Zstandard frame."""
    import zstandard

    packer = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with packer.stream_writer(file, closefd=False) as packed:
        return write_lines(selection, packed, report)


EXPORTER = Exporter(
    name="jsonl.zst",
    summary="the same lines, packed with Zstandard",
    streams=True,
    takes_blobs=True,
    takes_tables=False,
    write=write_packed,
)
