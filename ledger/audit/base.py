"""What a check of the audit is: something that sees every entry once, and then says what it found.

The audit reads the raw segments itself. It shares the formats and the hashing with the writer,
nothing else, so that a fault of the writer cannot hide behind itself.
"""

from collections.abc import Iterable
from typing import Literal, Protocol

import attrs

from ledger.entry import Entry, format_hash
from ledger.folder import Folder

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


@attrs.frozen(slots=True, kw_only=True)
class Seen:
    """One line as read from its segment. `entry` is null where the line is damaged."""

    position: int
    segment: int
    offset: int
    data: bytes
    hash: bytes
    chain: bytes
    entry: Entry | None

    def finding(self, severity: Severity, check: str, message: str) -> Finding:
        """A finding about this entry."""
        return Finding(
            severity=severity,
            check=check,
            position=self.position,
            hash=format_hash(self.hash),
            message=message,
        )


class Check(Protocol):
    """Contract of a check: made with the folder, asked about each entry, then once more."""

    name: str

    def __init__(self, folder: Folder) -> None: ...

    def see(self, seen: Seen) -> Iterable[Finding]:
        """What is wrong with this entry, given those before it."""

    def finish(self) -> Iterable[Finding]:
        """What can only be said at the end."""
