"""How often text that people wrote shows the signs of `ml.generation.quality`: false alarms.

    python tests/bench/text_signs.py [FILES]

Windows of the standard library's source, and of its docstrings; beside them texts that are broken
on purpose, which the signs are for.
"""

import ast
import random
import sys
import sysconfig
from collections import Counter
from pathlib import Path

from ml.generation.quality import signs

WINDOWS = (400, 2000)


def library(most: int) -> tuple[list[str], list[str]]:
    """Sources and docstrings of the standard library's modules."""
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:most]
    sources = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    docstrings = []
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                docstrings.append(ast.get_docstring(node) or "")
    return sources, [text for text in docstrings if len(text) >= WINDOWS[0]]


def windows(texts: list[str], size: int) -> list[str]:
    """Texts cut into pieces of one size."""
    return [text[at : at + size] for text in texts for at in range(0, len(text) - size + 1, size)]


def broken(size: int) -> dict[str, str]:
    """Texts with one fault each."""
    draw = random.Random(1)  # noqa: S311 - the same texts every time
    words = ["the", "model", "reads", "a", "token", "and", "writes", "another", "behind", "it"]
    return {
        "one word for ever": ("again " * size)[:size],
        "a sentence for ever": ("I do not know what you mean. " * size)[:size],
        "random bytes": bytes(draw.randrange(256) for _ in range(size)).decode(errors="replace"),
        "random characters": "".join(chr(draw.randrange(0x100, 0x3000)) for _ in range(size)),
        "a loop at the end": " ".join(draw.choices(words, k=size // 12)) + "\nyes, so yes" * 20,
    }


def main() -> None:
    """Print the table."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sources, docstrings = library(most)
    print("text                 size  windows  with a sign  share")
    for name, texts in (("source", sources), ("docstrings", docstrings)):
        for size in WINDOWS:
            pieces = windows(texts, size)
            found = [signs(piece) for piece in pieces]
            alarms = sum(bool(each) for each in found)
            share = alarms / max(1, len(pieces))
            print(f"{name:20} {size:5} {len(pieces):8} {alarms:12} {share:6.3%}")
            print("    ", dict(Counter(sign.name for each in found for sign in each)))
    for size in WINDOWS:
        for name, text in broken(size).items():
            shown = ", ".join(sign.name for sign in signs(text)) or "NOTHING"
            print(f"{name:20} {size:5}   {shown}")


if __name__ == "__main__":
    main()
