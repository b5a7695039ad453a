"""Parquet: the entries, a typed table or the answer of a named query, for programs that analyse.

The entries come as the table `events`, with E as text. Evidence does not travel in it, and no chain
is read again on the way in: what is to be verified or moved is taken out as JSONL.
"""

from pathlib import Path
from typing import BinaryIO

from ledger.exporters.base import Exporter, Progress, Selection, Written


def write_parquet(selection: Selection, file: BinaryIO, report: Progress) -> Written:
    """Write the table that is asked for, `events` if none is."""
    from ledger.store.export import copy_query, copy_table

    where = (selection.folder, Path(file.name))
    if selection.query is not None:
        rows, chain = copy_query(
            *where, selection.query, selection.parameters, at=selection.end - 1, on_progress=report
        )
    else:
        limits = (selection.first, selection.end - 1)
        rows, chain = copy_table(*where, selection.table or "events", limits, on_progress=report)
    return Written(rows=rows, blobs=0, left_out=0, chain=chain)


EXPORTER = Exporter(
    name="parquet",
    summary="entries, a table or a query's answer as columns, for analysis",
    streams=False,
    takes_blobs=False,
    takes_tables=True,
    write=write_parquet,
)
