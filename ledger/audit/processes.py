"""Ranges read by several processes: each is given one after the other, and answers with its part.

The processes are started anew, not forked: a fork would copy the threads and locks of whoever calls
(DuckDB, a notebook) halfway. They hear no Ctrl-C; the process that audits ends them. One that dies
is an error: what it would have found is not known.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, Final, Self, cast

import attrs

from ledger import errors
from ledger.audit.base import Check
from ledger.audit.order import Order
from ledger.audit.reading import Part, read_range
from ledger.audit.segments import Layout, Range
from ledger.errors import LedgerError, StoreFailed
from ledger.folder import Folder

#: More of them wait for the disk and for the one that merges.
MOST: Final = 8
#: Ranges given to a process ahead, so that it need not wait for the next.
_AHEAD: Final = 2
#: Seconds that a process that closed its end gets to end.
_LAST_WORDS: Final = 5
_CHILD: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from ledger.audit.processes import main; main(int(sys.argv[1]))"
)


def usable_processes() -> int:
    """How many processes an audit uses where no one says how many: the processors, at most 8."""
    return min(len(os.sched_getaffinity(0)), MOST)


#: Reads a range, given what may come first in it.
Read = Callable[[Range, Order], Part]


@contextlib.contextmanager
def reading(
    folder: Folder, layout: Layout, checks: Sequence[Check], processes: int | None
) -> Iterator[Read]:
    """Give a function that reads the ranges of a journal, one after the other in their order.

    This process reads alone where there is one range, or one process; null means one a processor.
    """

    def read(range_: Range, order: Order) -> Part:
        return read_range(folder, range_, order, checks)

    count = min(processes or usable_processes(), len(layout.ranges))
    if count < 2:
        yield read
        return
    with Processes(folder, layout.ranges, checks, count) as beside:

        def take(range_: Range, order: Order) -> Part:
            part = beside.part(range_.number) if range_.order is not None else None
            return part if part is not None and part.order == order else read(range_, order)

        yield take


class Processes:
    """Processes beside this one that read ranges, until the with block ends."""

    def __init__(
        self, folder: Folder, ranges: Sequence[Range], checks: Sequence[Check], count: int
    ) -> None:
        self._folder = folder
        self._checks = tuple(checks)
        self._count = count
        # Where the line before a range cannot be read, only who merges knows how it begins.
        self._waiting = iter([range_ for range_ in ranges if range_.order is not None])
        self._parts: dict[int, Part] = {}
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        try:
            for _ in range(self._count):
                self._workers.append(_start())
            for worker in self._workers:
                worker.send((self._folder, self._checks))
            for _ in range(_AHEAD):
                for worker in self._workers:
                    worker.give(next(self._waiting, None))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            worker.connection.close()

    def part(self, number: int) -> Part:
        """The part of the range with this number, once it is there.

        Raises `StoreFailed` where a process died, and what a process raised.
        """
        while number not in self._parts:
            busy = {worker.connection: worker for worker in self._workers if worker.ranges}
            for ready in wait(list(busy)):
                worker = busy[cast("Connection", ready)]
                part = worker.take()
                self._parts[part.number] = part
                worker.give(next(self._waiting, None))
        return self._parts.pop(number)


@attrs.define
class _Worker:
    """One process, with the ranges that it was given and has not answered."""

    process: "subprocess.Popen[bytes]"
    connection: "Connection[Any, Any]"
    ranges: list[Range] = attrs.Factory(list)

    def give(self, range_: Range | None) -> None:
        """Ask for a range to be read; null where there is none."""
        if range_ is not None:
            self.ranges.append(range_)
            self.send(range_)

    def send(self, message: object) -> None:
        """Send to the process. Raises `StoreFailed` where it is gone."""
        try:
            self.connection.send(message)
        except OSError as error:
            raise self._death() from error

    def take(self) -> Part:
        """Its answer. Raises `StoreFailed` where it died, and what it raised itself."""
        try:
            answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._death() from error
        self.ranges.pop(0)
        if isinstance(answer, Part):
            return answer
        name, message, hint = answer
        raise getattr(errors, name)(message, hint=hint)

    def _death(self) -> StoreFailed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_LAST_WORDS)
        code = self.process.returncode or 0
        how, hint = "ended", "what it wrote on stderr says why; this is a fault of the program"
        if code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
            hint = "is there enough memory? `ledger audit --processes 1` needs the least"
        at = self.ranges[0] if self.ranges else None
        where = f" at bytes {at.start} to {at.end} of segment {at.segment:020d}" if at else ""
        return StoreFailed(
            f"a process of the audit {how}{where}: what it read is not known to be sound",
            hint=hint,
        )


def _start() -> _Worker:
    """Start a process that imports from where this one does."""
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, str(theirs.fileno()), json.dumps(sys.path)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )
    return _Worker(process, ours)


def main(descriptor: int) -> None:
    """Entry point of a process: read ranges until there is no one to ask for more."""
    with Connection(descriptor) as connection, contextlib.suppress(EOFError, ConnectionError):
        folder, checks = connection.recv()
        while True:
            connection.send(_answer(folder, connection.recv(), checks))


def _answer(folder: Folder, range_: Range, checks: Sequence[Check]) -> Any:  # noqa: ANN401
    """The part of a range, or the name, message and hint of an error."""
    assert range_.order is not None
    try:
        return read_range(folder, range_, range_.order, checks)
    except LedgerError as error:
        return type(error).__name__, error.message, error.hint
