"""Metadata: what the file says of itself is there, and agrees with its tensors."""

from typing import Final

from ml.conversion.source import open_source
from ml.quality.gates.base import Gate, Measured, Subject, shown
from ml.validation import CHECKS, Finding, Row
from ml.validation.base import Examined, NotApplicable

#: Checks of `ml.validation` that look at metadata.
_LOOKED_AT: Final = ("agreement", "architecture", "vocabulary", "file_type")
#: Keys without which nobody can say what a model is.
NEEDED: Final = ("general.architecture", "general.name")


def _measure(subject: Subject) -> Measured:
    container = subject.model.container
    needed = NEEDED if container.format.startswith("gguf") else NEEDED[:1]
    missing = [
        f"{key} is missing or empty"
        for key in (*needed, *subject.required_keys)
        if container.metadata.get(key) in (None, "")
    ]
    rows = _rows(subject)
    wrong = missing + [f"{row.check}: {row.finding.detail}" for row in rows]
    return Measured(
        value=float(len(wrong)),
        reason=shown(wrong) or "keys, architecture and vocabulary agree with the tensors",
    )


def _rows(subject: Subject) -> list[Row]:
    """What the checks of metadata find wrong."""
    source = open_source(subject.path)
    examined = Examined(container=source.container.inner, source=source)
    found: list[Row] = []
    for name, check in CHECKS:
        if name not in _LOOKED_AT:
            continue
        try:
            findings: list[Finding] = list(check(examined))
        except NotApplicable:
            continue
        found += [Row(check=name, result="FAIL", finding=finding) for finding in findings]
    return found


METADATA: Final = Gate(
    name="metadata",
    metric="qa_metadata_problems",
    unit="count",
    operator="at most",
    threshold=lambda _subject: 0.0,
    measure=_measure,
)
