"""Documents under test: where they lie, their fenced blocks, and whether an output is as shown."""

import math
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
ELLIPSIS = "…"
_FENCE = re.compile(r"^```(.*)$")
#: Below this, the last bits of a machine's arithmetic show: such numbers agree in size only.
_NOISE = 1e-4


class Block(NamedTuple):
    """A fenced block: its info string, its text, and the line of the file where it begins."""

    info: str
    text: str
    line: int


def markdown_files() -> list[Path]:
    """Every Markdown file of the project, hidden folders and results of runs left out."""
    apart = {"demo", "build", "dist"}
    return [
        path
        for path in sorted(ROOT.rglob("*.md"))
        if not any(part.startswith(".") or part in apart for part in path.relative_to(ROOT).parts)
    ]


def read_blocks(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text, in order."""
    blocks, inside, start, info = [], None, 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and inside is None:
            inside, start, info = [], number + 1, fence[1].strip()
        elif fence:
            blocks.append(Block(info, "".join(f"{kept}\n" for kept in inside or []), start))
            inside = None
        elif inside is not None:
            inside.append(line)
    assert inside is None, f"a block that begins in line {start} does not end"
    return blocks


def difference(shown: str, printed: str) -> str | None:
    """Why `printed` is not what a document shows; None where it is.

    Words are compared, so that the width of a column may change. `…` alone on a line stands for
    any lines, at the end of a line for its rest, at an end of a word for a part of the word. Hashes
    and times are any hashes and times; numbers agree to three digits, tiny ones in size.
    """
    left = printed.splitlines()
    skipping = False
    for line in shown.splitlines():
        if line.strip() == ELLIPSIS:
            skipping = True
            continue
        while left and not _line_fits(line.split(), left[0].split()):
            if not skipping:
                return f"shown:   {line}\nprinted: {left[0]}"
            left.pop(0)
        if not left:
            return f"shown, but not printed: {line}"
        left.pop(0)
        skipping = False
    return f"printed, but not shown: {left[0]}" if left and not skipping else None


def _line_fits(shown: list[str], printed: list[str]) -> bool:
    if shown and shown[-1] == ELLIPSIS:
        shown, printed = shown[:-1], printed[: len(shown) - 1]
    return len(shown) == len(printed) and all(map(_word_fits, shown, printed))


def _word_fits(shown: str, printed: str) -> bool:
    if shown == printed:
        return True
    if shown.startswith("sha256:") and printed.startswith("sha256:"):
        return True
    if ELLIPSIS in shown:
        pattern = ".*".join(map(re.escape, shown.split(ELLIPSIS)))
        return re.fullmatch(pattern, printed) is not None
    try:
        a, b = (float(word.strip("(),")) for word in (shown, printed))
    except ValueError:
        return False
    if "." not in shown and "e" not in shown:
        return False  # a count is exact
    if 0 < abs(a) < _NOISE:
        return 0 < abs(b) < 10 * _NOISE
    return math.isclose(a, b, rel_tol=1e-3)
