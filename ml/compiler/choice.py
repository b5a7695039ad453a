"""Choosing the C compiler: an explicit `CC`, else clang, else zig's clang through our front.

tinygrad reads `CC` once and remembers it, so the choice must be made before its CPU device compiles
anything; `choose` is called by `ml.devices` before the device is opened, and remembers its answer.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from attrs import frozen

from ml.compiler import front
from ml.errors import CompilerMissing

SCRIPT = "research-ledger-cc"


@frozen(kw_only=True)
class CompilerChoice:
    """The compiler of tinygrad's CPU device."""

    command: str
    """What tinygrad runs: one program, found on the PATH or by its path."""
    version: str
    """First line of what it says about its version, or `unknown`."""
    reason: str
    """Why this one."""


@cache
def choose() -> CompilerChoice:
    """Return the compiler, with `CC` set for tinygrad; raise `CompilerMissing` if there is none."""
    choice = _choose()
    # tinygrad keeps compiled kernels under their source alone. A cache a compiler, so that the
    # compiler a record names is the one that made the kernels; tinygrad reads this when imported.
    name = hashlib.sha256(f"{choice.command}\n{choice.version}".encode()).hexdigest()[:16]
    os.environ.setdefault("CACHEDB", str(Path(front.cache_directory()) / f"kernels-{name}.db"))
    return choice


def _choose() -> CompilerChoice:
    if explicit := os.environ.get("CC"):
        if shutil.which(explicit) is None:
            raise CompilerMissing(
                f"CC={explicit} names no program that can be run",
                hint="tinygrad runs CC as one program, without arguments: "
                "unset CC, or set it to the path of clang",
            )
        return CompilerChoice(command=explicit, version=_version(explicit), reason="CC is set")
    if shutil.which("clang"):
        return CompilerChoice(command="clang", version=_version("clang"), reason="clang is on PATH")
    zig = front.find_zig()
    if zig is None:
        raise CompilerMissing(
            "tinygrad's CPU device needs clang, and neither clang nor the package ziglang is here",
            hint="install clang, or: pip install 'research-ledger[cpu]'",
        )
    command = _front_command()
    os.environ["CC"] = command
    version = "zig " + _run([zig, "version"])
    return CompilerChoice(
        command=command, version=version, reason="no clang on PATH; zig's clang stands in"
    )


def _front_command() -> str:
    """Return a program that runs `ml.compiler.front`: the console script, or a launcher like it."""
    script = Path(sys.executable).parent / SCRIPT
    if script.is_file() and os.access(script, os.X_OK):
        return str(script)
    return str(write_launcher(Path(front.cache_directory())))


def write_launcher(directory: Path) -> Path:
    """Write an executable that runs front.py with this Python, and return it.

    For source trees that are on the path without having been installed. Its name holds the digest
    of its text, so that two trees or two Pythons never overwrite one another's.
    """
    text = f'#!/bin/sh\nexec "{sys.executable}" "{Path(front.__file__).resolve()}" "$@"\n'
    path = directory / f"{SCRIPT}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if not path.is_file():
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        scratch.write_text(text)
        scratch.chmod(0o700)
        scratch.replace(path)  # atomic: a second process sees no launcher or a whole one
    return path


def _version(command: str) -> str:
    return _run([command, "--version"])


def _run(arguments: list[str]) -> str:
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return next(iter(done.stdout.splitlines()), "").strip() or "unknown"
