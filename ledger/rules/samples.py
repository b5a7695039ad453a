"""Estimators need enough samples: pass@k takes at least k, and a control comes first.

Fewer samples than a criterion asks for make its verdict PROVISIONAL (`ledger.rules.verdict`); fewer
than the estimator itself needs make it none.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from ledger.entry import parse_hash
from ledger.events.artifact import PairCompared
from ledger.events.base import Event
from ledger.events.claim import ClaimTested
from ledger.events.criterion import VerdictGiven
from ledger.events.run import MeasurementTaken
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import event_at

#: A metric such as pass@10 (pass_at_10) is estimated from the samples drawn for one problem.
_OF_K = re.compile(r"(?:@|(?<![^_.-])pass_at_)(\d{1,9})$")

#: The measurements that an event goes by.
_GOES_BY: Final[dict[type[Event], Callable[[Any], tuple[str, ...]]]] = {
    VerdictGiven: lambda event: (event.evidence,),
    ClaimTested: lambda event: (event.evidence,),
    PairCompared: lambda event: (event.a, event.b),
}


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
    """Whatever a verdict, a test or a pair goes by was estimated from enough samples."""
    asked = _GOES_BY.get(type(proposal.event))
    for hash_ in asked(proposal.event) if asked else ():
        evidence = event_at(parse_hash(hash_), MeasurementTaken, record)
        if evidence is not None:
            yield from too_few(evidence)


RULE = Rule(name="samples", forbids="an estimator of k from fewer than k samples", check=check)
