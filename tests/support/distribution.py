"""The distribution: building it as a user's pip does, and running what was installed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


class Installed:
    """The wheel in an environment of its own, with the dependencies of this one."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.python = self.bin / "python"

    def run(self, *words, cwd, path=(), program="ledger", **environment):
        """Run a console script as a user would, in `cwd`, with `path` first in PYTHONPATH."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LEDGER_", "PYTHON")) and name != "VIRTUAL_ENV"
        }
        if path:
            kept["PYTHONPATH"] = os.pathsep.join(map(str, path))
        return subprocess.run(
            [self.bin / program, *words],
            cwd=cwd,
            env=kept | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def build(source: Path, out: Path) -> Path:
    """Build the wheel of a source tree with its own backend; without isolation where it is here."""
    isolation = ["--no-build-isolation", "--no-index"] if find_spec("hatchling") else []
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*command, "--no-deps", *isolation, "--wheel-dir", out, source], check=True, timeout=300
    )
    (wheel,) = out.glob("*.whl")
    return wheel
