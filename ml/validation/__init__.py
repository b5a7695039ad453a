"""The checks of a model file, one row each, in the order in which they are told."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from ml.containers import Container
from ml.conversion.source import open_source
from ml.validation import meaning, numbers, structure
from ml.validation.base import Check, Examined, Finding, NotApplicable, Progress, Row

#: What a file is refused for when it is opened, with the byte: one that is open has passed them.
ON_OPENING: Final = ("header", "bounds", "sizes", "overlaps", "unique_names")
#: (name, check) of those that need no number.
CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("tensors", structure.tensors),
    ("checksum", structure.checksum),
    ("alignment", structure.alignment),
    ("padding", structure.padding),
    ("agreement", structure.agreement),
    ("architecture", meaning.architecture),
    ("vocabulary", meaning.vocabulary),
    ("file_type", meaning.file_type),
)
#: Names of the checks that look at the numbers: each tensor is decoded once for all of them.
OF_NUMBERS: Final = ("finite", "nonzero", "decoded")

__all__ = ["CHECKS", "OF_NUMBERS", "ON_OPENING", "Finding", "Row", "validate"]


def validate(path: Path, progress: Progress | None = None) -> tuple[Container, list[Row]]:
    """Open a model file or a checkpoint's folder and check all of it.

    A row a finding, and one for each check that passed or had nothing to look at. Raises what
    opening raises: `MalformedFile`, with the byte, for a file that is not what its format says.
    """
    source = open_source(path)
    examined = Examined(container=source.container.inner, source=source)
    if progress is not None:
        examined.progress = progress
    rows = [Row(check=name, result="PASS", finding=Finding(detail="")) for name in ON_OPENING]
    rows += [row for name, check in CHECKS for row in _rows(name, partial(check, examined))]
    counted, unread = numbers.count(examined)
    of_numbers = (
        partial(numbers.nonfinite, counted),
        partial(numbers.zeros, counted),
        partial(numbers.unreadable, unread),
    )
    for name, bound in zip(OF_NUMBERS, of_numbers, strict=True):
        rows += _rows(name, bound)
    return examined.container, rows


def _rows(name: str, check: "partial[Iterator[Finding]]") -> list[Row]:
    try:
        found = list(check())
    except NotApplicable as reason:
        return [Row(check=name, result="SKIP", finding=Finding(detail=str(reason)))]
    if not found:
        return [Row(check=name, result="PASS", finding=Finding(detail=""))]
    return [Row(check=name, result="FAIL", finding=one) for one in found]
