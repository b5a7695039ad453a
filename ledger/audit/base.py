"""What a check of the audit is, and what it gets to see.

The journal is read in ranges, each by whichever process is free. So a check has two halves:

1. `see`, `see_block`, `see_whole` and `collect` run where a range is read, maybe in another
   process: what is wrong there, and what of it must be known elsewhere. They know no other range.
2. `merge` and `finish` run in the process that audits: what the ranges left, one after the other in
   the order of the journal, and what can only be said at the end.

A check is made once, before the end of the journal is looked up; each process that reads ranges
gets a pickled copy. Where there is one process, one check does both halves.

The audit reads the raw segments itself. It shares the formats and the hashing with the writer,
nothing else, so that a fault of the writer cannot hide behind itself.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

from ledger.entry import Entry, format_hash
from ledger.events.base import Event, UnknownEvent
from ledger.folder import Folder

if TYPE_CHECKING:
    from ledger.audit.index import Index

#: How bad a finding is: `broken` is an integrity error (exit 6), `unsupported` a verdict or a
#: citation that does not hold (exit 1), `note` worth knowing, `holds` what was found in order.
Severity = Literal["broken", "unsupported", "note", "holds"]


@attrs.frozen(slots=True, kw_only=True)
class Finding:
    """One thing the audit has to say, about one entry where there is one."""

    severity: Severity
    check: str
    position: int | None
    hash: str | None
    message: str
    #: Positions of the entries that rest on a bad one; null where that was not followed.
    dependents: tuple[int, ...] | None = None


def finding_at(
    position: int, hash_: bytes, severity: Severity, check: str, message: str
) -> Finding:
    """A finding about the entry with this hash at this position."""
    return Finding(
        severity=severity, check=check, position=position, hash=format_hash(hash_), message=message
    )


@attrs.frozen(slots=True, kw_only=True)
class Seen:
    """One line as read from its segment.

    `index` counts the lines of its range from 0. `entry` is null where the line is damaged, `event`
    where the body does not have the form of its kind; then `form` says why.
    """

    index: int
    position: int
    data: bytes
    hash: bytes
    entry: Entry | None
    event: Event | UnknownEvent | None = None
    form: tuple[str, ...] = ()

    def finding(self, severity: Severity, check: str, message: str) -> Finding:
        """A finding about this entry."""
        return finding_at(self.position, self.hash, severity, check, message)


class Plain(Protocol):
    """An entry of a hot kind, checked in bulk: sound in all its fields, and it names no other."""

    kind: str
    origin: str
    branch: str | None
    stream: str
    stream_version: int


@attrs.frozen(slots=True, kw_only=True)
class Block:
    """A piece of a range as it was read, line by line in its order.

    `positions`, `chains`, `hashes`, `data` and `plain` have one item a line. A line is plain, or it
    is one of `seen` and null in `plain`.
    """

    positions: Sequence[int]
    #: Chain value after each entry, as stated; empty bytes where the line is damaged.
    chains: Sequence[bytes]
    hashes: Sequence[bytes]
    data: Sequence[bytes]
    plain: Sequence[Plain | None]
    seen: Sequence[Seen]


@attrs.frozen(slots=True, kw_only=True)
class Whole:
    """A range that was read to its end. `is_sound`: positions count up, and the chain fits.

    `positions` and `hashes` (of 32 bytes each) are those of its lines. `rows`: the positions, from
    the first up to the second, whose rows in a view this range answers for. `block` reads the range
    again, as one block: for the few ranges where something must be said about single lines.
    """

    raw: bytes
    is_sound: bool
    positions: Sequence[int]
    hashes: bytes
    rows: tuple[int, int]
    block: Callable[[], Block]


class Check(Protocol):
    """Contract of a check. A part that it has no use for, it need not define."""

    name: str

    def __init__(self, folder: Folder) -> None: ...

    def see(self, seen: Seen) -> Iterable[Finding]:  # noqa: ARG002 - nothing to say
        """What is wrong with this entry by itself. Asked about each entry that is not plain."""
        return ()

    def see_block(self, block: Block) -> Iterable[Finding]:
        """What is wrong in this piece, plain entries included. A range is seen piece by piece."""
        for seen in block.seen:
            yield from self.see(seen)

    def see_whole(self, whole: Whole) -> Iterable[Finding]:  # noqa: ARG002 - nothing to say
        """What can be said of a range once all of its blocks were seen."""
        return ()

    def collect(self) -> Any:  # noqa: ANN401 - whatever its own `merge` takes; it must pickle
        """What was learned since the last `collect` and is needed where ranges are merged."""
        return None

    def merge(
        self,
        collected: Any,  # noqa: ANN401, ARG002 - see `collect`
        index: "Index",  # noqa: ARG002 - nothing to say
    ) -> Iterable[Finding]:
        """Take what `collect` gave, range by range in the order of the journal.

        `index` knows the entries up to the end of this range.
        """
        return ()

    def finish(self, index: "Index") -> Iterable[Finding]:  # noqa: ARG002 - nothing to say
        """What can only be said at the end. `index` knows every entry of the journal."""
        return ()

    def close(self) -> None:
        """Let go of what it holds. Called in the end, whatever happened."""
        return
