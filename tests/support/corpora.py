"""Small folders of Python files, made up by a seed, and corpora of them."""

import random
from pathlib import Path

from ml.corpus.base import Folder, Settings
from ml.corpus.building import build

_WORDS = ["row", "cell", "cut", "fold", "read", "write", "seal", "place", "count", "width", "shard"]


def silent(_step, _done, _total):
    """Progress that nobody looks at."""


def program(seed, functions=12):
    """Source text of some functions; another seed, another text."""
    draw = random.Random(seed)  # noqa: S311 - texts of tests
    lines = [f'"""Part {seed}: {" ".join(draw.choices(_WORDS, k=5))}."""', ""]
    for number in range(functions):
        a, b, c, d = (draw.choice(_WORDS) + str(draw.randrange(40)) for _ in range(4))
        lines += [f"def {a}_{number}({b}, {c}={draw.randrange(1000)}):"]
        lines += [f"    {d} = {b} * {draw.randrange(100)} + {c}"]
        lines += [f"    return [{d} // {draw.randrange(1, 50)}, {c!r}, {b}]", ""]
    return "\n".join(lines)


def write_packages(folder, count=12, files=2, functions=12):
    """Write packages `p0`, `p1` … of some files each; returns the folder."""
    for package in range(count):
        for number in range(files):
            path = folder / f"p{package}" / f"part{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(program(f"{package}.{number}", functions))
    return folder


def settings_of(folder, **changes):
    """Settings for a small corpus of one folder, by a tokenizer of 400."""
    given = {"vocabulary": 400, "held_out": 0.2, "window": 33}
    source = Folder(path=Path(folder), name="src", licence="MIT")
    return Settings(folders=[source], **(given | changes))


def small_corpus(tmp_path, **changes):
    """A corpus of made-up packages; returns what was built."""
    source = write_packages(tmp_path / "src")
    return build(settings_of(source, **changes), tmp_path / "corpus", silent)
