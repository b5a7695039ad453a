"""Segments: the files of a journal, `journal/<20 digits>.log`, named by their first position."""

import re
from pathlib import Path
from typing import Final

import msgspec

from ledger.errors import IntegrityError, StoreFailed
from ledger.journal.line import chain_start

SEGMENT_BYTES: Final = 64 * 1024 * 1024
_NAME: Final = re.compile(r"[0-9]{20}\.log")


class Cursor(msgspec.Struct, frozen=True, order=True):
    """A place between two lines: what comes next is `position`, in `segment` at byte `offset`."""

    position: int
    segment: int
    offset: int
    chain: bytes


def beginning(origin: str) -> Cursor:
    """The cursor before the first entry of a ledger with this origin."""
    return Cursor(position=0, segment=0, offset=0, chain=chain_start(origin))


def segment_path(journal: Path, first_position: int) -> Path:
    """The file that holds the segment starting at `first_position`."""
    return journal / f"{first_position:020d}.log"


def list_segments(journal: Path) -> list[int]:
    """First positions of all segments, ascending.

    Raises `IntegrityError` where 0 or the folder itself is missing, `StoreFailed` where it cannot
    be read.
    """
    try:
        names = [path.name for path in journal.iterdir()]
    except FileNotFoundError as error:
        raise IntegrityError(
            f"the journal is missing: there is no folder {journal}",
            hint="restore it from a copy; everything else can be rebuilt from it",
            position=0,
        ) from error
    except OSError as error:
        raise StoreFailed(
            f"cannot read the journal: {error.strerror}",
            hint="check the permissions of the ledger's folder",
        ) from error
    firsts = sorted(int(name.removesuffix(".log")) for name in names if _NAME.fullmatch(name))
    if firsts and firsts[0] != 0:
        raise IntegrityError(
            f"the journal begins at position {firsts[0]}: the segments before are missing",
            hint=f"put back the file {segment_path(journal, 0).name}",
            position=0,
        )
    return firsts
