"""Events of criteria: what is demanded, and what the evidence says of it."""

from collections.abc import Iterable
from typing import Any, Literal

from ledger import ids
from ledger.events.base import EntryHash, Event, Number, Operator, Provenance, event

Threshold = bool | int | float | str
#: What a verdict can say. PROVISIONAL: met, but from fewer samples than the criterion asks for.
Status = Literal["DISCHARGED", "FALSIFIED", "PROVISIONAL"]
#: What kind of row it is (SEED: criteria, falsifiers, gates, invariants).
RowFamily = Literal["criterion", "falsifier", "gate", "invariant"]
_ORDERED = ("<=", ">=", "<", ">")

#: Fields that version 2 of `criterion.declared` added, and of `verdict.given`.
_TERMS = (
    "family", "contract", "test", "prediction", "if_fails", "noise", "samples", "provenance",
    "rests_on", "control_metric", "control_low", "control_high", "requires", "aliases",
    "stop_rule", "supersedes", "seen",
)  # fmt: skip
_CIRCUMSTANCES = ("noise", "samples", "interval", "control", "seen")


def _with_terms(body: dict[str, Any]) -> dict[str, Any]:
    """A declaration of version 1 said nothing of these."""
    return body | dict.fromkeys(_TERMS)


def _with_circumstances(body: dict[str, Any]) -> dict[str, Any]:
    """A verdict of version 1 knew none of these."""
    return body | dict.fromkeys(_CIRCUMSTANCES)


@event(
    "criterion.declared",
    version=2,
    family="decided",
    stream="row/{criterion}",
    upcasts=(_with_terms,),
)
class CriterionDeclared(Event):
    """A demand on a measured number: metric, operator, threshold, unit, and on what terms."""

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
    family: RowFamily | None
    """What kind of row it is; null is a criterion."""
    contract: str | None
    """The contract that declares it, as NAME@VERSION."""
    test: str | None
    """How it is tested: a command, or the name of a test."""
    prediction: str | None
    """What the test shows where the demand is met."""
    if_fails: str | None
    """What follows where it is not."""
    noise: int | float | None
    """Noise allowance in the unit of the threshold: a value so far on the wrong side is taken."""
    samples: int | None
    """Samples (the measurement's key `n`) below which a verdict is PROVISIONAL."""
    provenance: tuple[Provenance, ...] | None
    """Provenances that evidence may have; null is measured and derived."""
    rests_on: tuple[str, ...] | None
    """Kinds of event of which the evidence must cite one each, such as comparison.made."""
    control_metric: str | None
    """A known score of this metric is reached first, by the harness of the evidence."""
    control_low: int | float | None
    """The least that the known score can be."""
    control_high: int | float | None
    """The most that it can be."""
    requires: tuple[str, ...] | None
    """Rows that must be DISCHARGED before this one can be."""
    aliases: tuple[str, ...] | None
    """Other names of the same row."""
    stop_rule: dict[str, Any] | None
    """When measuring ends, stated before it began."""
    supersedes: EntryHash | None
    """The declaration of this row that is in force until this one."""
    seen: EntryHash | None
    """A result on record that meets this demand and not the one before: verdicts are post hoc."""

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
        yield from self._term_problems(is_ordered=is_number and self.operator in _ORDERED)

    def _term_problems(self, *, is_ordered: bool) -> Iterable[str]:
        if self.noise is not None and not is_ordered:
            yield "noise: an allowance needs <=, >=, < or > and a number"
        if self.noise is not None and self.noise < 0:
            yield f"noise: {self.noise} is negative"
        if self.samples is not None and self.samples < 1:
            yield f"samples: {self.samples} is no number of samples"
        if self.provenance is not None and not set(self.provenance) <= {"measured", "derived"}:
            yield "provenance: only measured and derived numbers can carry a verdict"
        for field in ("requires", "aliases"):
            for name in getattr(self, field) or ():
                if not ids.is_id(name) or name == self.criterion:
                    yield f"{field}: {name!r} cannot be named here"
        if self.seen is not None and self.supersedes is None:
            yield "seen: only a demand that takes the place of another can be post hoc"
        control = (self.control_metric, self.control_low, self.control_high)
        if None in control and control != (None, None, None):
            yield "control_metric, control_low, control_high: all of them, or none"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The row exists from here on; its demand is the one that counts unless it is post hoc."""
        yield (f"criterion/{self.criterion}", "declared" if self.seen is None else "post hoc")
        if self.seen is None:
            yield (f"demand/{self.criterion}", self.operator)
        for alias in self.aliases or ():
            yield (f"alias/{alias}", self.criterion)

    def listings(self) -> Iterable[str]:
        """A row of its model; the rows that wait for it."""
        if self.model is not None:
            yield f"rows/{self.model}"
        for row in self.requires or ():
            yield f"required_by/{row}"


@event(
    "verdict.given",
    version=2,
    family="decided",
    stream="row/{criterion}",
    upcasts=(_with_circumstances,),
)
class VerdictGiven(Event):
    """What measured evidence says of a criterion. Computed by `ledger judge`, never typed."""

    criterion: str
    """The criterion that was judged."""
    status: Status
    """DISCHARGED when the evidence meets the threshold, FALSIFIED when it does not, PROVISIONAL
    when it does with too few samples."""
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
    noise: int | float | None
    """The noise allowance that was applied."""
    samples: int | None
    """Samples behind the value; null where the evidence does not say."""
    interval: tuple[int | float, ...] | None
    """95 % interval of a share of n samples (Wilson), low and high; null for any other value."""
    control: EntryHash | None
    """The control measurement that came first; null where none was asked for."""
    seen: EntryHash | None
    """The result that was on record before the threshold moved; null where the verdict is sound."""

    def problems(self) -> Iterable[str]:
        """An interval has two ends."""
        if self.interval is not None and len(self.interval) != 2:
            yield f"interval: {len(self.interval)} numbers; it has a low and a high end"

    @property
    def room(self) -> str:
        """Where its standing is kept: a post hoc one beside the row's, never in its place."""
        return "verdict" if self.seen is None else "post_hoc"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest verdict of the row."""
        return ((f"{self.room}/{self.criterion}", self.status),)
