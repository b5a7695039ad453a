"""The demo, run for real, and its output with everything volatile replaced.

`python tests/support/transcript.py` writes the golden file anew; read its diff before keeping it.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from documents import ROOT

GOLDEN = ROOT / "tests/transcripts/demo.txt"
LEDGER = Path(sys.executable).with_name("ledger")
#: What differs from run to run and from machine to machine, and what stands in its place.
_VOLATILE = (
    (re.compile(r"sha256:[0-9a-f]{6,64}…?"), "sha256:…"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "…"),
    (re.compile(r"Done in \d+ s"), "Done in N s"),
    (re.compile(r"Change byte \d+ "), "Change byte N "),
    (re.compile(r"\((numpy|tinygrad) [\w.+-]+\)"), r"(\1 VERSION)"),
)


class Demo(NamedTuple):
    """A demo that was run: where, how it ended, how long it took, what it printed."""

    folder: Path
    code: int
    seconds: float
    text: str


def environment() -> dict[str, str]:
    """The environment without anything that would steer a command."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}


def run_demo(folder: Path) -> Demo:
    """Run `ledger demo FOLDER`, from a folder that is not the clone."""
    import time

    folder.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    ended = subprocess.run(
        [LEDGER, "demo", folder],
        cwd=folder.parent,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return Demo(folder, ended.returncode, time.monotonic() - started, ended.stdout)


def normalise(text: str, folder: Path) -> str:
    """The text without paths, hashes, times and versions; the width of columns is left."""
    text = text.replace(str(folder), "DEMO").replace(str(ROOT / "tests/data"), "DATA")
    for pattern, stand_in in _VOLATILE:
        text = pattern.sub(stand_in, text)
    return text


def main() -> None:
    """Write the golden file from a run."""
    with tempfile.TemporaryDirectory() as folder:
        demo = run_demo(Path(folder).resolve() / "demo")
    if demo.code:
        sys.exit(demo.text)
    text = normalise(demo.text, demo.folder)
    GOLDEN.write_text("".join(f"{line.rstrip()}\n" for line in text.splitlines()), encoding="utf-8")


if __name__ == "__main__":
    main()
