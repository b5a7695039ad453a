"""How one demand stands to another: the questions asked where one takes the place of another."""

from typing import Any, Final

from ledger import canonical
from ledger.events.criterion import CriterionDeclared
from ledger.rules.verdict import bound

#: Which way a threshold moves where it asks less.
_LAXER: Final = {">=": -1, ">": -1, "<=": 1, "<": 1}
_SUBJECT: Final = ("metric", "unit", "binding")
_CARRIES: Final = ("measured", "derived")


def other_subject(new: CriterionDeclared, old: CriterionDeclared) -> list[str]:
    """The fields in which two demands speak of different things."""
    return [name for name in _SUBJECT if _encoded(new, name) != _encoded(old, name)]


def asks_less(new: CriterionDeclared, old: CriterionDeclared) -> list[str]:
    """The fields in which one demand asks less than another about the same thing."""
    found = ["threshold"] if _is_threshold_laxer(new, old) else []
    if (new.samples or 0) < (old.samples or 0):
        found.append("samples")
    if not set(new.provenance or _CARRIES) <= set(old.provenance or _CARRIES):
        found.append("provenance")
    for name in ("rests_on", "requires"):
        if not set(getattr(new, name) or ()) >= set(getattr(old, name) or ()):
            found.append(name)
    if old.control_metric is not None and not _is_control_kept(new, old):
        found.append("control_metric")
    return found


def _is_threshold_laxer(new: CriterionDeclared, old: CriterionDeclared) -> bool:
    a, b = bound(new), bound(old)
    way = _LAXER.get(old.operator)
    if new.operator != old.operator or way is None:
        return (new.operator, a) != (old.operator, b)
    if isinstance(a, (bool, str)) or isinstance(b, (bool, str)):
        return a != b
    return (a - b) * way > 0


def _is_control_kept(new: CriterionDeclared, old: CriterionDeclared) -> bool:
    if new.control_metric != old.control_metric:
        return False
    low, high = new.control_low, new.control_high
    if low is None or high is None or old.control_low is None or old.control_high is None:
        return False
    return low >= old.control_low and high <= old.control_high


def _encoded(criterion: CriterionDeclared, name: str) -> Any:  # noqa: ANN401 - bytes
    return canonical.encode(getattr(criterion, name))
