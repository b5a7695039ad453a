"""Small histories with published boards, taken into real ledgers, and their replay."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from histories import line, to_bytes
from ledgers import new_ledger

from ledger.commands.board import Replayed, replay
from ledger.folder import Folder
from ledger.importers import find_importer, read_drafts, take_in
from ledger.queries import find_query
from ledger.store.reader import open_reader

Line = dict[str, Any]
SHORT = {"P": "PARTIAL_ALGORITHM_LEVEL", "D": "DISCHARGED", "B": "BLOCKER_FIXTURE_ABSENT"}


def declared(name: str, **data: Any) -> Line:
    """A criterion that others declared."""
    return line("criterion_declared", {"title": "t", **data}, id=name)


def verdict(name: str, status: str, *, branch: bool = False) -> Line:
    """A verdict, by the short name of its status."""
    return line("verdict", {"status": SHORT[status], "branch_only": branch}, id=name)


def published(name: str, partial: int, discharged: int, total: int | None = None) -> Line:
    """A board."""
    data = {"published_partial": partial, "published_discharged": discharged}
    return line("scoreboard", data | ({} if total is None else {"total": total}), id=name)


def registered(name: str, version: str | None) -> Line:
    """A section."""
    return line("section_registered", {"to_version": version, "title": "t"}, id=name)


def ledger_of(directory: Path, lines: Sequence[Line]) -> Folder:
    """A ledger that holds these lines and nothing else; line n stands at position n."""
    with new_ledger(directory) as ledger:
        take_in(ledger, read_drafts(find_importer("ship-two"), to_bytes(*lines)))
        return ledger.folder


def replayed(folder: Folder) -> list[Replayed]:
    """Every published board of a ledger."""
    with open_reader(folder) as db:
        return replay(find_query("board_replay").run(db, {}))


def board(folder: Folder, at: int | None = None, **given: str) -> list[dict[str, Any]]:
    """The rows of the board."""
    with open_reader(folder, at=at) as db:
        return find_query("board").run(db, given).objects()


def tally(rows: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """(PARTIAL, DISCHARGED) of the rows of a board."""
    statuses = [row["status"] for row in rows]
    return statuses.count(SHORT["P"]), statuses.count(SHORT["D"])


def renamed(lines: Iterable[Line], names: dict[str, str]) -> list[Line]:
    """The lines with every id of `names` replaced, wherever it is the whole of a text."""

    def change(value: object) -> object:
        if isinstance(value, dict):
            return {key: change(each) for key, each in value.items()}
        if isinstance(value, list):
            return [change(each) for each in value]
        return names.get(value, value) if isinstance(value, str) else value

    return [json.loads(json.dumps(change(each))) for each in lines]
