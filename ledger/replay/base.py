"""What an examiner is, and the reported history as it sees it.

An examiner reads numbers, names, days, versions and edges of what others reported. It never reads
prose (titles, texts, reasons, summaries) and never how a run is said to have ended, so that a
history whose words are blanked and whose names are changed gives the same findings.

*Before* means an earlier day, or on one day a version that was registered earlier. Where neither
says, the order is undetermined: two statements of one day are never held against one another.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

if TYPE_CHECKING:
    from ledger.replay.history import History

#: `fault`: the numbers contradict what was stated. `suspect`: they do not support it.
#: `undetermined`: it would be one of both if the order were known.
Severity = Literal["fault", "suspect", "undetermined"]


@attrs.frozen(slots=True, kw_only=True)
class Examined:
    """One finding: by which rule, about what, from which entries (positions), which numbers."""

    rule: str
    severity: Severity
    subject: str
    events: tuple[int, ...]
    numbers: Mapping[str, Any]
    message: str


@attrs.frozen(slots=True, kw_only=True)
class Statement:
    """One reported statement. Names of a merged ledger are qualified by its origin (`name`)."""

    position: int
    hash: str
    kind: str
    whose: str
    branch: str | None
    """Null on the main line, and once its branch counts there."""
    body: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What it is about, by the name its authors used."""
        return self.whose + str(self.body["subject"])

    @property
    def day(self) -> str | None:
        """Day of the statement, YYYY-MM-DD."""
        return self.body["said_on"]  # type: ignore[no-any-return]

    @property
    def version(self) -> str | None:
        """Version of the document at the time."""
        return self.body["spec_version"]  # type: ignore[no-any-return]

    def name(self, field: str) -> str | None:
        """A field that holds a name, qualified; null where it is not stated."""
        value = self.body.get(field)
        return None if value is None else self.whose + str(value)

    def number(self, field: str) -> float | None:
        """A field that holds a number, or null."""
        return as_number(self.body.get(field))


def as_number(value: object) -> float | None:
    """A value that is a number; null for truth values, text and nothing."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)


@attrs.frozen(slots=True, kw_only=True)
class Examiner:
    """One examiner: the rule it finds breaches of, what that is in a sentence, its function."""

    rule: str
    finds: str
    examine: Callable[["History"], Iterable[Examined]]
