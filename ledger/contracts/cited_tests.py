"""Whether the test that a row names is there: a function in a file, or a command of `ledger`."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ledger.contracts.base import Document, Finding, Surroundings

NAME: Final = "tests"
#: A test as pytest names it; what stands in brackets is a case of it.
_TEST: Final = re.compile(r"(?P<file>[^\s:]+\.py)(?P<names>(?:::[A-Za-z_]\w*)*)(?:\[.*\])?")
_MAX_BYTES: Final = 4 * 1024 * 1024
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: What lies at the top of a project.
_TOPS: Final = ("pyproject.toml", ".git")


def project_of(file: Path) -> Path:
    """The project that a file is part of, else its folder: where its tests are named from."""
    here = file.resolve().parent
    tops = (folder for folder in (here, *here.parents) if any((folder / t).exists() for t in _TOPS))
    return next(tops, here)


def run(document: Document, around: Surroundings) -> Iterator[Finding]:
    """Every test that is not there."""
    for row in document.rows:
        problem = _problem(row.value.test, around)
        if problem is not None:
            yield document.finding(NAME, row.at("test"), f"{row.value.name}: {problem}")


def _problem(test: str, around: Surroundings) -> str | None:
    """Why a test is not there; None where it is, or where it is words."""
    named = _TEST.fullmatch(test.strip())
    if named is not None:
        root = around.tests
        return _missing(root, named["file"], named["names"].split("::")[1:]) if root else None
    if test.split()[:1] == ["ledger"] and around.find_command is not None:
        try:
            words = shlex.split(test)
        except ValueError as error:
            return f"`{test}` is no command: {error}"
        return around.find_command(words[1:])
    return None


def _missing(root: Path, file: str, names: list[str]) -> str | None:
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        return f"{file} lies outside of {root}"
    try:
        if path.stat().st_size > _MAX_BYTES:
            return f"{file} is too large to be looked into"
        body = ast.parse(path.read_bytes()).body
    except OSError:
        return f"there is no {file} (looked for in {root}; --tests names another folder)"
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return f"{file} is no Python"
    for name in names:
        found = [one for one in body if isinstance(one, _FUNCTIONS) and one.name == name]
        if not found:
            return f"there is no {'::'.join([file, *names])}"
        body = found[-1].body
    return None
