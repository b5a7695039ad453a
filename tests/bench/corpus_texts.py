"""Copies of the standard library with tokens changed by a seed, to be a corpus of any size.

Copy n of a file has each of its words and signs replaced, with a probability that the copy draws
for it (0, .2, 1, 5 or 20 %), by a word of the same library. So there are exact copies, near
duplicates, and files that are something else, in packages of their own.
"""

import random
import re
import sysconfig
from pathlib import Path

_TOKENS = re.compile(r"(\w+|[^\w\s])")
SHARES = (0.0, 0.002, 0.01, 0.05, 0.2)


def library_files() -> list[tuple[str, str]]:
    """(Path below the library, text) of each file that is UTF-8; tests are left out."""
    root = Path(sysconfig.get_path("stdlib"))
    left_out = {"site-packages", "test", "tests", "idle_test", "__pycache__"}
    found = []
    for path in sorted(root.rglob("*.py")):
        below = path.relative_to(root)
        if not left_out & set(below.parts):
            try:
                found.append((str(below), path.read_bytes().decode()))
            except UnicodeDecodeError:
                continue
    return found


def mutated(text: str, share: float, words: list[str], draw: random.Random) -> str:
    """The text with a share of its tokens replaced by drawn words."""
    parts = _TOKENS.split(text)
    count = len(parts) // 2
    for _ in range(round(share * count)):
        parts[2 * draw.randrange(count) + 1] = draw.choice(words)
    return "".join(parts)


def write_copies(folder: Path, size_bytes: int, seed: int = 42) -> int:
    """Write the library and copies of it into a folder until it has so many bytes; how many."""
    draw = random.Random(seed)  # noqa: S311 - texts for a measurement
    files = library_files()
    words = sorted({w for _, text in files[::10] for w in _TOKENS.findall(text) if w[0].isalpha()})
    written, copy = 0, 0
    while written < size_bytes:
        for below, text in files:
            share = draw.choice(SHARES) if copy else 0.0
            content = (mutated(text, share, words, draw) if share else text).encode()
            top, _, rest = below.partition("/")
            name = f"{top.removesuffix('.py')}_{copy}"
            path = folder / name / rest if rest else folder / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written += len(content)
            if written >= size_bytes:
                break
        copy += 1
    return written
