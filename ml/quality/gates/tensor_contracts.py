"""Tensor contracts: every check of `ml.validation`: shapes, bounds, padding, finite numbers."""

from typing import Final

from ml.quality.gates.base import Gate, Measured, Subject, shown
from ml.validation import validate


def _measure(subject: Subject) -> Measured:
    _, rows = validate(subject.path)
    wrong = [
        f"{row.check}: {row.finding.where} {row.finding.detail}".strip()
        for row in rows
        if row.result == "FAIL"
    ]
    looked = sum(row.result != "SKIP" for row in rows)
    return Measured(
        value=float(len(wrong)), reason=shown(wrong) or f"{looked} checks passed", n=looked
    )


TENSOR_CONTRACTS: Final = Gate(
    name="tensor-contracts",
    metric="qa_tensor_problems",
    unit="count",
    operator="at most",
    threshold=lambda _subject: 0.0,
    measure=_measure,
)
