"""A branch counts on the main line once somebody says so, of entries that are there."""

from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.branch import BranchImported, BranchMerged
from ledger.rules.base import Proposal, Record, Rule


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """A merge cites an entry of its branch; an import is what `ledger merge` does."""
    event = proposal.event
    if isinstance(event, BranchImported):
        yield "it is recorded with the entries themselves, by `ledger merge` or `ledger import`"
    if not isinstance(event, BranchMerged):
        return
    if proposal.branch is not None:
        yield f"it is recorded on the main line, not on branch {proposal.branch}"
    if event.head not in proposal.cites:
        yield "it cites the head of the branch"
    found = record.read(parse_hash(event.head))
    if found is None:
        return  # the rule on citations says so
    entry, position = found
    branch = record.branch_at(position) or entry.branch
    if branch != event.name:
        where = f"on branch {branch}" if branch else "on the main line"
        yield f"{event.head[:19]}… at position {position} is {where}, not on {event.name}"


RULE = Rule(
    name="branches", forbids="merging a branch without its head, importing by hand", check=check
)
