"""The batch note: what makes several lines all or nothing, even through a crash.

Before a writer appends more than one line, it writes `journal/batch`, one line of text::

    <segment> <offset> <length>\n        for example   0 40960 8192

and removes it once the lines are there. Whoever finds the note and a segment shorter than
offset + length knows that the batch was cut short: readers stop at the offset, and the next writer
moves the partial lines aside. A single line needs no note: it is whole or torn.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

import attrs

NAME: Final = "batch"


@attrs.frozen(slots=True)
class Batch:
    """Where a batch was meant to go: `length` bytes in `segment` from `offset` on."""

    segment: int
    offset: int
    length: int

    @property
    def end(self) -> int:
        """The byte after the batch."""
        return self.offset + self.length

    def format(self) -> str:
        """The note's text."""
        return f"{self.segment} {self.offset} {self.length}\n"


def parse_batch(text: str) -> Batch | None:
    """Read a note; None where the text is no whole note (then nothing was written after it)."""
    parts = text.split(" ")
    if (
        not text.endswith("\n")
        or len(parts) != 3
        or not all(part.strip().isdigit() for part in parts)
    ):
        return None
    batch = Batch(*(int(part) for part in parts))
    return batch if batch.format() == text else None


def read_batch(journal: Path) -> Batch | None:
    """The note in this journal, if there is a whole one."""
    try:
        return parse_batch((journal / NAME).read_text(encoding="ascii"))
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def write_batch(journal: Path, batch: Batch, *, durable: bool) -> None:
    """Put the note in place in one step; with `durable`, on the disk before this returns."""
    draft = journal / (NAME + ".new")
    with draft.open("w", encoding="ascii") as file:
        file.write(batch.format())
        if durable:
            file.flush()
            os.fsync(file.fileno())
    draft.rename(journal / NAME)
    if durable:
        sync_folder(journal)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries, so that a new file in it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_batch(journal: Path) -> None:
    """Take the note away: the batch is whole, or was moved aside."""
    with contextlib.suppress(FileNotFoundError):
        (journal / NAME).unlink()
