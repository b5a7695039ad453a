"""The zoo: every specimen and every clean ledger, in the order of the page."""

import tempfile
from pathlib import Path

import attrs
from zoo_base import Clean, Specimen, names_of
from zoo_claims import CLAIMS
from zoo_clean import CLEAN
from zoo_makings import MAKINGS
from zoo_numbers import NUMBERS
from zoo_records import RECORDS
from zoo_rows import ROWS
from zoo_runs import RUNS
from zoo_sections import SECTIONS

FAMILIES: dict[str, tuple[Specimen, ...]] = {
    "Numbers and verdicts": NUMBERS,
    "Rows": ROWS,
    "Claims": CLAIMS,
    "What is made, compared, cited": MAKINGS,
    "Runs": RUNS,
    "Sections": SECTIONS,
    "The record itself": RECORDS,
}
SPECIMENS: tuple[Specimen, ...] = tuple(one for family in FAMILIES.values() for one in family)

__all__ = ["CLEAN", "FAMILIES", "SPECIMENS", "Clean", "Specimen", "Visit", "visit"]


@attrs.frozen
class Visit:
    """What was said of each specimen, and what alarms each clean ledger gave, by name."""

    specimens: dict[str, tuple[str, ...]]
    clean: dict[str, tuple[str, ...]]

    def is_caught(self, specimen: Specimen) -> bool:
        """Whether the one that should object did."""
        return specimen.caught_by in names_of(self.specimens[specimen.name])


def visit() -> Visit:
    """Make every specimen and every clean ledger, each in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        specimens = {one.name: one.said(place / f"specimen-{n}") for n, one in enumerate(SPECIMENS)}
        clean = {one.name: one.alarms(place / f"clean-{n}") for n, one in enumerate(CLEAN)}
    return Visit(specimens=specimens, clean=clean)
