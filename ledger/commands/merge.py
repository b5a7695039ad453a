"""Taking over what another ledger recorded: verbatim, on a branch, each entry once.

    read the other record whole, verify it         nothing is written if anything is wrong
    a chunk at a time: blobs first, then           `branch.imported` and the entries in one append
    the entries that are not on record yet

An entry keeps its bytes, so its hash, so everything that cites it. It does not count on the main
line until `branch.merged` cites the head. A merge that was interrupted goes on where it stopped,
and a second one adds nothing: known hashes are skipped.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import attrs

from ledger import ids
from ledger.branches import Development
from ledger.entry import Entry, entry_hash, parse_entry
from ledger.errors import BadArguments, Malformed
from ledger.events import read_event
from ledger.events.base import UnknownEvent
from ledger.events.branch import BranchMerged
from ledger.folder import Folder
from ledger.ledger import Ledger
from ledger.recorder import Draft, Origin

#: Entries and bytes of a chunk: an append is one write, and fits into one segment.
_CHUNK_ENTRIES: Final = 5_000
_CHUNK_BYTES: Final = 16 * 1024 * 1024
#: Rooms of standings that are names somebody gave, and what each is called.
_NAMES: Final = {"provenance": "run", "criterion": "criterion", "claim": "claim"}

#: Told (entries done, entries in all).
Progress = Callable[[int, int], None]


class Source(Protocol):
    """Another record that is read twice: once to verify it, once to take it over."""

    origin: str

    def read(self, keep_in: Folder | None) -> Iterator[tuple[int, bytes]]:
        """Yield position and bytes E of each entry, verified; evidence on the way may be kept."""

    def checkpoint(self) -> tuple[int, bytes]:
        """Its size and chain value, once it was read to the end."""

    def keep_blobs(self, here: Folder, entry: Entry) -> int:
        """Keep the evidence that the entry names here, too; how much of it cannot be had."""


@attrs.frozen(slots=True, kw_only=True)
class Conflict:
    """A name that both ledgers gave."""

    what: str
    """run, criterion or claim."""
    name: str
    position: int
    """Where it was given here."""
    theirs: str
    """What theirs is called here; the same name where both have one origin."""


@attrs.frozen(slots=True, kw_only=True)
class Merged:
    """What came of a merge."""

    branch: str
    taken: int
    known: int
    head: str | None
    """Hash of the branch's last entry, which `branch.merged` is to cite; null where it has none."""
    is_on_main: bool
    """Whether the branch counts on the main line up to its head."""
    missing_blobs: int
    conflicts: tuple[Conflict, ...]


@attrs.define
class _Tally:
    """What was counted on the way."""

    taken: int = 0
    known: int = 0
    missing: int = 0
    conflicts: list[Conflict] = attrs.field(factory=list)


def merge(
    ledger: Ledger,
    source: Source,
    *,
    branch: str | None,
    reason: str | None = None,
    on_progress: Progress | None = None,
) -> Merged:
    """Take over what `source` has and this ledger has not, on `branch`.

    The branch is called like the other ledger's origin where none is given. With a `reason` it
    counts on the main line at once. Raises `BadArguments` for a name that cannot be, `Malformed`
    with every entry that has not its form; then nothing was taken.
    """
    name = _branch_name(ledger, source, branch)
    if reason is not None and not reason.strip():
        raise BadArguments("the reason is empty", hint="say why it is to count on the main line")
    report = on_progress or (lambda _done, _all: None)
    off_main = _verify(source, report)
    size, chain = source.checkpoint()
    origin = Origin(origin=source.origin, size=size, chain=chain)
    labels = _Labels(name, off_main)
    tally = _Tally()
    for label, chunk in _chunks(source, labels, ledger.folder):
        _take(ledger, source, origin, label, chunk, tally)
        report(size + chunk[-1][0] + 1, 2 * size)
    with ledger.recorder.caught_up() as state:
        head, merged = state.standing(f"branch/{name}"), state.standing(f"merged/{name}")
    is_on_main = head is not None and merged is not None and merged[0] == head[0]
    if reason is not None and head is not None and not is_on_main:
        event = BranchMerged(name=name, head=head[0], reason=reason)
        ledger.append([Draft(event=event, cites=(head[0],))])
        is_on_main = True
    return Merged(
        branch=name,
        taken=tally.taken,
        known=tally.known,
        head=head[0] if head else None,
        is_on_main=is_on_main,
        missing_blobs=tally.missing,
        conflicts=tuple(tally.conflicts),
    )


