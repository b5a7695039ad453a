"""Candidates: what a model writes behind a prompt, or what a file of samples holds.

A file has an object a line, `{"task_id": "small/0", "completion": "    return 2 * x\\n"}`, as for
HumanEval; so any program that writes text can be judged. `solution` in place of `completion` is a
whole program. A completion of ours ends where the function does: at the first line that begins
something else on the outermost level (Chen et al. 2021 stop at the same words).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from ml.code_problems.problems import Problem, ProblemSet, objects, read_bytes
from ml.containers.base import legible
from ml.errors import BadOption, MalformedFile

STOPS: Final = ("\nclass ", "\ndef ", "\n#", "\nif ", "\nprint(", "\n@", "\nimport ", "\nfrom ")
_HINT: Final = "write a JSON object a line: task_id, and completion or solution"
#: Whole programs by problem, in the order in which they were drawn.
Samples = Mapping[str, Sequence[str]]


@frozen(kw_only=True)
class SampleSet:
    """The samples of a file."""

    samples: Samples
    sha256: str
    """Of the file, in hex."""


def program_of(problem: Problem, completion: str) -> str:
    """Return the program of a completion: the prompt, and what was written up to a stop.

    >>> from ml.code_problems.problems import Problem
    >>> problem = Problem(task_id="a", prompt="def f():\\n", entry_point="f", test="assert f()",
    ...     canonical_solution=None, has_check=False)
    >>> program_of(problem, "    return 1\\n\\ndef g(): pass")
    'def f():\\n    return 1\\n'
    """
    places = [at for at in map(completion.find, STOPS) if at >= 0]
    return problem.prompt + completion[: min(places, default=len(completion))]


def draw(
    problems: Sequence[Problem],
    n: int,
    complete: Callable[[Problem, int], str],
    progress: Callable[[int, int], None],
) -> Samples:
    """Return n programs a problem; `complete(problem, i)` is the i-th completion of it."""
    found: dict[str, list[str]] = {}
    for done, problem in enumerate(problems):
        found[problem.task_id] = []
        for i in range(n):
            progress(done * n + i, n * len(problems))
            found[problem.task_id].append(program_of(problem, complete(problem, i)))
    return found


def read_samples(path: Path, problems: ProblemSet) -> SampleSet:
    """Read a file of samples; each problem must have as many as every other.

    Raises `FileUnreadable`, `MalformedFile` with the byte where the line begins that is wrong, or
    `BadOption` where problems have no samples, or not all of them as many.
    """
    data, known = read_bytes(path), {problem.task_id: problem for problem in problems.problems}
    found: dict[str, list[str]] = {task: [] for task in known}
    for offset, line in objects(path, data, _HINT):
        task, solution = line.get("task_id"), line.get("solution")
        completion = line.get("completion")
        if not isinstance(task, str) or task not in known:
            raise _malformed(path, offset, f"task_id {str(task)[:80]!r} is no problem")
        if isinstance(solution, str) == isinstance(completion, str):
            raise _malformed(path, offset, "has not one text of completion and solution")
        text = solution if isinstance(solution, str) else known[task].prompt + str(completion)
        found[task].append(text)
    _check_even(found, path)
    return SampleSet(samples=found, sha256=hashlib.sha256(data).hexdigest())


def _check_even(found: Samples, path: Path) -> None:
    counts = {len(programs) for programs in found.values()}
    if 0 in counts or len(counts) > 1:
        fewest = min(found, key=lambda task: len(found[task]))
        raise BadOption(
            f"{path.name} has {len(found[fewest])} samples of {fewest!r}, and up to {max(counts)} "
            "of others",
            hint="draw as many samples of each problem: an estimate over some of them is another",
        )


def _malformed(path: Path, offset: int, message: str) -> MalformedFile:
    return MalformedFile(legible(message), path=path, offset=offset, hint=_HINT)
