"""Histories from elsewhere that can be taken in: the list. The contract is in `base.py`.

ship_two.py   SPEC-SHIP-TWO-001, the project whose mistakes the rules of this ledger come from
"""

import difflib
from typing import Final

from ledger.errors import BadArguments
from ledger.importers import ship_two
from ledger.importers.base import Count, Importer, read_drafts, take_in

IMPORTERS: Final[tuple[Importer, ...]] = (ship_two.IMPORTER,)

__all__ = ["IMPORTERS", "Count", "Importer", "find_importer", "read_drafts", "take_in"]


def find_importer(name: str) -> Importer:
    """The importer called `name`. Raises `BadArguments` with the nearest names."""
    names = [importer.name for importer in IMPORTERS]
    if name in names:
        return IMPORTERS[names.index(name)]
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ledger import --list` lists them"
    raise BadArguments(f"there is no importer {name!r}", hint=hint)
