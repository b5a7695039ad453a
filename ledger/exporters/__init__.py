"""Formats in which a record can be taken elsewhere: the list. The contract is in `base.py`.

lines.py   the lines of the exchange format      reader.py  reading it, verified on the way
target.py  a file that is whole or not there
"""

import difflib
from pathlib import PurePath
from typing import Final

from ledger.errors import BadArguments
from ledger.exporters import jsonl, jsonl_zst, parquet
from ledger.exporters.base import Exporter, Selection, Written
from ledger.exporters.reader import Verified, read_export, verify_export

EXPORTERS: Final[tuple[Exporter, ...]] = (jsonl.EXPORTER, jsonl_zst.EXPORTER, parquet.EXPORTER)

__all__ = [
    "EXPORTERS",
    "Exporter",
    "Selection",
    "Verified",
    "Written",
    "find_exporter",
    "read_export",
    "verify_export",
]


def find_exporter(name: str | None, file: str) -> Exporter:
    """The exporter called `name`, or else the one that the name of the file asks for.

    Raises `BadArguments` where there is none; stdout (`-`) gets JSONL.
    """
    names = [exporter.name for exporter in EXPORTERS]
    if name is not None:
        if name in names:
            return EXPORTERS[names.index(name)]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise BadArguments(f"there is no format {name!r}", hint=hint)
    if file == "-":
        return EXPORTERS[0]
    for exporter in EXPORTERS:
        if PurePath(file).name.endswith("." + exporter.name):
            return exporter
    raise BadArguments(
        f"the name {file} does not say which format it is to have",
        hint=f"let it end in .{', .'.join(names)}, or give --format",
    )
