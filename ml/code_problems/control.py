"""What has a known score, run before anything is judged: right answers, and wrong ones.

A harness that fails right answers charges its own mistakes to the model; one that passes wrong ones
flatters it. So every canonical solution must pass, and every program that returns nothing must
fail. On the first problem, programs that end early or print a result must fail too.
"""

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from ml.code_problems.execution import Limits, Outcome, execute
from ml.code_problems.problems import Problem
from ml.errors import BadOption

#: By what they try: bodies that no harness may pass.
_CHEATS: Final = {
    "ends early with code 0": "import os\nos._exit(0)\n",
    "leaves quietly": "raise SystemExit(0)\n",
    "prints a result": 'print("passed:" + "0" * 64, flush=True)\nimport os\nos._exit(0)\n',
    "runs out of time": "while True:\n    pass\n",
}


@frozen(kw_only=True)
class Control:
    """What came of it."""

    problems: int
    canonical_passed: int
    broken_passed: int
    cheats_passed: tuple[str, ...]
    wrong: tuple[str, ...]
    """What went otherwise than it must, in words."""
    measures: tuple[str, ...]
    """By which the processes were cut off (`ml.code_problems.execution`)."""

    @property
    def holds(self) -> bool:
        """Right answers score 1, and wrong ones 0."""
        return not self.wrong


def control(
    problems: Sequence[Problem],
    limits: Limits,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Control:
    """Run the canonical solution of each problem, and a broken one; `BadOption` without one."""
    bare = [problem.task_id for problem in problems if problem.canonical_solution is None]
    if bare:
        raise BadOption(
            f"{len(bare)} problems have no canonical_solution, such as {bare[0]!r}",
            hint="give problems with known answers as --control",
        )
    canonical, broken, wrong = 0, 0, list[str]()
    outcome: Outcome | None = None
    for done, problem in enumerate(problems):
        progress(done, len(problems))
        outcome = execute(problem, problem.prompt + str(problem.canonical_solution), limits)
        canonical += outcome.result == "passed"
        if outcome.result != "passed":
            said = f"{outcome.result}, {outcome.reason}"
            wrong.append(f"{problem.task_id}: the canonical solution {said}")
        is_fooled = execute(problem, _broken(problem), limits).result == "passed"
        broken += is_fooled
        if is_fooled:
            wrong.append(f"{problem.task_id}: a program that returns nothing passed")
    cheats = _passing_cheats(problems[0], limits)
    wrong += [f"{problems[0].task_id}: a program that {cheat} passed" for cheat in cheats]
    return Control(
        problems=len(problems),
        canonical_passed=canonical,
        broken_passed=broken,
        cheats_passed=cheats,
        wrong=tuple(wrong),
        measures=() if outcome is None else outcome.measures,
    )


def _broken(problem: Problem) -> str:
    """A program whose entry point returns nothing, whatever it is given."""
    return f"def {problem.entry_point}(*_given, **_named):\n    return None\n"


def _passing_cheats(problem: Problem, limits: Limits) -> tuple[str, ...]:
    short = Limits(seconds=min(2.0, limits.seconds), cpu_seconds=limits.cpu_seconds)
    return tuple(
        name
        for name, body in _CHEATS.items()
        if execute(problem, problem.prompt + "    pass\n" + body, short).result == "passed"
    )
