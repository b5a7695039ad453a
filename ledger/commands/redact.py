"""Committed values: where they stand, what they are, and taking them away for good.

An entry never changes, so a secret is only ever in the blob of a commitment. Redacting records
`blob.withheld` first, on the disk, and removes the blob then: a crash in between leaves a value
that is on record as withheld and still there. The audit says so, and redacting once more ends it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import msgspec

from ledger import commitments
from ledger.blobs import remove_blob, removing
from ledger.clock import Clock
from ledger.entry import entry_hash, format_hash, parse_entry
from ledger.errors import BadArguments, Rejected
from ledger.events import KINDS
from ledger.events.form import references
from ledger.events.redaction import (
    MARK,
    BlobWithheld,
    commitment_digest,
    commitment_places,
    texts_in,
)
from ledger.folder import Folder
from ledger.ids import is_hash, is_hash_prefix
from ledger.journal.reader import scan
from ledger.ledger import Ledger
from ledger.recorder import Draft
from ledger.state import State
from ledger.store.reader import open_reader

if TYPE_CHECKING:
    import duckdb

#: Entries that an event cites at most; a commitment is rarely in more than one.
_MOST_CITED: Final = 500
_WITHHELD: Final = """
select entry->>'$.body.blob', position, entry->>'$.body.reason' from events
where kind = 'blob.withheld' order by position desc
"""
_ENTRIES: Final = "select position, hash, kind, entry from events where "
Progress = Callable[[int, int], None]
Standing = Literal["kept", "withheld", "elsewhere", "missing"]


@attrs.frozen(slots=True, kw_only=True)
class Holder:
    """One place of one entry where a commitment stands."""

    position: int
    origin: str
    field: str
    blob: str


@attrs.frozen(slots=True, kw_only=True)
class Commitment:
    """A committed value as it is now. `value` is null unless it is kept.

    One that is elsewhere stayed in the ledger that its entry comes from.
    """

    position: int
    field: str
    state: Standing
    value: Any
    blob: str
    withheld_at: int | None
    reason: str | None


@attrs.frozen(slots=True, kw_only=True)
class Redacted:
    """What became of one committed value: at which position it is on record as withheld."""

    blob: str
    withheld_at: int
    removed: bool
    held_at: tuple[int, ...]


def look(
    folder: Folder, wanted: str, places: Sequence[str] = (), on_progress: Progress | None = None
) -> list[Commitment]:
    """The committed values of an entry, by its position or hash, or the one of a digest.

    Raises `BadArguments` for what is not on record, `IntegrityError` for a blob that was changed.
    """
    with open_reader(folder, on_progress=on_progress) as db:
        holders = _chosen(_holders(db, folder, wanted), places)
        events: dict[str, tuple[int, str]] = {}
        for digest, position, reason in db.execute(_WITHHELD).fetchall():
            events.setdefault(digest, (position, reason))
    found = []
    for holder in holders:
        event = events.get(holder.blob)
        state = _state(folder, holder, is_withheld=event is not None)
        found.append(
            Commitment(
                position=holder.position,
                field=holder.field,
                state=state,
                value=commitments.reveal(folder, holder.blob) if state == "kept" else None,
                blob=holder.blob,
                withheld_at=event[0] if event else None,
                reason=event[1] if event else None,
            )
        )
    return found


def _state(folder: Folder, holder: Holder, *, is_withheld: bool) -> Standing:
    if commitments.is_kept(folder, holder.blob):
        return "kept"
    if is_withheld:
        return "withheld"
    return "missing" if holder.origin == folder.origin else "elsewhere"


def redact(
    folder: Folder,
    wanted: str,
    reason: str,
    *,
    actor: str,
    places: Sequence[str] = (),
    clock: Clock | None = None,
    on_progress: Progress | None = None,
) -> list[Redacted]:
    """Put on record that committed values are withheld, then remove their blobs.

    `wanted` is an entry, by position or hash, or the digest of one commitment. What is on record as
    withheld already is not recorded again, and its blob is removed if it is still there. Raises
    `Rejected` for what is no committed value, and what `Ledger.append` raises.
    """
    with Ledger(folder, actor=actor, clock=clock, durable=True) as ledger:
        with ledger.recorder.caught_up() as state:
            seen = state.cursor
        with open_reader(folder, on_progress=on_progress) as db:
            chosen = _chosen(_holders(db, folder, wanted), places)
            digests = list(dict.fromkeys(holder.blob for holder in chosen))
            uses = _Uses(digests)
            for digest in digests:
                for row in db.execute(_ENTRIES + "contains(entry, ?)", [digest]).fetchall():
                    uses.add(row[0], row[1], row[3].encode())
        positions: dict[str, int] = {}

        def lacking(state: State, _offered: Sequence[Draft]) -> list[Draft]:
            for line, _ in scan(folder.journal, seen):
                uses.add(line.position, format_hash(entry_hash(line.entry)), line.entry)
            uses.refuse_evidence()
            known = {digest: state.standing(f"withheld/{digest}") for digest in digests}
            positions.update({digest: event[2] for digest, event in known.items() if event})
            return [uses.draft(digest, reason) for digest in digests if not known[digest]]

        receipts = ledger.append([uses.draft(digest, reason) for digest in digests], select=lacking)
        fresh = [digest for digest in digests if digest not in positions]
        positions |= {d: receipt.position for d, receipt in zip(fresh, receipts, strict=True)}
        with removing(folder):
            return [
                Redacted(
                    blob=digest,
                    withheld_at=positions[digest],
                    removed=remove_blob(folder, digest),
                    held_at=uses.positions(digest),
                )
                for digest in digests
            ]


class _Uses:
    """Which entries hold some digests as commitments, and which name them as evidence."""

    def __init__(self, digests: Iterable[str]) -> None:
        self._held: dict[str, dict[int, str]] = {digest: {} for digest in digests}
        self._evidence: list[str] = []

    def add(self, position: int, hash_: str, data: bytes) -> None:
        """Look at entry bytes."""
        named = [digest for digest in self._held if digest.encode() in data]
        if not named:
            return
        entry = parse_entry(data)
        kind = KINDS.get(entry.kind)
        committed = {digest for _, digest in commitment_places(entry.body)}
        # Of a kind that this program does not know, any text may name what it rests on.
        texts = references(kind, entry.body, "blob") if kind else list(texts_in(entry.body))
        for digest in named:
            if digest in texts:
                self._evidence.append(f"{digest}: position {position} ({entry.kind}) rests on it")
            if digest in committed:
                self._held[digest][position] = hash_

    def refuse_evidence(self) -> None:
        """Raise `Rejected` where a digest is named as evidence."""
        if self._evidence:
            raise Rejected(
                "evidence cannot be taken away; nothing was recorded or removed",
                reasons=tuple(dict.fromkeys(self._evidence)),
                hint="only a committed value can: withheld:sha256:… in a body",
            )

    def positions(self, digest: str) -> tuple[int, ...]:
        """Positions of the entries that hold it."""
        return tuple(sorted(self._held[digest]))

    def draft(self, digest: str, reason: str) -> Draft:
        """The event that withholds it."""
        hashes = [self._held[digest][position] for position in self.positions(digest)]
        event = BlobWithheld(blob=digest, reason=reason)
        return Draft(event=event, cites=tuple(hashes[:_MOST_CITED]))


def _chosen(holders: list[Holder], places: Sequence[str]) -> list[Holder]:
    """Those at the named places, all if none is named. Raises `BadArguments`."""
    there = [holder.field for holder in holders]
    missing = [place for place in places if place not in there]
    if missing:
        raise BadArguments(
            f"no committed value stands at {', '.join(missing)}",
            hint=f"they stand at {', '.join(str(place) for place in there)}",
        )
    return [holder for holder in holders if not places or holder.field in places]


def _holders(db: "duckdb.DuckDBPyConnection", folder: Folder, wanted: str) -> list[Holder]:
    """The commitments that a text means. Raises `BadArguments`, `Rejected` where it holds none."""
    digest = commitment_digest(wanted)
    if digest is None:
        rows = _entries_named(db, wanted)
        if rows:
            return _all_in(rows[0])
        digest = wanted if is_hash(wanted) else None
    if digest is None:
        raise BadArguments(
            f"{wanted} is neither an entry nor a committed value",
            hint="give a position, an entry hash or withheld:sha256:…; see `ledger query events`",
        )
    rows = db.execute(_ENTRIES + "contains(entry, ?) order by position", [MARK + digest]).fetchall()
    held = [holder for row in rows for holder in _places_of(row) if holder.blob == digest]
    if held:
        return held
    named = db.execute(_ENTRIES + "contains(entry, ?) order by position", [digest]).fetchall()
    if named:
        raise Rejected(
            f"{digest} is no committed value",
            reasons=[
                f"position {row[0]} ({row[2]}) names it, and not as withheld:…" for row in named[:5]
            ],
            hint="evidence cannot be taken away: something rests on it",
        )
    where = "nothing names this blob" if commitments.is_kept(folder, digest) else "nothing is"
    raise BadArguments(
        f"{digest}: {where} on record", hint="`ledger blobs` lists what no entry names"
    )


def _entries_named(db: "duckdb.DuckDBPyConnection", wanted: str) -> list[tuple[Any, ...]]:
    """The one entry at a position or with a hash that begins so, if any. Raises `BadArguments`."""
    if wanted.isascii() and wanted.isdigit():
        number = int(wanted)
        rows = db.execute(_ENTRIES + "position = ?::hugeint", [number]).fetchall()
        if not rows:
            raise BadArguments(
                f"there is no position {wanted}", hint="`ledger query events --last 5` shows some"
            )
        return rows
    hash_ = wanted if wanted.startswith("sha256:") else f"sha256:{wanted}"
    if not is_hash_prefix(hash_):
        return []
    rows = db.execute(_ENTRIES + "starts_with(hash, ?) limit 2", [hash_]).fetchall()
    if len(rows) > 1:
        raise BadArguments(f"{wanted} is the beginning of several hashes", hint="give more of it")
    return rows


def _all_in(row: tuple[Any, ...]) -> list[Holder]:
    found = _places_of(row)
    if not found:
        raise Rejected(
            "there is nothing to show or to take away",
            reasons=[f"position {row[0]} ({row[2]}) holds no committed value"],
            hint="only what was recorded as withheld:sha256:… does: ledger record --withhold",
        )
    return found


def _places_of(row: tuple[Any, ...]) -> list[Holder]:
    fields = msgspec.json.decode(row[3])
    return [
        Holder(position=row[0], origin=fields["origin"], field=place, blob=digest)
        for place, digest in commitment_places(fields["body"])
    ]
