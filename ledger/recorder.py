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
from ledger.entry import Entry, entry_hash, format_hash
from ledger.errors import IntegrityError, Malformed, Rejected
from ledger.events.base import Event
from ledger.events.form import body_of, form_problems
from ledger.events.ledger import GapFound
from ledger.folder import Folder
from ledger.journal.gap import Gap
from ledger.journal.line import Line
from ledger.journal.segments import SEGMENT_BYTES, Cursor
from ledger.journal.writer import Writer
from ledger.rules import Proposal, reasons_against
from ledger.state import State

MAX_BATCH: Final = 10_000

#: Picks, from the drafts of an append, those that the record as it stands still lacks.
Select = Callable[[State, Sequence["Draft"]], Sequence["Draft"]]
#: The next stream_version by (origin, stream).
_Heads = dict[tuple[str, str], int]


@attrs.frozen(slots=True, kw_only=True)
class Draft:
    """An event to be recorded, with what the entry says around it."""

    event: Event
    cites: tuple[str, ...] = ()
    stream: str | None = None
    branch: str | None = None


@attrs.frozen(slots=True, kw_only=True)
class Receipt:
    """Where an event was recorded, and its hash as printed."""

    position: int
    hash: str
    kind: str
    stream: str
    stream_version: int


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
        self._heads: _Heads = {}
        self.state = State(folder)
        self._writer = Writer(
            folder, self.state.cursor, durable=durable, segment_bytes=segment_bytes
        )
        with self._exclusive():
            self.state.catch_up(on_progress)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the lock, knowing every head; gaps that were healed are recorded first."""
        with self._writer.exclusive(self._see) as gaps:
            if gaps:
                self._record_gaps(gaps)
            yield

    @contextlib.contextmanager
    def caught_up(self) -> Iterator[State]:
        """The state with everything recorded so far, and no one recording meanwhile."""
        with self._exclusive():
            self.state.catch_up()
            yield self.state

    def _see(self, line: Line, _cursor: Cursor) -> None:
        try:
            head = _HEAD_DECODER.decode(line.entry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise IntegrityError(
                f"entry {line.position} is in the chain but is no entry: {error}",
                hint="run `ledger audit`",
                position=line.position,
            ) from error
        self._heads[(head.origin, head.stream)] = head.stream_version + 1

    def _record_gaps(self, gaps: Sequence[Gap]) -> None:
        heads: _Heads = {}
        drafts = [Draft(event=GapFound(**attrs.asdict(gap))) for gap in gaps]
        entries = [self._number(draft, "executor:ledger", heads) for draft in drafts]
        self._write(entries, heads)
        self._writer.gaps_recorded()

    def append(
        self, drafts: Sequence[Draft], *, actor: str, select: Select | None = None
    ) -> list[Receipt]:
        """Record `drafts`, all or none, and return where each one stands.

        `select` is asked under the lock, with the state caught up, which drafts to record: what
        it sees cannot change before they are written, so two writers never record one thing twice.

        Raises `Malformed` for a bad actor, branch or stream, `Rejected` with the reasons of every
        event that a rule refuses, `StoreFailed` and `IntegrityError`. Then nothing was recorded.
        """
        _refuse_malformed(drafts, actor)
        with self._exclusive():
            if select is not None:
                self.state.catch_up()
                drafts = select(self.state, drafts)
                if not drafts:
                    return []
            if any(draft.event.KIND.family == "decided" for draft in drafts):
                return self._append_decided(drafts, actor)
            heads: _Heads = {}
            entries = [self._number(draft, actor, heads) for draft in drafts]
            return self._write(entries, heads)

    def _append_decided(self, drafts: Sequence[Draft], actor: str) -> list[Receipt]:
        self.state.catch_up()
        foresight = _Foresight(self.state, self._writer.cursor.position)
        heads: _Heads = {}
        entries: list[Entry] = []
        reasons: list[str] = []
        for number, draft in enumerate(drafts, 1):
            if draft.event.KIND.family == "decided":
                proposal = Proposal(event=draft.event, actor=actor, cites=draft.cites)
                where = f"event {number}: " if len(drafts) > 1 else ""
                reasons += [where + text for text in reasons_against(proposal, foresight)]
            entries.append(self._number(draft, actor, heads))
            foresight.add(entries[-1], draft.event)
        if reasons:
            raise Rejected(
                "a rule refuses it; nothing was recorded",
                reasons=reasons,
                hint="mend what the reasons name; `ledger query` shows what is on record",
            )
        return self._write(entries, heads)

    def _number(self, draft: Draft, actor: str, heads: _Heads) -> Entry:
        """The entry of a draft; `heads` keeps the numbers given until they are written."""
        stream = draft.stream or draft.event.KIND.stream_of(draft.event) or "import/recorded"
        head = (self._folder.origin, stream)
        version = heads.get(head, self._heads.get(head))
        if version is None:
            version = self.state.next_version(*head)
        heads[head] = version + 1
        return Entry(
            actor=actor,
            body=body_of(draft.event),
            branch=draft.branch,
            cites=draft.cites,
            kind=draft.event.KIND.name,
            origin=self._folder.origin,
            recorded_at=self._clock.now_us(),
            schema_version=draft.event.KIND.version,
            stream=stream,
            stream_version=version,
        )

    def _write(self, entries: Sequence[Entry], heads: _Heads) -> list[Receipt]:
        lines = self._writer.append([entry.format() for entry in entries])
        self._heads.update(heads)
        return [
            Receipt(
                position=line.position,
                hash=format_hash(entry_hash(line.entry)),
                kind=entry.kind,
                stream=entry.stream,
                stream_version=entry.stream_version,
            )
            for line, entry in zip(lines, entries, strict=True)
        ]

    def close(self) -> None:
        """Let go of the journal and the state."""
        self._writer.close()
        self.state.close()


class _Head(msgspec.Struct):
    """The fields of an entry that number the next one of its stream."""

    origin: str
    stream: str
    stream_version: int


_HEAD_DECODER: Final = msgspec.json.Decoder(_Head)


class _Foresight:
    """The record as it will be once the first events of a batch are written."""

    def __init__(self, state: State, position: int) -> None:
        self._state = state
        self._position = position
        self._standings: dict[str, tuple[str, bytes, int]] = {}
        self._entries: dict[bytes, tuple[Entry, int]] = {}

    def add(self, entry: Entry, event: Event) -> None:
        """Take an event of the batch as recorded."""
        hash_ = entry_hash(entry.format())
        self._entries[hash_] = (entry, self._position)
        for key, value in event.standings():
            self._standings[key] = (value, hash_, self._position)
        self._position += 1

    def standing(self, key: str) -> tuple[str, bytes, int] | None:
        return self._standings.get(key) or self._state.standing(key)

    def position_of(self, hash_: bytes) -> int | None:
        found = self._entries.get(hash_)
        return found[1] if found else self._state.position_of(hash_)

    def read(self, hash_: bytes) -> tuple[Entry, int] | None:
        return self._entries.get(hash_) or self._state.read(hash_)


def _refuse_malformed(drafts: Sequence[Draft], actor: str) -> None:
    """Raise `Malformed` with everything wrong around the events, before the lock is taken."""
    reasons = []
    if not ids.is_known_actor(actor):
        reasons.append(f"actor: {actor!r} is not human:NAME, agent:NAME or executor:NAME")
    if len(drafts) > MAX_BATCH:
        reasons.append(f"{len(drafts)} events at once; {MAX_BATCH} are allowed")
    for number, draft in enumerate(drafts, 1):
        where = f"event {number}: " if len(drafts) > 1 else ""
        reasons += [where + reason for reason in _draft_problems(draft, actor)]
    if reasons:
        raise Malformed("nothing was recorded", reasons=reasons, hint="mend what the reasons name")


def _draft_problems(draft: Draft, actor: str) -> Iterator[str]:
    kind = draft.event.KIND
    yield from form_problems(draft.event)
    own = kind.stream_of(draft.event)
    if own is not None and draft.stream not in (None, own):
        yield f"stream: {kind.name} belongs to {own}, not {draft.stream}"
    if own is None and draft.stream is not None and not draft.stream.startswith("import/"):
        yield f"stream: {kind.name} belongs to an import/NAME stream, not {draft.stream}"
    stream = draft.stream or own
    if stream is not None and not ids.is_known_stream(stream):
        yield f"stream: {stream!r} is no stream"
    if draft.branch is not None and not ids.is_branch(draft.branch):
        yield f"branch: {draft.branch!r} cannot name a branch"
    for cited in draft.cites:
        if not ids.is_hash(cited):
            yield f"cites: {cited!r} is not an entry hash"
    claims_measured = getattr(draft.event, "provenance", None) in ("measured", "derived")
    if claims_measured and not actor.startswith("executor:"):
        yield f"provenance: {actor} is no executor; record a number of yours as asserted"
