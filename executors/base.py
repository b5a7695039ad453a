"""The seam between executors and the ledger: a `Session` is one run, from start to end.

    with start("trace", ledger_dir, …) as session:
        session.record("measurement.taken", {…})

Entering allocates the run's name and records `run.started`; leaving records `run.finished`, or
`run.failed` with the reason when the block raises. What was recorded stays, whatever happens next.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
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
from ledger.errors import BadArguments, ExecutorFailed, LedgerError
from ledger.events import find_kind
from ledger.events.form import parse_body
from ledger.ledger import Ledger
from ledger.queries.base import Table
from ledger.recorder import Draft, Receipt
from ml.errors import MlError

PROGRAM: Final = f"research-ledger {__version__}"
#: Bytes of one entry that a table may fill; the rest is for the fields around it.
_TABLE_BYTES: Final = MAX_ENTRY_BYTES // 2
_REASON_CHARACTERS: Final = 2000


@attrs.frozen(slots=True, kw_only=True)
class Start:
    """What an executor knows before it computes: the fields of `run.started` that are its own."""

    provenance: str
    arguments: Mapping[str, Any]
    inputs: Mapping[str, str]
    model: Mapping[str, Any]
    device_asked: str | None
    device_observed: str | None
    device_reason: str | None
    dtype: str | None
    dtype_reason: str | None
    compiler: str | None
    environment: Mapping[str, Any]
    seed: int | None


#: The start of an executor that computes on the host from what the ledger holds.
ON_RECORD: Final = Start(
    provenance="derived",
    arguments={},
    inputs={},
    model={},
    device_asked=None,
    device_observed=None,
    device_reason=None,
    dtype="float64",
    dtype_reason="sums of stored float32 values",
    compiler=None,
    environment={},
    seed=None,
)


class Session:
    """One run that is under way; `begin` gives it its name."""

    def __init__(self, ledger: Ledger, executor: str) -> None:
        self.ledger = ledger
        self.run = ""
        self._actor = f"executor:{executor}"
        self._executor = executor
        self._started_at = time.perf_counter()
        self.entries = 0

    def begin(self, start: Start) -> Receipt:
        """Record `run.started`."""
        self._started_at = time.perf_counter()
        fields = attrs.asdict(start) | {"executor": self._executor, "program": PROGRAM}
        self.run, receipt = self.ledger.start_run(self._executor, fields, actor=self._actor)
        self.entries += 1
        return receipt

    def record(self, kind: str, fields: Mapping[str, Any], *, cites: Sequence[str] = ()) -> Receipt:
        """Record one event of this run; `fields` are JSON values, `run` may be left out."""
        body = {"run": self.run, **fields}
        event = parse_body(find_kind(kind), body)
        receipt = self.ledger.append([Draft(event=event, cites=tuple(cites))], actor=self._actor)[0]
        self.entries += 1
        return receipt

    def measure(
        self,
        metric: str,
        value: Any,  # noqa: ANN401 - any JSON scalar
        unit: str | None,
        key: Mapping[str, Any],
        *,
        provenance: str = "measured",
        cites: Sequence[str] = (),
    ) -> Receipt:
        """Record one number with what it may be compared with."""
        fields = {
            "metric": metric,
            "value": value,
            "unit": unit,
            "provenance": provenance,
            "key": dict(key),
        }
        return self.record("measurement.taken", fields, cites=cites)

    def finish(self) -> None:
        """Record `run.finished`."""
        self.record("run.finished", {"wall_ms": self._wall_ms(), "entries": self.entries + 1})

    def fail(self, error: BaseException) -> None:
        """Record `run.failed` with the reason."""
        is_stop = isinstance(error, (KeyboardInterrupt, SystemExit))
        name = "interrupted" if is_stop else type(error).__name__
        # A file name may hold bytes that are no text, and a message may be longer than an entry.
        reason = str(error)[:_REASON_CHARACTERS].encode("utf-8", "replace").decode()
        fields = {"wall_ms": self._wall_ms(), "error": name, "reason": reason or name}
        self.record("run.failed", fields)

    def _wall_ms(self) -> float:
        return round((time.perf_counter() - self._started_at) * 1000, 3)


@contextlib.contextmanager
def start(ledger: Ledger, executor: str, facts: Start) -> Iterator[Session]:
    """Begin a run and end it, whatever happens in between."""
    session = Session(ledger, executor)
    session.begin(facts)
    try:
        yield session
    except BaseException as error:
        session.fail(error)
        raise
    session.finish()


@contextlib.contextmanager
def ml_errors() -> Iterator[None]:
    """Turn what `ml` refuses into an error of the command line, with its hint."""
    try:
        yield
    except MlError as error:
        raise ExecutorFailed(str(error), hint=error.hint) from error


@contextlib.contextmanager
def bad_input() -> Iterator[None]:
    """Turn what `ml` refuses about arguments into bad arguments: no run has begun yet."""
    try:
        yield
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
    "ExecutorFailed",
    "Ledger",
    "LedgerError",
    "Session",
    "Start",
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
    "say",
    "split_rows",
    "start",
]
