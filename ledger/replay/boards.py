"""Published boards that are not the fold of the rows recorded before them."""

from collections.abc import Iterable
from typing import Final

from ledger.queries import find_query
from ledger.replay.base import Examined, Examiner
from ledger.replay.history import History


def examine(history: History) -> Iterable[Examined]:
    """Each published board; the query folds (see `ledger board --replay`)."""
    for row in find_query("board_replay").run(history.db, {}).objects():
        if row["agrees"]:
            continue
        published = (row["partial"], row["discharged"])
        folded = (row["folded_partial"], row["folded_discharged"])
        yield Examined(
            rule=EXAMINER.rule,
            severity="fault",
            subject=row["board"],
            events=(row["position"],),
            numbers={
                "published": {"partial": published[0], "discharged": published[1]},
                "folded": {"partial": folded[0], "discharged": folded[1]},
                "main": {"partial": row["main_partial"], "discharged": row["main_discharged"]},
            },
            message=f"published {published[0]} P and {published[1]} D; its rows fold to "
            f"{folded[0]} P and {folded[1]} D (`ledger board --replay` explains)",
        )


EXAMINER: Final = Examiner(
    rule="board-disagrees",
    finds="A published board that is not the fold of the rows recorded before it.",
    examine=examine,
)
