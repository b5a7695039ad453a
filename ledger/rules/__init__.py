"""What may follow from what: the list of rules. The contract is in `base.py`, one rule a file.

`threshold.py`, `support.py`, `standing.py` and `demands.py` are the questions that several rules
ask; `needs.py` is what the moves of rows and claims rest on.
"""

from typing import Final

from ledger.rules import (
    attempts,
    branches,
    citations,
    comparability,
    constants,
    control,
    edges,
    marks,
    moves,
    names,
    no_change,
    outputs,
    pairs,
    post_hoc,
    premises,
    provenance,
    publication,
    refutation,
    requirements,
    samples,
    sections,
    uniqueness,
    verdict,
    withholding,
)
from ledger.rules.base import Facts, Proposal, Record, Rule

RULES: Final[tuple[Rule, ...]] = (
    citations.RULE,
    names.RULE,
    uniqueness.RULE,
    comparability.RULE,
    provenance.RULE,
    samples.RULE,
    control.RULE,
    verdict.RULE,
    requirements.RULE,
    no_change.RULE,
    post_hoc.RULE,
    premises.RULE,
    refutation.RULE,
    attempts.RULE,
    moves.RULE,
    marks.RULE,
    edges.RULE,
    pairs.RULE,
    outputs.RULE,
    constants.RULE,
    publication.RULE,
    sections.RULE,
    withholding.RULE,
    branches.RULE,
)

__all__ = ["RULES", "Facts", "Proposal", "Record", "Rule", "reasons_against"]


def reasons_against(proposal: Proposal, record: Record) -> list[str]:
    """Every reason that any rule has against a proposal, each with its rule's name."""
    return [f"{rule.name}: {reason}" for rule in RULES for reason in rule.check(proposal, record)]
