"""Appending events: form, rules, numbering, journal, state, in that order under one lock.

Two ways in. Instrument and reported events are checked for form and written. As soon as a batch
holds a decided event, the state is caught up first and the rules run, still under the same lock:
deciding before taking it would let two writers both pass.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs
import msgspec

from ledger import ids
from ledger.clock import Clock
from ledger.draft import MAX_BATCH, Draft, Framer, Sound
from ledger.entry import Frame, entry_hash, format_hash, recorded_at
from ledger.errors import Rejected
from ledger.events.branch import BranchImported
from ledger.events.ledger import GapFound
from ledger.folder import Folder
from ledger.foresight import Foresight
from ledger.journal.gap import Gap
from ledger.journal.reader import committed_end
from ledger.journal.segments import SEGMENT_BYTES, segment_path
from ledger.journal.writer import Writer
from ledger.rules import Proposal, reasons_against
from ledger.state import State

#: Streams whose heads are kept; the state knows the others.
_HEADS: Final = 16

#: Where a state lacks more than this, it is not brought up to date under the lock.
_MUCH_BYTES: Final = 256 * 1024

#: Picks, from the drafts of an append, those that the record as it stands still lacks.
Select = Callable[[State, Sequence["Draft"]], Sequence["Draft"]]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event was recorded, and its hash as printed."""

    position: int
    hash: str
    kind: str
    stream: str
    stream_version: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger that entries are taken over from, and its checkpoint when it was read."""

    origin: str
    size: int
    chain: bytes


class Recorder:
    """One process's writer. Cheap to keep open; every append takes and releases the lock."""

    def __init__(
        self,
        folder: Folder,
        clock: Clock,
        *,
        durable: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._folder = folder
        self._clock = clock
        #: The next stream_version of the streams that this writer knows to be where it left them.
        self._heads: dict[str, int] = {}
        self._is_state_stale = False
        self.framer = Framer(folder.origin)
        self.state = State(folder)
        self._prepare(on_progress)
        self._writer = Writer(
            folder, self.state.cursor, durable=durable, segment_bytes=segment_bytes
        )
        with self._exclusive():
            self.state.catch_up(on_progress)
            self._is_state_stale = False

    def _enter(self) -> None:
        """Take the lock, knowing every head; gaps that were healed are recorded first."""
        gaps = self._writer.enter(self._see)
        if gaps:
            try:
                self._record_gaps(gaps)
            except BaseException:
                self._writer.leave()
                raise

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._writer.leave()

    @contextlib.contextmanager
    def caught_up(self) -> Iterator[State]:
        """The state with everything recorded so far, and no one recording meanwhile."""
        with self._exclusive():
            self._catch_up()
            yield self.state

    def _catch_up(self) -> None:
        self.state.catch_up()
        self._is_state_stale = False

    def _see(self, data: bytes) -> None:
        """Somebody else appended: forget the heads of the streams that may have moved."""
        self._is_state_stale = True
        for stream in [name for name in self._heads if b'"stream":"%b"' % name.encode() in data]:
            del self._heads[stream]

    def _record_gaps(self, gaps: Sequence[Gap]) -> None:
        drafts = [Draft(event=GapFound(**attrs.asdict(gap))) for gap in gaps]
        ready = [self.framer.check(draft, "executor:ledger") for draft in drafts]
        self._write(ready, self._number(ready))
        self._writer.gaps_recorded()

    def append(
        self, drafts: Sequence[Draft], *, actor: str, select: Select | None = None
    ) -> list[Receipt]:
        """Record `drafts`, all or none, and return where each one stands.

        `select` is asked under the lock, with the state caught up, which drafts to record: what
        it sees cannot change before they are written, so two writers never record one thing twice.

        Raises `Malformed` for a bad actor, branch or stream, `Rejected` with the reasons of every
        event that a rule refuses, `StoreFailed` and `IntegrityError`. Then nothing was recorded;
        only what others appended is verified after the lock, and where that is damaged, an
        `IntegrityError` comes after the events were written.
        """
        ready = self.framer.check_all(drafts, actor)
        if select is not None or any(d.event.KIND.family == "decided" for d in drafts):
            self._prepare()
        with self._exclusive():
            if select is not None:
                self._catch_up()
                ready = self.framer.check_all(select(self.state, drafts), actor)
            if not ready:
                return []
            numbered = self._number(ready)
            if any(item.draft.event.KIND.family == "decided" for item in ready):
                self._refuse_unruly(ready, numbered, actor)
            return self._write(ready, numbered)

    def _prepare(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Bring the state nearly up to date before the lock is taken, where it lacks much.

        Under the lock every other writer would wait for it. Another connection does so: a thread
        that holds the lock may be using this one's.
        """
        cursor = self.state.cursor
        with contextlib.suppress(FileNotFoundError):  # the folder is gone: the lock will tell
            status = segment_path(self._folder.journal, cursor.segment).stat()
            is_last = status.st_mode & 0o200 != 0
            if is_last and status.st_size - cursor.offset < _MUCH_BYTES:
                return
        end = committed_end(self._folder.journal, self._folder.lock)
        with contextlib.closing(State(self._folder)) as state:
            state.catch_up(on_progress, end)

    def append_body(self, frame: Frame, body: bytes) -> Receipt:
        """Record one instrument event from bytes that `form.check_body` made: the hot path.

        Raises `Malformed` where it is too long, `StoreFailed` and `IntegrityError`.
        """
        self._enter()
        try:
            version = self._next_version(frame.stream)
            entry = frame.format(body, self._clock.now_us(), version)
            position = self._writer.position
            hash_ = self._writer.append_one(entry)
            self._keep_head(frame.stream, version + 1)
        finally:
            self._writer.leave()
        return Receipt(
            position=position,
            hash=ids.HASH_PREFIX + hash_.hex(),
            kind=frame.kind,
            stream=frame.stream,
            stream_version=version,
        )

    def take_over(
        self, entries: Sequence[bytes], *, branch: str, source: Origin, actor: str
    ) -> int:
        """Record entries of another ledger as they are, after `branch.imported`; how many were new.

        Whoever calls has verified them. Those on record are skipped, asked for under the lock.
        """
        with self._exclusive():
            self._catch_up()
            fresh = {entry_hash(entry): entry for entry in entries}
            fresh = {h: e for h, e in fresh.items() if self.state.position_of(h) is None}
            if not fresh:
                return 0
            event = BranchImported(
                name=branch,
                source=source.origin,
                source_size=source.size,
                source_chain=format_hash(source.chain),
                entries=len(fresh),
                head=format_hash(list(fresh)[-1]),
            )
            item = self.framer.check(Draft(event=event), actor)
            ((entry, version),) = self._number([item])
            self._writer.append([entry, *fresh.values()])
            self._keep_head(item.frame.stream, version + 1)
            return len(fresh)

    def _number(self, items: Sequence[Sound]) -> list[tuple[bytes, int]]:
        """The entries as they will be recorded, each with its stream_version."""
        heads: dict[str, int] = {}
        numbered = []
        for item in items:
            stream = item.frame.stream
            version = heads[stream] if stream in heads else self._next_version(stream)
            heads[stream] = version + 1
            numbered.append((item.frame.format(item.body, self._clock.now_us(), version), version))
        return numbered

    def _next_version(self, stream: str) -> int:
        version = self._heads.get(stream)
        if version is None:
            if self._is_state_stale:
                self._catch_up()
            version = self.state.next_version(self._folder.origin, stream)
        return version

    def _keep_head(self, stream: str, version: int) -> None:
        if len(self._heads) >= _HEADS and stream not in self._heads:
            self._heads.clear()
            self._is_state_stale = True
        self._heads[stream] = version

    def _refuse_unruly(
        self, ready: Sequence[Sound], numbered: Sequence[tuple[bytes, int]], actor: str
    ) -> None:
        """Ask the rules about every decided event. Raises `Rejected` with all reasons."""
        self._catch_up()
        foresight = Foresight(self.state, self._writer.position)
        reasons: list[str] = []
        for number, (item, (entry, _)) in enumerate(zip(ready, numbered, strict=True), 1):
            draft = item.draft
            if draft.event.KIND.family == "decided":
                proposal = Proposal(
                    event=draft.event,
                    actor=actor,
                    cites=draft.cites,
                    branch=draft.branch,
                    recorded_at=recorded_at(entry),
                )
                where = f"event {number}: " if len(ready) > 1 else ""
                reasons += [
                    where + text for text in reasons_against(proposal, foresight.on(draft.branch))
                ]
            foresight.add(entry, draft.event, draft.branch)
        if reasons:
            raise Rejected(
                "a rule refuses it; nothing was recorded",
                reasons=reasons,
                hint="mend what the reasons name; `ledger query` shows what is on record",
            )

    def _write(
        self, items: Sequence[Sound], numbered: Sequence[tuple[bytes, int]]
    ) -> list[Receipt]:
        position = self._writer.position
        hashes = self._writer.append([entry for entry, _ in numbered])
        receipts: list[Receipt] = []
        for item, (_, version), hash_ in zip(items, numbered, hashes, strict=True):
            frame = item.frame
            self._keep_head(frame.stream, version + 1)
            receipts.append(
                Receipt(
                    position=position + len(receipts),
                    hash=format_hash(hash_),
                    kind=frame.kind,
                    stream=frame.stream,
                    stream_version=version,
                )
            )
        return receipts

    def close(self) -> None:
        """Let go of the journal and the state."""
        self._writer.close()
        self.state.close()


__all__ = ["MAX_BATCH", "Draft", "Origin", "Receipt", "Recorder", "Select"]
