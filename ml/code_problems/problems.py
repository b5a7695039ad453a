"""Problems: a prompt, an entry point and tests, a JSON object a line.

    {"task_id": "small/0", "prompt": "def double(x):\\n", "entry_point": "double",
     "canonical_solution": "    return 2 * x\\n", "test": "def check(candidate):\\n    assert …\\n"}

The names are HumanEval's, so its file can be read as it is. A candidate is the prompt and what a
model wrote behind it. `test` either defines `check`, which is called with the entry point, or holds
the assertions itself. A file is hostile input: nothing of it is run here.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from ml.containers.base import legible, map_file
from ml.errors import MalformedFile

#: Bytes of a file, and lines of one.
LARGEST_FILE: Final = 64 << 20
MOST_LINES: Final = 100_000
_HINT: Final = "write a JSON object a line: task_id, prompt, entry_point, test, canonical_solution"
_TEXTS: Final = ("task_id", "prompt", "entry_point", "test")


@frozen(kw_only=True)
class Problem:
    """One problem."""

    task_id: str
    prompt: str = field(repr=False)
    entry_point: str
    test: str = field(repr=False)
    canonical_solution: str | None = field(repr=False)
    """What stands behind the prompt in a right answer; None where the file has none."""
    has_check: bool
    """The tests define `check`, and it is to be called."""


@frozen(kw_only=True)
class ProblemSet:
    """The problems of a file."""

    problems: tuple[Problem, ...] = field(repr=False)
    sha256: str
    """Of the file, in hex."""


def read_problems(path: Path) -> ProblemSet:
    """Read a file of problems.

    Raises `FileUnreadable`, or `MalformedFile` with the byte where the line begins that is wrong.
    """
    data = read_bytes(path)
    found: dict[str, Problem] = {}
    for offset, line in objects(path, data, _HINT):
        problem = _problem(path, offset, line)
        if problem.task_id in found:
            raise _malformed(path, offset, f"{problem.task_id!r} stands twice")
        found[problem.task_id] = problem
    if not found:
        raise _malformed(path, 0, "has no problems")
    return ProblemSet(problems=tuple(found.values()), sha256=hashlib.sha256(data).hexdigest())


def read_bytes(path: Path) -> bytes:
    """Return a file of JSON lines; raise `FileUnreadable`, or `MalformedFile` over the limit."""
    mapped = map_file(path)
    if len(mapped) > LARGEST_FILE:
        raise _malformed(path, LARGEST_FILE, f"has {len(mapped)} bytes, over the limit")
    return mapped[:]


def objects(path: Path, data: bytes, hint: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (offset, object) of each line that is not blank; raise `MalformedFile`."""
    offset = count = 0
    for line in data.split(b"\n"):
        if line.strip():
            count += 1
            if count > MOST_LINES:
                raise _malformed(path, offset, f"has more than {MOST_LINES} lines", hint)
            yield offset, _object(path, offset, line, hint)
        offset += len(line) + 1


def _object(path: Path, offset: int, line: bytes, hint: str) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _malformed(path, offset, f"is no JSON: {error}", hint) from None
    if not isinstance(found, dict):
        raise _malformed(path, offset, "is no JSON object", hint)
    return found


def _problem(path: Path, offset: int, line: dict[str, Any]) -> Problem:
    for name in _TEXTS:
        if not isinstance(line.get(name), str) or not line[name]:
            raise _malformed(path, offset, f"{name} is not text")
    solution = line.get("canonical_solution")
    if solution is not None and not isinstance(solution, str):
        raise _malformed(path, offset, "canonical_solution is not text")
    if not line["entry_point"].isidentifier():
        raise _malformed(path, offset, f"entry_point {line['entry_point']!r} is no name")
    return Problem(
        task_id=line["task_id"],
        prompt=line["prompt"],
        entry_point=line["entry_point"],
        test=line["test"],
        canonical_solution=solution,
        has_check=_defines_check(path, offset, line["test"]),
    )


def _defines_check(path: Path, offset: int, test: str) -> bool:
    """Whether the tests define `check`; they must be Python, and must hold an assertion."""
    try:
        tree = ast.parse(test)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _malformed(path, offset, f"test is no Python: {error}") from None
    return any(isinstance(one, ast.FunctionDef) and one.name == "check" for one in tree.body)


def _malformed(path: Path, offset: int, message: str, hint: str = _HINT) -> MalformedFile:
    return MalformedFile(legible(message), path=path, offset=offset, hint=hint)
