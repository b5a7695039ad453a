"""Golden output: the model says what it said when its golden file was made.

The file may come from another packing of the model; the reason then says so. A token that differs
where the choice was no more than rounding (a near tie) ends its case and is no difference.
"""

from typing import Final

from attrs import asdict

from ml.generation import open_generator
from ml.generation.golden import hold_against, read_golden
from ml.quality.gates.base import Gate, Measured, NotRun, Subject


def _measure(subject: Subject) -> Measured:
    if subject.golden is None:
        raise NotRun("no golden file was given (--golden)")
    golden = read_golden(subject.golden)
    with open_generator(subject.model, **asdict(subject.settings)) as generator:
        outcomes = [
            hold_against(
                case,
                generator.generate(case.prompt, max_tokens=len(case.ids)),
                golden.tolerance,
            )
            for case in golden.cases
        ]
    differing = [i for i, one in enumerate(outcomes) if one.verdict == "differs"]
    ties = sum(one.verdict == "near tie" for one in outcomes)
    tokens = sum(one.tokens for one in outcomes)
    reason = f"{len(outcomes)} cases, {tokens} tokens the same, {ties} part at a near tie"
    if differing:
        first = outcomes[differing[0]]
        reason += f"; case {differing[0]} differs at token {first.step}"
    if golden.model != subject.model.container.digest():
        reason += "; made with another file"
    return Measured(value=float(len(differing)), reason=reason, n=len(outcomes))


GOLDEN_OUTPUT: Final = Gate(
    name="golden-output",
    metric="qa_golden_differences",
    unit="count",
    operator="at most",
    threshold=lambda _subject: 0.0,
    measure=_measure,
)
