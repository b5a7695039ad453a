"""Events of criteria: what is demanded, and what the evidence says of it."""

from collections.abc import Iterable
from typing import Any, Literal

from ledger import ids
from ledger.events.base import EntryHash, Event, Number, Operator, event

Threshold = bool | int | float | str
Status = Literal["DISCHARGED", "FALSIFIED"]


@event("criterion.declared", version=1, family="decided", stream="row/{criterion}")
class CriterionDeclared(Event):
    """A demand on a measured number: metric, operator, threshold, unit."""

    criterion: str
    """Name of the criterion; it is a row of the board."""
    title: str
    """What is demanded, in words."""
    metric: str
    """Name of the measured quantity, such as trace_distance_max."""
    operator: Operator
    """How the value must stand to the threshold."""
    threshold: Threshold
    """The number (or truth value, or text) to be met."""
    unit: str | None
    """Unit of metric and threshold; null only for a truth value or text."""
    blocking: bool
    """Whether shipping waits for it."""
    model: str | None
    """The model this row is listed under on the board, if any."""
    binding: dict[str, Any]
    """Conditions that evidence must match: fields of a measurement's key with their values."""

    def problems(self) -> Iterable[str]:
        """Names, units and operators that make sense together."""
        if not ids.is_id(self.criterion):
            yield f"criterion: {self.criterion!r} cannot name a row (letters, digits, . _ + -)"
        if not self.title.strip():
            yield "title: a criterion says in words what it demands"
        is_number = not isinstance(self.threshold, (bool, str))
        if is_number and not self.unit:
            yield "unit: a numeric threshold needs a unit (`count`, `ratio`, `nats`, …)"
        if not is_number and self.operator not in ("==", "!="):
            yield f"operator: {self.operator} needs a number; use == or != here"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The row exists from here on."""
        return ((f"criterion/{self.criterion}", "declared"),)


@event("verdict.given", version=1, family="decided", stream="row/{criterion}")
class VerdictGiven(Event):
    """What measured evidence says of a criterion. Computed by `ledger judge`, never typed."""

    criterion: str
    """The criterion that was judged."""
    status: Status
    """DISCHARGED when the evidence meets the threshold, FALSIFIED when it does not."""
    metric: str
    """The metric that was read."""
    value: Number | bool | str
    """Its value in the evidence."""
    operator: Operator
    """The operator in force."""
    threshold: Threshold
    """The threshold in force."""
    unit: str | None
    """The unit of both."""
    declaration: EntryHash
    """The declaration whose threshold was applied."""
    evidence: EntryHash
    """The measurement that was judged."""

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest verdict of the row."""
        return ((f"verdict/{self.criterion}", self.status),)
