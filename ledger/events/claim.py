"""Events of claims: what is held to be true, what was tried against it, and over what."""

from collections.abc import Iterable
from typing import Any, Literal

from ledger import ids
from ledger.events.base import EntryHash, Event, Number, Operator, event
from ledger.events.criterion import Threshold

#: What a test says of a claim.
Outcome = Literal["SURVIVED", "REFUTED"]


def _with_premise(body: dict[str, Any]) -> dict[str, Any]:
    """A claim of version 1 was about one thing, and said nothing of a commit or an end."""
    return body | dict.fromkeys(("over", "commit", "expires_at"))


def _name_problems(field: str, name: str, what: str) -> Iterable[str]:
    if not ids.is_id(name):
        yield f"{field}: {name!r} cannot name {what} (letters, digits, . _ + -)"


@event(
    "claim.stated", version=2, family="decided", stream="claim/{claim}", upcasts=(_with_premise,)
)
class ClaimStated(Event):
    """A claim in words, before it was tested. What it cites are its premises."""

    claim: str
    """Name of the claim, such as H-LAYER3-FFN."""
    text: str
    """The claim in one sentence."""
    prediction: str | None
    """What a test would show if the claim held; stated before the test."""
    over: str | None
    """The set that it speaks of, such as corpora-tried; null where it is about one thing."""
    commit: str | None
    """The commit it was seen to hold at; null where no code is involved."""
    expires_at: int | None
    """Microseconds UTC after which it must be tested again to be rested on; null for never."""

    def problems(self) -> Iterable[str]:
        """A claim has a name that can be a stream, and says something."""
        yield from _name_problems("claim", self.claim, "a claim")
        if not self.text.strip():
            yield "text: a claim needs words"
        if self.over is not None:
            yield from _name_problems("over", self.over, "a set")

    def standings(self) -> Iterable[tuple[str, str]]:
        """The claim exists from here on; until it was tested, nothing is known of it."""
        yield (f"claim/{self.claim}", "stated")
        yield (f"fate/{self.claim}", "UNKNOWN")

    def listings(self) -> Iterable[str]:
        """A claim over a set."""
        return () if self.over is None else (f"claims_over/{self.over}",)


@event("claim.tested", version=1, family="decided", stream="claim/{claim}")
class ClaimTested(Event):
    """An attempt to refute a claim, by a measured number. The outcome follows from it."""

    claim: str
    """The claim."""
    member: str | None
    """The member of its set that was tested; null for a claim about one thing."""
    metric: str
    """The metric that was read."""
    operator: Operator
    """How the value must stand to the threshold where the claim holds."""
    threshold: Threshold
    """The number, truth value or text that it is held against."""
    unit: str | None
    """Unit of both; null only for a truth value or text."""
    value: Number | bool | str
    """The value in the evidence."""
    outcome: Outcome
    """SURVIVED where the value stands so, REFUTED where it does not."""
    evidence: EntryHash
    """The measurement."""
    other_way: EntryHash | None
    """A measurement on which the same test comes out the other way: it shows that it can."""
    commit: str | None
    """The commit it was tested at."""
    expires_at: int | None
    """Microseconds UTC after which it must be tested again to be rested on; null for never."""

    def problems(self) -> Iterable[str]:
        """Names and units that make sense together."""
        yield from _name_problems("claim", self.claim, "a claim")
        is_number = not isinstance(self.threshold, (bool, str))
        if is_number and not self.unit:
            yield "unit: a numeric threshold needs a unit (`count`, `ratio`, `nats`, …)"
        if not is_number and self.operator not in ("==", "!="):
            yield f"operator: {self.operator} needs a number; use == or != here"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The fate of the claim. One member of a set refutes it, but does not make it survive."""
        if self.member is None or self.outcome == "REFUTED":
            yield (f"fate/{self.claim}", self.outcome)

    def listings(self) -> Iterable[str]:
        """One of the attempts."""
        return (f"tests/{self.claim}",)


@event("member.added", version=1, family="decided", stream="ledger")
class MemberAdded(Event):
    """A set that claims speak of has a new member: what was said of all of them is open again."""

    set: str
    """Name of the set."""
    member: str
    """Name of the member."""
    title: str
    """What it is, in words."""

    def problems(self) -> Iterable[str]:
        """Names that can be told apart."""
        yield from _name_problems("set", self.set, "a set")
        yield from _name_problems("member", self.member, "a member")

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest member of the set, and that it is one."""
        yield (f"set/{self.set}", self.member)
        yield (f"member/{self.set}/{self.member}", "added")

    def listings(self) -> Iterable[str]:
        """All members of the set."""
        return (f"set/{self.set}",)


@event("edge.stated", version=1, family="decided", stream="ledger")
class EdgeStated(Event):
    """One thing blocks, discharges or causes another: a hypothesis, and the claim that says so."""

    edge: str
    """Name of the edge."""
    from_name: str
    """Where it begins: a row or a claim."""
    relation: Literal["blocks", "discharges", "causes", "supports"]
    """What it says."""
    to_name: str
    """Where it ends: a row or a claim."""
    claim: str
    """The claim that says so; its fate is the verdict on the edge."""

    def problems(self) -> Iterable[str]:
        """An edge joins two things."""
        yield from _name_problems("edge", self.edge, "an edge")
        if self.from_name == self.to_name:
            yield f"to_name: an edge from {self.from_name} to itself says nothing"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The edge exists."""
        return ((f"edge/{self.edge}", self.relation),)

    def listings(self) -> Iterable[str]:
        """Where it can be followed from."""
        return (f"edges/{self.from_name}",)
