"""The README is a program: its blocks run, and what they print is what it shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT, difference, read_blocks

README = ROOT / "README.md"
_MARK = "\x01 block "


def _steps():
    """(shell block, the output shown after it or None) for each block that is to be run."""
    blocks = read_blocks(README.read_text(encoding="utf-8"))
    steps = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.info == "sh":
            shown = following if following is not None and following.info == "text" else None
            steps.append((block, shown))
    return steps


def _script(steps):
    lines = ["set -euo pipefail", "exec 2>&1"]
    for number, (block, _) in enumerate(steps):
        lines += [f"printf '%s%d\\n' '{_MARK}' {number}", block.text]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each block printed, run in order by one shell in a folder that looks like the clone."""
    clone = tmp_path_factory.mktemp("readme") / "clone"
    (clone / ".venv").mkdir(parents=True)
    (clone / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (clone / "tests").mkdir()
    (clone / "tests/data").symlink_to(ROOT / "tests/data")
    hidden = ("LEDGER_ACTOR", "LEDGER_DIR")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    steps = _steps()
    ended = subprocess.run(
        ["bash", "-c", _script(steps)],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    printed = ended.stdout.split(_MARK)[1:]
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert len(printed) == len(steps)
    return [text.partition("\n")[2] for text in printed]


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", range(len(_steps())), ids=[f"line-{block.line}" for block, _ in _steps()]
)
def test_block_prints_what_is_shown(outputs, number):
    """Every block runs, and where an output is shown, it is the one that was printed."""
    _, shown = _steps()[number]
    if shown is not None:
        found = difference(shown.text, outputs[number])
        assert found is None, f"README.md, block after line {shown.line}:\n{found}"


def test_only_the_start_is_not_run():
    """A block that is not executed says so, and only the one that clones does."""
    blocks = read_blocks(README.read_text(encoding="utf-8"))
    assert {block.info for block in blocks} == {"sh", "sh no-run", "text"}
    (start,) = [block for block in blocks if block.info == "sh no-run"]
    assert "git clone" in start.text


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a  b\n", "a b\n"),
        ("1 sha256:ab…\n", "1 sha256:" + "c" * 64 + "\n"),
        ("a\n…\nc\n", "a\nb\nb\nc\n"),
        ("a …\n", "a b c\n"),
        ("3.92746e-06\n", "1.1e-06\n"),
        ("0.34049\n", "0.34050\n"),
        ("…/tour/spec: 12 written\n", "/a/tour/spec: 12 written\n"),
    ],
)
def test_difference_lets_pass(shown, printed):
    """What may vary is let through."""
    assert difference(shown, printed) is None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [("a\n", "b\n"), ("a\n", "a\nb\n"), ("a\nb\n", "a\n"), ("0.34\n", "0.35\n"), ("7\n", "8\n")],
)
def test_difference_finds(shown, printed):
    """What may not vary is found."""
    assert difference(shown, printed) is not None
