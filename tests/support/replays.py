"""Histories replayed: lines go in, findings come out."""

from pathlib import Path
from typing import Any

from histories import to_bytes
from ledgers import HUMAN, new_ledger

from ledger.folder import Folder
from ledger.importers import find_importer, read_drafts, take_in
from ledger.replay import Examined, examine
from ledger.store.reader import open_reader


def imported(directory: Path, data: bytes) -> Folder:
    """A ledger that holds a history and nothing else: the position of an entry is its line."""
    with new_ledger(directory) as ledger:
        ledger.actor = HUMAN
        take_in(ledger, read_drafts(find_importer("ship-two"), data))
        return ledger.folder


def findings_of(folder: Folder) -> list[Examined]:
    """What the replay finds."""
    with open_reader(folder) as db:
        return examine(db)


def replayed(directory: Path, *lines: dict[str, Any]) -> list[Examined]:
    """What the replay finds in these lines."""
    return findings_of(imported(directory, to_bytes(*lines)))