def _branch_name(ledger: Ledger, source: Source, given: str | None) -> str:
    if given is None and source.origin == ledger.folder.origin:
        raise BadArguments(
            f"both are {source.origin}: the other one is a copy that went its own way",
            hint="say what its branch is to be called: --branch NAME",
        )
    name = source.origin if given is None else given
    if not ids.is_branch(name):
        raise BadArguments(
            f"{name!r} cannot name a branch",
            hint="--branch NAME: letters, digits and . _ + -, in parts between /, at most 64",
        )
    return name


def _verify(source: Source, report: Progress) -> list[tuple[int, int, str]]:
    """Read everything once; the ranges that are off the other ledger's own main line."""
    development, reasons = Development(), []
    for position, data in source.read(None):
        entry = parse_entry(data)
        try:
            read_event(entry.kind, entry.schema_version, entry.body)
            development.see(position, entry, entry_hash(data))
        except Malformed as error:
            reasons += [f"position {position}: {why}" for why in error.reasons or (error.message,)]
        if position % 5_000 == 0:
            report(position, 0)
    if reasons:
        raise Malformed(
            "the other record holds entries without their form; nothing was taken over",
            reasons=reasons[:20],
            hint="`ledger audit` there says more",
        )
    return development.ranges()


class _Labels:
    """The branch here of each position there."""

    def __init__(self, name: str, off_main: Sequence[tuple[int, int, str]]) -> None:
        self._name = name
        self._ranges = iter(off_main)
        self._range = next(self._ranges, None)
        for label in {f"{name}/{branch}" for _, _, branch in off_main}:
            if not ids.is_branch(label):
                raise BadArguments(
                    f"a branch there would be called {label!r} here, which is too long",
                    hint="give a shorter --branch NAME",
                )

    def at(self, position: int) -> str:
        """The branch; positions are asked for in ascending order."""
        while self._range is not None and self._range[1] < position:
            self._range = next(self._ranges, None)
        if self._range is not None and self._range[0] <= position:
            return f"{self._name}/{self._range[2]}"
        return self._name


def _chunks(
    source: Source, labels: _Labels, here: Folder
) -> Iterator[tuple[str, list[tuple[int, bytes]]]]:
    """Entries in order, as (branch here, entries), none too large for one append."""
    for label, group in itertools.groupby(source.read(here), lambda item: labels.at(item[0])):
        chunk: list[tuple[int, bytes]] = []
        filled = 0
        for item in group:
            if chunk and (len(chunk) >= _CHUNK_ENTRIES or filled + len(item[1]) > _CHUNK_BYTES):
                yield label, chunk
                chunk, filled = [], 0
            chunk.append(item)
            filled += len(item[1])
        if chunk:
            yield label, chunk


def _take(
    ledger: Ledger,
    source: Source,
    origin: Origin,
    label: str,
    chunk: Sequence[tuple[int, bytes]],
    tally: _Tally,
) -> None:
    """Take over what is new of one chunk: its blobs first, so that no entry is without."""
    with ledger.recorder.caught_up() as state:
        fresh = [data for _, data in chunk if state.position_of(entry_hash(data)) is None]
        for data in fresh:
            tally.conflicts += _conflicts(ledger, parse_entry(data))
    for data in fresh:
        tally.missing += source.keep_blobs(ledger.folder, parse_entry(data))
    taken = ledger.take_over(fresh, branch=label, source=origin) if fresh else 0
    tally.taken += taken
    tally.known += len(chunk) - taken


def _conflicts(ledger: Ledger, entry: Entry) -> Iterator[Conflict]:
    """Names that the entry gives and that this ledger gave, too."""
    event = read_event(entry.kind, entry.schema_version, entry.body)
    if isinstance(event, UnknownEvent):
        return
    for key, _ in event.standings():
        room, _, name = key.partition("/")
        known = ledger.recorder.state.standing(key) if room in _NAMES else None
        if known is not None:
            yield Conflict(
                what=_NAMES[room],
                name=name,
                position=known[2],
                theirs=ids.qualify(name, entry.origin, ledger.folder.origin),
            )
