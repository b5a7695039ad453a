"""A constant is what its formula gives, in the unit that the formula gives it in.

17.21 was once called ln of a vocabulary; it is its log2, in bits.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any, Final

from ledger.events.contract import ConstantDeclared
from ledger.rules.base import Proposal, Record, Rule

_FUNCTIONS: Final[dict[str, Callable[..., float]]] = {
    "ln": math.log, "log2": math.log2, "log10": math.log10, "exp": math.exp, "sqrt": math.sqrt,
}  # fmt: skip
_OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow, ast.USub: operator.neg,
}  # fmt: skip
#: Units of what a logarithm of a count is.
_UNITS: Final = {"ln": "nats", "log2": "bits", "log10": "dits"}
#: A value may be written with so few digits.
_RELATIVE: Final = 5e-4
_MAX_LENGTH: Final = 200


class _NotInGrammarError(ValueError):
    """Something that cannot stand in a formula."""


def compute(formula: str) -> float:
    """The value of a formula of numbers, + - * / **, ln, log2, log10, exp and sqrt.

    Raises `ValueError` with the reason.
    """
    if len(formula) > _MAX_LENGTH:
        raise ValueError(f"a formula has at most {_MAX_LENGTH} characters")
    try:
        tree = ast.parse(formula, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{formula!r} is no formula") from error
    try:
        value = float(_value(tree))
    except _NotInGrammarError:
        raise
    except (ArithmeticError, ValueError, TypeError) as error:
        raise ValueError(f"{formula!r} has no value") from error
    if not math.isfinite(value):
        raise ValueError(f"{formula!r} is not finite")
    return value


def _value(node: ast.expr) -> Any:  # noqa: ANN401 - int or float
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(argument))
    raise _NotInGrammarError(f"{ast.unparse(node)!r} cannot stand in a formula")


def check(proposal: Proposal, record: Record) -> Iterable[str]:  # noqa: ARG001 - it is all in the event
    """The value is the formula's to the digits given, and the unit its logarithm's."""
    constant = proposal.event
    if not isinstance(constant, ConstantDeclared):
        return
    try:
        wanted = compute(constant.formula)
    except ValueError as error:
        yield str(error)
        return
    unit = _unit(ast.parse(constant.formula, mode="eval").body)
    if unit is not None and unit != constant.unit:
        yield f"{constant.formula} is in {unit}, not {constant.unit}"
    is_count = isinstance(constant.value, int) and wanted.is_integer()
    relative = 0.0 if is_count else _RELATIVE
    if not math.isclose(constant.value, wanted, rel_tol=relative):
        found = _digits(wanted, exact=is_count)
        yield f"{constant.formula} is {found}, not {constant.value}{_meant(constant)}"


def _digits(value: float, *, exact: bool) -> str:
    return str(int(value)) if exact else f"{value:.6g}"


def _unit(node: ast.expr) -> str | None:
    """The unit of a logarithm, or of a sum or multiple of some; None where the formula has none."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return _UNITS.get(name)
        case ast.UnaryOp():
            return _unit(node.operand)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            units = {_unit(node.left), _unit(node.right)}
            return units.pop() if len(units) == 1 else None
        case ast.BinOp(op=ast.Mult()):
            units = {_unit(node.left), _unit(node.right)} - {None}
            return units.pop() if len(units) == 1 else None
        case ast.BinOp(op=ast.Div()) if _unit(node.right) is None:
            return _unit(node.left)
    return None


def _meant(constant: ConstantDeclared) -> str:
    """Which other logarithm of the same argument has this value, if one has."""
    name, _, rest = constant.formula.partition("(")
    for other, unit in _UNITS.items():
        if name.strip() in _UNITS and other != name.strip():
            try:
                found = compute(f"{other}({rest}")
            except ValueError:
                continue
            if math.isclose(constant.value, found, rel_tol=_RELATIVE):
                return f"; that is {other}({rest} in {unit}"
    return ""


RULE = Rule(name="constants", forbids="a constant that its formula does not give", check=check)
