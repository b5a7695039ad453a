"""What may follow from what: the list of rules. The contract is in `base.py`, one rule a file.

`threshold.py` and `support.py` are the two questions that several rules ask.
"""

from typing import Final

from ledger.rules import branches, citations, uniqueness, verdict, withholding
from ledger.rules.base import Proposal, Record, Rule

RULES: Final[tuple[Rule, ...]] = (
    citations.RULE,
    uniqueness.RULE,
    verdict.RULE,
    withholding.RULE,
    branches.RULE,
)

__all__ = ["RULES", "Proposal", "Record", "Rule", "reasons_against"]


def reasons_against(proposal: Proposal, record: Record) -> list[str]:
    """Every reason that any rule has against a proposal, each with its rule's name."""
    return [f"{rule.name}: {reason}" for rule in RULES for reason in rule.check(proposal, record)]
