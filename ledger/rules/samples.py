"""Estimators need enough samples: pass@k takes at least k, and a control comes first.

Fewer samples than a criterion asks for make its verdict PROVISIONAL (`ledger.rules.verdict`); fewer
than the estimator itself needs make it none.
"""

import re
from collections.abc import Iterable

from ledger.entry import parse_hash
from ledger.events.criterion import VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at

#: A metric such as pass@10 is estimated from the samples drawn for one problem.
_OF_K = re.compile(r"@(\d{1,9})$")


def too_few(evidence: MeasurementTaken) -> Iterable[str]:
    """Why a metric of k cannot have been estimated; `samples_each` of the key is n."""
    found = _OF_K.search(evidence.metric)
    if found is None or int(found[1]) <= 1:
        return
    each = evidence.key.get("samples_each")
    if not isinstance(each, int) or isinstance(each, bool) or each < int(found[1]):
        yield (
            f"{evidence.metric} needs at least {found[1]} samples of each problem; the key says "
            f"samples_each = {each}"
        )


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """The evidence of a verdict was estimated from enough samples."""
    verdict = proposal.event
    if isinstance(verdict, VerdictGiven):
        evidence = event_at(parse_hash(verdict.evidence), MeasurementTaken, record)
        if evidence is not None:
            yield from too_few(evidence)


RULE = Rule(name="samples", forbids="an estimator of k from fewer than k samples", check=check)
