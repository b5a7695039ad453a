"""Thresholds: how a value stands to a demand. The only place that compares the two."""

import math
import operator
from collections.abc import Callable
from typing import Any, Final

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
_NOT_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def holds(value: object, operator_: str, threshold: object) -> bool:
    """Whether `value operator threshold`.

    A value that is not a number meets no numeric threshold, not even `!=`; infinities neither,
    since a count or loss that overflowed says nothing. Truth values are never numbers here.
    """
    if isinstance(threshold, (bool, str)):
        same_type = isinstance(value, type(threshold))
        return same_type and _OPERATORS[operator_](value, threshold)
    number = _NOT_FINITE.get(value) if isinstance(value, str) else value
    if (
        isinstance(number, bool)
        or not isinstance(number, (int, float))
        or not math.isfinite(number)
    ):
        return False
    return _OPERATORS[operator_](number, threshold)


def is_comparable(value: object, threshold: object) -> bool:
    """Whether the two are of one sort: a truth value, a text, or a finite number each.

    A value of another sort meets no threshold, but that does not show that a value could miss it.
    """
    if isinstance(threshold, (bool, str)):
        return isinstance(value, type(threshold))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(float(str(value)))


def is_same(stated: object, wanted: object) -> bool:
    """Whether two values are equal, where true is not 1."""
    return stated == wanted and isinstance(stated, bool) == isinstance(wanted, bool)
