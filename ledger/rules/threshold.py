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
