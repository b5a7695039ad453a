"""The gap note: what makes healing a torn tail whole, even through another crash.

Before a writer truncates a torn tail, it adds a line to `journal/gap`; the note goes once
`gap.found` is recorded. Who finds the note knows of gaps healed and not yet recorded. A line is

    <segment> <offset> <torn bytes> <last good position> <blob>\\n

for example `0 40960 117 93 sha256:6c1e…`.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

import attrs

from ledger import ids

NAME: Final = "gap"


@attrs.frozen(slots=True, kw_only=True)
class Gap:
    """What a crash left and a writer moved aside: bytes of `segment` from `offset` on."""

    segment: int
    offset: int
    torn_bytes: int
    last_good_position: int
    blob: str

    def format(self) -> str:
        """The gap's line in the note."""
        numbers = (self.segment, self.offset, self.torn_bytes, self.last_good_position)
        return " ".join((*map(str, numbers), self.blob)) + "\n"


def parse_gap(line: str) -> Gap | None:
    """Read a line of the note; None where it is no whole line (then nothing was truncated)."""
    parts = line.removesuffix("\n").split(" ")
    if len(parts) != 5 or not ids.is_hash(parts[4]):
        return None
    try:
        segment, offset, torn_bytes, last_good = (int(part) for part in parts[:4])
    except ValueError:
        return None
    gap = Gap(
        segment=segment,
        offset=offset,
        torn_bytes=torn_bytes,
        last_good_position=last_good,
        blob=parts[4],
    )
    return gap if gap.format() == line else None


def read_gaps(journal: Path) -> list[Gap]:
    """Gaps in the note, oldest first."""
    try:
        lines = (journal / NAME).read_text(encoding="ascii").splitlines(keepends=True)
    except (FileNotFoundError, UnicodeDecodeError):
        return []
    return [gap for line in lines if (gap := parse_gap(line)) is not None]


def write_gaps(journal: Path, gaps: list[Gap]) -> None:
    """Put the note in place in one step, on the disk before this returns."""
    draft = journal / (NAME + ".new")
    with draft.open("w", encoding="ascii") as file:
        file.write("".join(gap.format() for gap in gaps))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(journal / NAME)


def remove_gaps(journal: Path) -> None:
    """Take the note away: its gaps are recorded."""
    with contextlib.suppress(FileNotFoundError):
        (journal / NAME).unlink()
