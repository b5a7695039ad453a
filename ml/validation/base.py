"""The contract of a check of a model file: what it looks at, and what it says.

A check is given the opened file and yields findings: what is wrong, one a place. None means that
the check passed. Where it has nothing to look at it raises `NotApplicable`.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from attrs import define, field, frozen

from ml.containers import Container
from ml.conversion.source import Source

Result = Literal["PASS", "FAIL", "SKIP"]
Progress = Callable[[int, int], None]


class NotApplicable(Exception):
    """A check has nothing to look at in this file; the text says why."""


@frozen(kw_only=True)
class Finding:
    """One thing that is wrong."""

    detail: str
    where: str = ""
    """The tensor or key."""
    offset: int | None = None
    """Byte in the file; None where it is not one place."""


@define(kw_only=True)
class Examined:
    """An opened file, and what several checks need of it."""

    container: Container
    source: Source
    progress: Progress = field(default=lambda _done, _total: None)


Check = Callable[[Examined], Iterator[Finding]]


@frozen(kw_only=True)
class Row:
    """What a check says."""

    check: str
    result: Result
    finding: Finding
