"""An export that dies, or has no room: the name has a whole file, the old one, or none."""

import os
import subprocess
import sys

import pytest
from ledgers import HUMAN, note

from ledger.cli import run
from ledger.exporters import verify_export

#: Runs a command and dies right before the n-th change of a file.
_DIE = """
import os, sys
from pathlib import Path
left = [int(sys.argv[1])]
def counted(function):
    def call(*arguments, **keywords):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
        return function(*arguments, **keywords)
    return call
import ledger.exporters.target as target
for name in ("fsync", "rename", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
class Counting:
    def __init__(self, file): self._file = file
    write = counted(lambda self, data: self._file.write(data))
    def __getattr__(self, name): return getattr(self._file, name)
real = target.replacing
import contextlib
@contextlib.contextmanager
def replacing(place):
    with real(place) as file:
        yield Counting(file)
import ledger.cli.export as command
command.replacing = replacing
from ledger.cli import run
sys.exit(run(["export", "out.jsonl", "--force"]))
"""
_LIMIT = """
import resource, sys
from ledger.cli import run
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
sys.exit(run(sys.argv[2:]))
"""


def start(code, *words, cwd):
    """Run Python code as a process of its own."""
    environment = {**os.environ, "LEDGER_ACTOR": HUMAN}
    environment.pop("LEDGER_DIR", None)
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("existing", [None, b"the old one"])
def test_death_before_each_change(ledger, tmp_path, existing):
    """Wherever the process dies, a file of that name is whole, or the one that was there."""
    ledger.append([note("hello")])
    home = tmp_path / "lab"
    path = home / "out.jsonl"
    codes = []
    for calls in range(1, 30):
        if existing is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(existing)
        codes.append(start(_DIE, calls, cwd=home).returncode)
        if codes[-1] == 0:
            break
        if not path.exists():
            assert existing is None
        elif path.read_bytes() != existing:
            assert verify_export(path).entries == 2
    assert codes[-1] == 0
    assert set(codes[:-1]) == {9}
    assert len(codes) > 4
    assert verify_export(path).entries == 2


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.zst", "out.parquet"])
def test_no_room(ledger, tmp_path, monkeypatch, capsys, name):
    """A disk that takes only a part is a clear error; nothing of it stays."""
    home = tmp_path / "lab"
    monkeypatch.chdir(home)
    noise = [os.urandom(20_000).hex() for _ in range(5)]
    ledger.append([note(text) for text in noise])
    assert run(["query", "kinds"]) == 0  # the database is up to date: nothing else is written
    capsys.readouterr()
    before = set(home.iterdir())
    done = start(_LIMIT, 30_000, "export", name, cwd=home)
    assert done.returncode == 7, done.stderr
    assert "cannot write" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert set(home.iterdir()) == before
    assert start(_LIMIT, 10**9, "export", name, cwd=home).returncode == 0


def test_full_stdout(ledger, tmp_path):
    """Where stdout takes no more, the error says so."""
    ledger.append([note("x" * 50_000)])
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from ledger.cli import main; main()",
                "export",
                "-",
            ],
            cwd=tmp_path / "lab",
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 7
    assert "cannot write the answer: No space left" in done.stderr
    none = ["sh", "-c", '"$0" -c "from ledger.cli import main; main()" export - >&-']
    without = subprocess.run(
        [*none, sys.executable], cwd=tmp_path / "lab", capture_output=True, text=True, check=False
    )
    assert without.returncode == 7
    assert "there is no stdout" in without.stderr
    assert "Traceback" not in done.stderr
