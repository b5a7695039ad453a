"""Write spec/reference/zoo.md: the zoo is made and visited, and the page says what happened.

`python tests/zoo/write_page.py`
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "zoo")]

from zoo_list import CLEAN, FAMILIES, SPECIMENS, Visit, visit  # noqa: E402 - found by the path above

PAGE = ROOT / "spec" / "reference" / "zoo.md"
_HASH = re.compile(r"sha256:[0-9a-f]{12,64}…?")


def shortened(line: str) -> str:
    """A message with its hashes cut: they hold the version of the program."""
    return _HASH.sub("sha256:…", line)


def page(seen: Visit) -> str:
    """The text of the page."""
    caught = sum(map(seen.is_caught, SPECIMENS))
    alarms = sum(map(len, seen.clean.values()))
    parts = [
        "# The zoo",
        "*Made by `python tests/zoo/write_page.py` (`make docs`), which plants every mistake in a "
        "fresh ledger and asks who objects; not edited by hand.*",
        f"{caught} of {len(SPECIMENS)} mistakes are caught by the rule, monitor or check that is "
        f"there for them. {len(CLEAN)} clean ledgers give {alarms} false alarms.",
    ]
    for title, family in FAMILIES.items():
        rows = [_specimen_row(one, seen) for one in family]
        parts += [f"## {title}", _table(("specimen", "mistake", "caught by", "it says"), rows)]
    parts += [
        "## Clean ledgers",
        "Everything in them is accepted, no monitor marks a run, and the audit objects to nothing.",
        _table(
            ("ledger", "what it does", "false alarms"), (_clean_row(one, seen) for one in CLEAN)
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _specimen_row(one, seen) -> tuple[str, ...]:
    said = next((s for s in seen.specimens[one.name] if s.startswith(f"{one.caught_by}: ")), "")
    words = shortened(said.removeprefix(f"{one.caught_by}: "))
    who = f"`{one.caught_by}`" if seen.is_caught(one) else f"NOT CAUGHT by `{one.caught_by}`"
    return one.name, one.mistake, who, words


def _clean_row(one, seen) -> tuple[str, ...]:
    return one.name, one.story, "; ".join(map(shortened, seen.clean[one.name])) or "0"


def _table(
    columns: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]
) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = [cell.replace("|", "\\|").replace("<", "&lt;") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(visit()), encoding="utf-8")
    sys.stderr.write(f"{PAGE.relative_to(ROOT)} is written\n")
