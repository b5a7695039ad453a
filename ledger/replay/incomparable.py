"""Comparisons of two sides that were not taken alike."""

from collections.abc import Iterable
from typing import Any, Final

from ledger.replay.base import Examined, Examiner, Statement
from ledger.replay.history import History

#: A field of a comparison that ends so belongs to one side …
SIDES: Final = ("_a", "_b")
#: … and must be equal on both. Any other pair is what was compared.
CONDITIONS: Final = (
    "scope",
    "capture",
    "bias",
    "stage",
    "shape",
    "count",
    "elements",
    "tokens",
    "vocabulary",
    "sequence_length",
    "tokenizer",
    "unit",
)


def examine(history: History) -> Iterable[Examined]:
    """Each comparison, condition by condition."""
    for said in history.of("comparison.reported"):
        stated = {**said.body["rest"], **said.body["numbers"], **said.body}
        apart = {
            name: pair
            for name in CONDITIONS
            if (pair := tuple(stated.get(name + side) for side in SIDES))
            and None not in pair
            and pair[0] != pair[1]
        }
        if apart:
            yield _finding(said, apart)


def _finding(said: Statement, apart: dict[str, tuple[Any, ...]]) -> Examined:
    words = "; ".join(f"{name} {pair[0]} against {pair[1]}" for name, pair in apart.items())
    return Examined(
        rule=EXAMINER.rule,
        severity="fault",
        subject=said.subject,
        events=(said.position,),
        numbers={"fields": list(apart), **{name: list(pair) for name, pair in apart.items()}},
        message=f"not comparable: {words}",
    )


EXAMINER: Final = Examiner(
    rule="incomparable/comparison",
    finds="A comparison of two sides with unequal scope, capture point, count or shape.",
    examine=examine,
)
