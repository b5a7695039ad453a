"""Published boards that are not the fold of the rows recorded before them, and the rows why."""

from collections.abc import Iterable
from typing import Final

from ledger.commands.board import Replayed, replay
from ledger.queries import find_query
from ledger.replay.base import Examined, Examiner
from ledger.replay.history import History


def examine(history: History) -> Iterable[Examined]:
    """Each published board, as `ledger board --replay` folds and explains it."""
    for board in replay(find_query("board_replay").run(history.db, {})):
        if not board.agrees:
            yield _finding(board)


def _finding(board: Replayed) -> Examined:
    explained = board.explained_by
    partial, discharged = board.published
    folded_partial, folded_discharged = board.folded
    return Examined(
        rule=EXAMINER.rule,
        severity="fault",
        subject=board.board,
        events=tuple(dict.fromkeys((board.position, *(each.position for each in explained)))),
        numbers={
            "published": {"partial": partial, "discharged": discharged, "total": board.total},
            "folded": {"partial": folded_partial, "discharged": folded_discharged},
            "folded_main": dict(zip(("partial", "discharged"), board.folded_main, strict=True)),
            "explained_by": [{"row": each.row, "why": each.why} for each in explained],
        },
        message=f"published {partial} P and {discharged} D; its rows fold to {folded_partial} P "
        f"and {folded_discharged} D (`ledger board --replay` explains)",
    )


EXAMINER: Final = Examiner(
    rule="board-disagrees",
    finds="A published board that is not the fold of the rows recorded before it.",
    examine=examine,
)
