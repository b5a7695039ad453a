"""The project keeps a ledger of its own; it is held to what the project demands of others."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEDGER = Path(sys.executable).with_name("ledger")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A copy of what is committed: journal, blobs and settings, without the views."""
    home = tmp_path_factory.mktemp("own")
    for name in ("ledger.toml", "journal", "blobs"):
        source = ROOT / ".ledger" / name
        copy = home / ".ledger" / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    return home


def ask(own, *words):
    """Run a command on the copy."""
    return subprocess.run(
        [LEDGER, *words, "--ledger", own], capture_output=True, text=True, check=False
    )


def test_own_ledger_audits_clean(own):
    """Integrity is sound, and every verdict of the project is supported."""
    answer = ask(own, "audit")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "every verdict of this ledger is supported" in answer.stderr
    assert "CUDA-PARITY-f16 is DISCHARGED" in answer.stdout


def test_committed_documents_are_what_it_says(own):
    """spec/ is, byte for byte, what the ledger says at the manifest's checkpoint."""
    answer = ask(own, "render", "--check", "--out", ROOT / "spec")
    assert answer.returncode == 0, answer.stdout + answer.stderr
