"""The rows and constants of a file as the events that they would be."""

import graphlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ledger.contracts.base import Document, Located
from ledger.contracts.schema import Constant, ConstantOf, Evidence, Metadata, Quantity, Row
from ledger.events.contract import ConstantDeclared
from ledger.events.criterion import CriterionDeclared, Threshold

#: Where the file has what a field of `criterion.declared` says, if that is not under its own name.
PLACES: Final[Mapping[str, str]] = {
    "criterion": "name",
    "samples": "evidence.samples",
    "provenance": "evidence.provenance",
    "rests_on": "evidence.rests_on",
    "control_metric": "control.metric",
    "control_low": "control.low",
    "control_high": "control.high",
}
#: Fields of a row that may take a constant in place of a number.
QUANTITIES: Final = ("threshold", "noise", "control.low", "control.high")


def quantity(row: Row, field: str) -> object:
    """What one of `QUANTITIES` says: a value, a `ConstantOf`, or None."""
    first, _, rest = field.partition(".")
    value: object = getattr(row, first)
    return getattr(value, rest, None) if rest else value


def constants_of(document: Document) -> dict[str, Located[Constant]]:
    """The constants of a file by name; the first of two that have one name."""
    return {one.value.name: one for one in reversed(document.constants)}


def dangling(document: Document, row: Row) -> list[tuple[str, str]]:
    """(field, name) of each constant that a row uses and the file does not have."""
    known = constants_of(document)
    used = [(field, quantity(row, field)) for field in QUANTITIES]
    return [
        (field, asked.constant)
        for field, asked in used
        if isinstance(asked, ConstantOf) and asked.constant not in known
    ]


def is_whole(document: Document, row: Located[Row]) -> bool:
    """Whether nothing of a row is a stand-in, nor of a constant that it uses."""
    known = constants_of(document)
    used = [quantity(row.value, field) for field in QUANTITIES]
    names = [asked.constant for asked in used if isinstance(asked, ConstantOf)]
    return not row.stand_ins and all(name in known and not known[name].stand_ins for name in names)


def constant_event(constant: Constant) -> ConstantDeclared:
    """A constant as its event."""
    return ConstantDeclared(
        constant=constant.name,
        formula=constant.formula,
        value=constant.value,
        unit=constant.unit,
    )


def row_event(document: Document, row: Row) -> CriterionDeclared:
    """A row as its event, not yet set against the record; 1 for a constant that is not there."""
    known = {name: one.value.value for name, one in constants_of(document).items()}
    metadata = document.metadata.value if document.metadata else None
    evidence, control = row.evidence or Evidence(), row.control
    return CriterionDeclared(
        criterion=row.name,
        title=row.title,
        metric=row.metric,
        operator=row.operator,
        threshold=_threshold(row.threshold, known),
        unit=row.unit,
        blocking=row.blocking,
        model=row.model or (metadata.model if metadata else None),
        binding=row.binding,
        family=row.family,
        contract=version_name(metadata) if metadata else None,
        test=row.test,
        prediction=row.prediction,
        if_fails=row.if_fails,
        noise=_number(row.noise, known),
        samples=evidence.samples,
        provenance=evidence.provenance,
        rests_on=evidence.rests_on,
        control_metric=control.metric if control else None,
        control_low=_number(control.low, known) if control else None,
        control_high=_number(control.high, known) if control else None,
        requires=row.requires or None,
        aliases=row.aliases or None,
        stop_rule=row.stop_rule,
        supersedes=None,
        seen=None,
    )


def version_name(metadata: Metadata) -> str:
    """A version of a contract as rows name it: NAME@VERSION."""
    return f"{metadata.contract}@{metadata.version}"


def _number(value: Quantity | None, known: Mapping[str, int | float]) -> int | float | None:
    return known.get(value.constant, 1) if isinstance(value, ConstantOf) else value


def _threshold(value: Threshold | ConstantOf, known: Mapping[str, int | float]) -> Threshold:
    return known.get(value.constant, 1) if isinstance(value, ConstantOf) else value


def cycles_in(requires: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Circles of rows that require one another, each with its first row again at the end."""
    left = {row: list(others) for row, others in requires.items()}
    while True:
        try:
            graphlib.TopologicalSorter(left).prepare()
        except graphlib.CycleError as error:
            around: list[str] = list(reversed(error.args[1]))[:-1]
            first = around.index(min(around))
            yield [*around[first:], *around[:first], around[first]]
            for row in around:
                left.pop(row, None)
        else:
            return


def in_order(rows: Iterable[Located[Row]], unsound: Iterable[str]) -> Iterator[Located[Row]]:
    """Rows so that each comes after those it requires, else as in the file.

    A row that requires an unsound one or itself, over others too, is left out.
    """
    left = {one.value.name: one for one in rows}
    waiting = {*left, *unsound}
    while True:
        able = [name for name, one in left.items() if waiting.isdisjoint(one.value.requires)]
        if not able:
            return
        for name in able:
            yield left.pop(name)
        waiting.difference_update(able)
