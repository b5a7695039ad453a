"""Format parity: the same model in another file goes the same way, step by step.

Both are given the same tokens (teacher forcing), so one difference does not make all that follow it
different. At each of at least 64 steps the likeliest token must be the same; where it is not, the
step is a near tie if the cosine of the two rows of logits is .98 or more, and counts as agreement.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.quality.gates.base import Gate, Measured, NotRun, Subject
from ml.quality.likelihood import likeliest, pieces, scored_logits
from ml.quality.passages import Cut, passages
from ml.quality.settings import open_scorer
from ml.quality.vocabularies import check_one_vocabulary

FEWEST_STEPS: Final = 64
NEAR_TIE_COSINE: Final = 0.98


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine of each pair of rows; NaN where a row is nothing but zeros."""
    left, right = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        norms = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
        return np.asarray((left * right).sum(axis=1) / norms)


def _measure(subject: Subject) -> Measured:
    if subject.other is None:
        raise NotRun("no other file of this model was given (--other)")
    steps = len(subject.ids) - 1
    if steps < FEWEST_STEPS:
        raise NotRun(f"{steps} steps, and {FEWEST_STEPS} are needed: give a longer text")
    ours = open_scorer(subject.path, subject.settings)
    theirs = open_scorer(subject.other, subject.settings)
    check_one_vocabulary(ours.model, theirs.model)
    vocabulary = ours.model.config.vocabulary
    context = min(ours.model.config.context_length, theirs.model.config.context_length, 512)
    decided = ties = scored = 0
    first = ""
    for passage in passages(len(subject.ids), Cut(context=context, stride=max(1, context // 2))):
        for one in (ours, theirs):
            one.scorer.read(subject.ids[passage.begin : passage.end])
        for begin, end in pieces(passage, 2 * vocabulary):
            a, b = (scored_logits(one.scorer, passage, begin, end) for one in (ours, theirs))
            differs = likeliest(a) != likeliest(b)
            is_near = cosines(a, b) >= NEAR_TIE_COSINE
            decided += int((differs & ~is_near).sum())
            ties += int((differs & is_near).sum())
            scored += end - begin
            if not first and (differs & ~is_near).any():
                first = f", the first at token {begin + int((differs & ~is_near).argmax())}"
    reason = f"{scored} steps: {decided} decided otherwise{first}, {ties} near ties"
    return Measured(value=float(decided), reason=reason, n=scored)


FORMAT_PARITY: Final = Gate(
    name="format-parity",
    metric="qa_format_disagreements",
    unit="count",
    operator="at most",
    threshold=lambda _subject: 0.0,
    measure=_measure,
)
