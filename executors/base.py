"""The seam between executors and the ledger.

    with start(ledger, "trace", facts) as run:
        run.measure("nonfinite_count", 0, "count", key)

`start` gives a `ledger.run.Run`; `Facts` are the fields of `run.started` that an executor knows
before it computes.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import click

from ledger import __version__, canonical
from ledger.cli.base import (
    json_option,
    ledger_option,
    open_ledger,
    print_table,
    progress,
    say,
)
from ledger.entry import MAX_ENTRY_BYTES
from ledger.errors import BadArguments, Conflict, ExecutorFailed, LedgerError, Malformed
from ledger.ledger import Ledger
from ledger.queries.base import Table
from ledger.run import Facts, Resumed, Run
from ml.errors import MalformedFile, MalformedTrace, MlError

PROGRAM: Final = f"research-ledger {__version__}"
#: Bytes of one entry that a table may fill; the rest is for the fields around it.
_TABLE_BYTES: Final = MAX_ENTRY_BYTES // 2


#: The start of an executor that computes on the host from what the ledger holds.
ON_RECORD: Final[Facts] = {
    "provenance": "derived",
    "dtype": "float64",
    "dtype_reason": "sums of stored float32 values",
}


def start(ledger: Ledger, executor: str, facts: Facts) -> Run:
    """A run of one of our executors: begins on entering, ends on leaving, whatever happens."""
    told: Facts = {**facts, "program": PROGRAM}
    return ledger.run(executor, **told)


def resume(ledger: Ledger, executor: str, name: str, step: int, state: str, facts: Facts) -> Run:
    """A run of one of our executors that was killed or failed, to go on with at a step."""
    told: Facts = {**facts, "program": PROGRAM}
    return ledger.resume(executor, Resumed(run=name, step=step, state=state), **told)


@contextlib.contextmanager
def ml_errors() -> Iterator[None]:
    """Turn what `ml` refuses into an error of the command line, with its hint."""
    try:
        yield
    except MlError as error:
        raise ExecutorFailed(str(error), hint=error.hint) from error


@contextlib.contextmanager
def bad_input() -> Iterator[None]:
    """Turn what `ml` refuses about arguments into bad arguments: no run has begun yet.

    A file that is not what its format says is malformed input, with the byte where that shows.
    """
    try:
        yield
    except MalformedFile as error:
        raise Malformed(str(error), hint=error.hint, offset=error.offset) from error
    except MalformedTrace as error:
        raise Malformed(str(error), hint=error.hint) from error
    except MlError as error:
        raise BadArguments(str(error), hint=error.hint) from error


def entries_of(ledger: Ledger, run: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """(hash, body) of a run's entries of one kind, in order. Raises `BadArguments` if none."""
    import msgspec

    from ledger.store.reader import open_reader

    with open_reader(ledger.folder) as db:
        rows = db.execute(
            "select hash, entry from events where stream = ? and kind = ? order by position",
            [f"run/{run}", kind],
        ).fetchall()
    if not rows:
        raise BadArguments(
            f"run {run} has recorded no {kind}", hint="`ledger query runs` lists the runs"
        )
    return [(hash_, msgspec.json.decode(entry)["body"]) for hash_, entry in rows]


def split_rows(count: int, size_of: Callable[[int], Any]) -> list[range]:
    """Ranges of a table's rows so that each range fits into one entry.

    `size_of(i)` is row i as it will be recorded. There is always at least one range.
    """
    ranges, first, filled = [], 0, 0
    for index in range(count):
        size = len(canonical.encode(size_of(index))) + 1
        if filled + size > _TABLE_BYTES and index > first:
            ranges.append(range(first, index))
            first, filled = index, 0
        filled += size
    ranges.append(range(first, count))
    return ranges


__all__ = [
    "ON_RECORD",
    "BadArguments",
    "Conflict",
    "ExecutorFailed",
    "Facts",
    "Ledger",
    "LedgerError",
    "Malformed",
    "Run",
    "Table",
    "bad_input",
    "click",
    "entries_of",
    "json_option",
    "ledger_option",
    "ml_errors",
    "open_ledger",
    "print_table",
    "progress",
    "resume",
    "say",
    "split_rows",
    "start",
]
