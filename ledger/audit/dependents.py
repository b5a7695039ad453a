"""What rests on an entry that is not sound: later entries that cite it, or cite one that does.

An entry that was changed has another hash than the one that is cited. But the chain value after it
was made from the hash that it had: a cited hash that no entry has, and that gives this chain value,
is the hash of the entry that stood there.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from ledger.audit.base import Finding
from ledger.audit.index import Index, Place
from ledger.audit.order import Break
from ledger.entry import Entry, parse_hash

#: Bad entries that are followed, and trials for what stood where the chain breaks.
_FOLLOWED: Final = 100
_TRIALS: Final = 200_000


@attrs.frozen(slots=True)
class Named:
    """An entry by position and by what it is; null where it cannot be read."""

    position: int
    what: str | None


@attrs.frozen(slots=True, kw_only=True)
class Bad:
    """An entry that is not sound, and those that rest on it, in their order."""

    entry: Named
    dependents: tuple[Named, ...]


def find_bad(findings: Iterable[Finding], breaks: Sequence[Break], index: Index) -> tuple[Bad, ...]:
    """The first bad entries, at most 100, each with all that rests on it."""
    hashes: dict[int, set[bytes]] = {}
    for finding in findings:
        if finding.severity in ("broken", "unsupported") and finding.position is not None:
            named = {parse_hash(finding.hash)} if finding.hash else set()
            hashes.setdefault(finding.position, set()).update(named)
    roots = sorted(hashes)[:_FOLLOWED]
    for position, hash_ in _replaced(breaks, index):
        if position in hashes:
            hashes[position].add(hash_)
    dependents = _follow([hashes[position] for position in roots], index)
    names = _names(set().union(*(hashes[position] for position in roots)), index)
    return tuple(
        Bad(
            entry=Named(position, next((names[h] for h in hashes[position] if h in names), None)),
            dependents=tuple(found),
        )
        for position, found in zip(roots, dependents, strict=True)
    )


def name_of(entry: Entry) -> str:
    """What an entry is, in words: its kind and what it belongs to."""
    return f"{entry.kind} in {entry.stream}"


def _replaced(breaks: Sequence[Break], index: Index) -> Iterable[tuple[int, bytes]]:
    """(position, hash) of entries that stood where the chain breaks, as far as they are cited."""
    cited = list({hash_ for _, hash_ in index.dangling()})
    if not cited:
        return
    for found in breaks[: _TRIALS // len(cited)]:
        for hash_ in cited:
            if found.proves(hash_):
                yield found.position, hash_


def _follow(roots: list[set[bytes]], index: Index) -> list[list[Named]]:
    """What rests on each root. Citations point back, so one pass over them finds all of it."""
    #: For each bad hash the roots behind it, as bits.
    behind: dict[bytes, int] = {}
    for number, hashes in enumerate(roots):
        for hash_ in hashes:
            behind[hash_] = behind.get(hash_, 0) | 1 << number
    found: list[list[Named]] = [[] for _ in roots]
    last: tuple[Place, int] | None = None
    for place, cited in index.citations():
        bits = behind.get(cited, 0)
        if not bits:
            continue
        known = last[1] if last is not None and last[0] == place else 0
        read = index.read(place) if bits & ~known else None
        if read is None:
            continue
        last = place, known | bits
        behind[read.hash] = behind.get(read.hash, 0) | bits
        for number in _bits(bits & ~known):
            found[number].append(Named(read.position, name_of(read.entry)))
    return found


def _bits(bits: int) -> Iterable[int]:
    while bits:
        yield (bits & -bits).bit_length() - 1
        bits &= bits - 1


def _names(hashes: set[bytes], index: Index) -> dict[bytes, str]:
    """What the entries with these hashes are, as far as they can be read."""
    places = sorted(index.find(hashes).items(), key=lambda item: item[1])
    read = ((hash_, index.read(place)) for hash_, place in places)
    return {hash_: name_of(found.entry) for hash_, found in read if found is not None}
