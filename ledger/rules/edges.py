"""An edge is a hypothesis: it names the claim whose fate is its verdict, and closes no circle."""

from collections.abc import Iterable

from ledger.events.claim import EdgeStated
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import claim_fate, event_at, is_refuted
from ledger.statuses import FALLEN_FATES


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """No edge leads back to where it begins along edges of its relation."""
    edge = proposal.event
    if not isinstance(edge, EdgeStated):
        return
    path = _path(edge.to_name, edge.from_name, edge.relation, record)
    if path:
        yield f"a circle: {edge.from_name} {edge.relation} {' → '.join(path)}"


def _path(start: str, goal: str, relation: str, record: Record) -> list[str]:
    """The names on a way from `start` to `goal`, both included; empty where there is none."""
    before: dict[str, str | None] = {start: None}
    queue = [start]
    for name in queue:
        if name == goal:
            way = [name]
            while (back := before[way[-1]]) is not None:
                way.append(back)
            return way[::-1]
        for hash_, _ in record.listed(f"edges/{name}"):
            edge = event_at(hash_, EdgeStated, record)
            if edge is None or is_refuted(hash_, record):
                continue
            if claim_fate(edge.claim, record) in FALLEN_FATES:
                continue  # what was refuted holds nothing up
            if edge.relation == relation and edge.to_name not in before:
                before[edge.to_name] = name
                queue.append(edge.to_name)
    return []


RULE = Rule(name="edges", forbids="a circle of things that wait for each other", check=check)
