"""What a run made is not what it was given: its output differs from its inputs."""

from collections.abc import Iterable

from ledger.events.artifact import ArtifactMade
from ledger.events.run import RunStarted
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The output's digest is no input's, no digest stands in two roles, none is left out."""
    event = proposal.event
    if not isinstance(event, ArtifactMade):
        return
    roles: dict[str, str] = {}
    for role, digest in sorted(event.inputs.items()):
        if digest == event.digest:
            yield f"its bytes are those of its input {role}: nothing was made"
        if digest in roles:
            yield f"{roles[digest]} and {role} are the same file"
        roles.setdefault(digest, role)
    started = record.standing(f"provenance/{event.run}")
    run = event_at(started[1], RunStarted, record) if started else None
    for role, digest in sorted(run.inputs.items()) if run else ():
        if event.inputs.get(role, digest) != digest:
            yield f"its input {role} is not the one that {event.run} was given"
        if digest == event.digest and role not in event.inputs:
            yield f"its bytes are those of {role}, which {event.run} was given: nothing was made"


RULE = Rule(name="outputs", forbids="an output that equals an input", check=check)
