"""The Python interface: one object for one ledger. The commands are thin layers over it."""

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

import attrs

from ledger import __version__, blobs, ids
from ledger.clock import Clock, SystemClock
from ledger.entry import Entry
from ledger.errors import BadArguments
from ledger.events import find_kind
from ledger.events.form import body_of, completed, parse_body
from ledger.events.ledger import LedgerCreated
from ledger.folder import Folder, create_folder, find_folder
from ledger.journal.line import FORMAT, Line, chain_start, extend
from ledger.recorder import Draft, Origin, Receipt, Recorder, Select
from ledger.run import Facts, Resumed, Run
from ledger.state import State

if TYPE_CHECKING:
    from ledger.queries.base import Table


#: How many forks lie between the first process and this one.
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


def first_entry(event: LedgerCreated, origin: str, actor: str, now_us: int) -> bytes:
    """The bytes of the entry at position 0. Raises `BadArguments` for a bad origin."""
    if not ids.is_origin(origin):
        raise BadArguments(
            f"{origin!r} cannot name a ledger",
            hint="letters, digits and . _ + -, in parts between /, such as example.org/lab/7b",
        )
    return Entry(
        actor=actor,
        body=body_of(event),
        branch=None,
        cites=(),
        kind=event.KIND.name,
        origin=origin,
        recorded_at=now_us,
        schema_version=event.KIND.version,
        stream="ledger",
        stream_version=0,
    ).format()


def require_actor(actor: str | None) -> str:
    """The actor, well-formed. Raises `BadArguments` where there is none."""
    if actor is None or not ids.is_known_actor(actor):
        raise BadArguments(
            "who records this?" if actor is None else f"{actor!r} is no actor",
            hint="give --actor human:NAME (or agent:NAME), or set LEDGER_ACTOR",
        )
    return actor


def next_run_name(state: State, prefix: str) -> str:
    """The next free run name with this prefix."""
    taken = state.standing(f"allocated/{prefix}")
    number = int(taken[0]) + 1 if taken else 1
    while state.standing(f"run/{prefix}-{number:04d}") is not None:
        number += 1
    return f"{prefix}-{number:04d}"


