"""Samples to outcomes to pass@k, with 95 % intervals over problems.

Problems are what is drawn from some larger set of problems, so they are what is drawn again: the
interval of a mean over problems is a bootstrap's. With one sample a problem, pass@1 is a share of
problems, and its interval is Wilson's, which holds at 0 and 1 and for few problems too.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from attrs import frozen

from ml.code_problems.estimator import pass_at_k
from ml.code_problems.execution import Limits, Outcome, execute
from ml.code_problems.problems import Problem
from ml.code_problems.samples import Samples
from ml.quality import intervals


@frozen(kw_only=True)
class Estimate:
    """pass@k over all problems."""

    k: int
    value: float
    interval: intervals.Interval | None
    interval_by: str
    """Wilson, or bootstrap over problems."""


@frozen(kw_only=True)
class Scores:
    """What came of the samples of a set of problems."""

    n: int
    """Samples a problem."""
    right: dict[str, int]
    """Samples that passed, by problem."""
    results: dict[str, int]
    """How many samples passed, failed, timed out, died."""
    firsts: dict[str, Outcome]
    """Of each problem, the outcome of its first sample."""

    def estimate(self, k: int) -> Estimate:
        """Return pass@k; raise `BadOption` for fewer than k samples a problem."""
        each = np.array([pass_at_k(self.n, c, k) for c in self.right.values()])
        value = float(each.mean())
        if self.n == 1:
            found = intervals.wilson(sum(self.right.values()), len(each))
            return Estimate(k=k, value=value, interval=found, interval_by="Wilson")
        return Estimate(
            k=k,
            value=value,
            interval=intervals.of_mean(each, np.ones_like(each)),
            interval_by="bootstrap over problems",
        )


def score(
    problems: Sequence[Problem],
    samples: Samples,
    limits: Limits,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Scores:
    """Run every sample with the tests of its problem, so many at a time."""
    work = [(problem, program) for problem in problems for program in samples[problem.task_id]]
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for outcome in pool.map(lambda one: execute(one[0], one[1], limits), work):
            outcomes.append(outcome)
            progress(len(outcomes), len(work))
    right = {problem.task_id: 0 for problem in problems}
    firsts: dict[str, Outcome] = {}
    for (problem, _), outcome in zip(work, outcomes, strict=True):
        right[problem.task_id] += outcome.result == "passed"
        firsts.setdefault(problem.task_id, outcome)
    counted = Counter(outcome.result for outcome in outcomes)
    return Scores(
        n=len(work) // len(problems),
        right=right,
        results={result: counted[result] for result in sorted(counted)},
        firsts=firsts,
    )
