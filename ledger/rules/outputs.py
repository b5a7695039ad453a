"""What a run made is not what it was given: its output differs from its inputs."""

from collections.abc import Iterable

from ledger.events.artifact import ArtifactMade
from ledger.rules.base import Proposal, Record, Rule


def check(proposal: Proposal, record: Record) -> Iterable[str]:  # noqa: ARG001 - it is all in the event
    """The output's digest is no input's, and no digest stands in two roles."""
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


RULE = Rule(name="outputs", forbids="an output that equals an input", check=check)