class Ledger:
    """A ledger opened for recording and asking. Use it as a context manager.

    Example::

        with Ledger.open(actor="human:ada") as ledger:
            ledger.record("note.added", {"text": "the cache was cold"})
    """

    def __init__(
        self,
        folder: Folder,
        *,
        actor: str | None = None,
        clock: Clock | None = None,
        durable: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self.folder = folder
        self.actor = actor
        self._clock = clock or SystemClock()
        self._durable = durable
        self._on_progress = on_progress
        self._recorder: Recorder | None = None
        self._fork = _forks
        self._opening = threading.Lock()

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        actor: str | None = None,
        clock: Clock | None = None,
        durable: bool = False,
    ) -> Self:
        """Open the ledger at `path`, at `LEDGER_DIR`, or the nearest above the working folder."""
        folder = find_folder(str(path) if path is not None else None)
        return cls(folder, actor=actor, clock=clock, durable=durable)

    @classmethod
    def create(
        cls, directory: Path, origin: str, *, actor: str, clock: Clock | None = None
    ) -> Self:
        """Make a new ledger in `directory` and record its first entry."""
        who, clock = require_actor(actor), clock or SystemClock()
        event = LedgerCreated(format=FORMAT, program=f"research-ledger {__version__}", keys=())
        entry = first_entry(event, origin, who, clock.now_us())
        line = Line(0, extend(chain_start(origin), entry), entry)
        return cls(create_folder(directory, origin, line.format()), actor=actor, clock=clock)

    @property
    def recorder(self) -> Recorder:
        """The writer, opened on first use, and anew in a forked child: a lock is not inherited."""
        if self._recorder is not None and self._fork == _forks:
            return self._recorder
        return self._open_recorder()

    def _open_recorder(self) -> Recorder:
        if self._fork != _forks:  # the parent's threads may have held it
            self._opening = threading.Lock()
        with self._opening:
            if self._recorder is None or self._fork != _forks:
                self._fork = _forks
                self._recorder = Recorder(
                    self.folder, self._clock, durable=self._durable, on_progress=self._on_progress
                )
                # A ledger that is dropped without `close` lets go of its files all the same.
                weakref.finalize(self, self._recorder.close).atexit = False
            return self._recorder

    def now_us(self) -> int:
        """Microseconds UTC, by the clock that entries are recorded with."""
        return self._clock.now_us()

    def append(
        self, drafts: Sequence[Draft], *, actor: str | None = None, select: Select | None = None
    ) -> list[Receipt]:
        """Record events, all or none, or those that `select` picks under the lock.

        Raises what `Recorder.append` raises.
        """
        who = require_actor(actor or self.actor)
        return self.recorder.append(drafts, actor=who, select=select)

    def record(
        self,
        kind: str,
        body: dict[str, object],
        *,
        cites: Sequence[str] = (),
        stream: str | None = None,
        actor: str | None = None,
    ) -> Receipt:
        """Record one event of the named kind from its fields; null may be left out."""
        found = find_kind(kind)
        event = parse_body(found, completed(found, dict(body)))
        draft = Draft(event=event, cites=tuple(cites), stream=stream)
        return self.append([draft], actor=actor)[0]

    def take_over(
        self, entries: Sequence[bytes], *, branch: str, source: Origin, actor: str | None = None
    ) -> int:
        """Record entries of another ledger as they are, on a branch; how many were new.

        They are verified by who calls: see `ledger.commands.merge`.
        """
        who = require_actor(actor or self.actor)
        return self.recorder.take_over(entries, branch=branch, source=source, actor=who)

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        """The entry with this hash and its position; None where there is none."""
        with self.recorder.caught_up() as state:
            return state.read(hash_)

    def write_blob(self, data: bytes) -> str:
        """Keep evidence bytes; returns their digest."""
        return blobs.write_blob(self.folder, data)

    def read_blob(self, digest: str) -> bytes:
        """Evidence bytes, verified against their digest."""
        return blobs.read_blob(self.folder, digest)

    def start_run(
        self,
        prefix: str,
        body: dict[str, object],
        *,
        actor: str | None = None,
        on_name: Callable[[str], None] | None = None,
    ) -> tuple[str, Receipt]:
        """Record `run.started` under the next free name with this prefix, such as trace-0007.

        The name is chosen under the lock that the event is recorded under: two processes that
        start at once get two names. `body` has every field but `run`. `on_name` is told the name
        just before the event is written.
        """
        event = parse_body(find_kind("run.started"), {**body, "run": f"{prefix}-0001"})

        def name(state: State, drafts: Sequence[Draft]) -> Sequence[Draft]:
            chosen = attrs.evolve(cast("Any", event), run=next_run_name(state, prefix))
            if on_name is not None:
                on_name(chosen.run)
            return [attrs.evolve(draft, event=chosen) for draft in drafts]

        receipt = self.append([Draft(event=event)], actor=actor, select=name)[0]
        return receipt.stream.removeprefix("run/"), receipt

    def run(self, executor: str, **facts: Unpack[Facts]) -> Run:
        """A run of `executor`, to be used in a with block (see `ledger.run`).

        `facts` are fields of `run.started`: program, arguments, inputs, model, seed, device…
        Its numbers are measured unless `provenance` says otherwise.
        """
        return Run(self, executor, facts)

    def resume(self, executor: str, resumed: Resumed, **facts: Unpack[Facts]) -> Run:
        """A run that was killed or failed, to go on with in a with block.

        Entering records `run.resumed`, which its further steps cite; a step that was taken before
        is taken again. Raises `Conflict` on entering where the run finished, or is another
        executor's.
        """
        return Run(self, executor, facts, resumed)

    def query(self, name: str, *, at: int | None = None, **parameters: object) -> "Table":
        """The answer of a named query, as the record stands or stood after position `at`.

        Raises `BadArguments` for a query, parameter or position that is not there.
        """
        from ledger.queries import find_query
        from ledger.store.reader import open_reader

        with open_reader(self.folder, at=at) as db:
            return find_query(name).run(db, parameters)

    def close(self) -> None:
        """Let go of all files."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


__all__ = ["Draft", "Ledger", "Receipt", "Run"]
