"""Published boards replayed: where one disagrees with the fold of its rows, the rows that say why.

A board that disagrees is explained against the board before it. What was published moved by so many
rows, the verdicts in between moved the fold by so many; the rest is explained by reading as few of
these verdicts as possible otherwise than the fold does (`READINGS`), or by another base. What was
explained once stays in the explanation of later boards until one agrees or counts on from another
base. Only numbers, names as such, and positions are looked at.

Over one board, `partial` and `discharged` of all explanations add up to published less folded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from ledger.commands.readings import Tally, Verdict, less, plus, read_otherwise, undone
from ledger.queries import Table

Row = Mapping[str, Any]

#: Every reason, in words.
WHY: Final = {
    "branch_row_again": "counted on its branch before, counted again as it reached the main line",
    "repeated": "the row had this status before, and was counted again",
    "never_partial": "taken off PARTIAL as it was discharged, where it had never been",
    "not_counted": "the verdict was not counted",
    "still_counted": "left its count, and was counted on",
    "not_moved": "moved from one count to the other, and was left where it was",
    "counted_twice": "moved from one count to the other, and was left in the first, too",
    "stale_base": "lost: a later board was counted on from one before this verdict",
    "delta_not_given": "what was published moved by more or less than the rows in between give",
    "total_is_no_sum": "the published total is not the sum of the published counts",
    "branch_before_main": "counted on a branch before it reached the main line",
}


@attrs.frozen(slots=True, kw_only=True)
class Explanation:
    """One row that explains a difference; the row is null where no row could be named."""

    row: str | None
    position: int
    status: str | None
    branch: str | None
    why: str
    board: str
    """The board that the difference came in with."""
    partial: int = 0
    """What it adds to published less folded."""
    discharged: int = 0

    def to_object(self) -> dict[str, Any]:
        """As --json prints it."""
        return {**attrs.asdict(self), "words": WHY[self.why]}


@attrs.frozen(slots=True, kw_only=True)
class Replayed:
    """A published board beside both folds."""

    board: str
    position: int
    published: Tally
    total: int | None
    folded: Tally
    folded_main: Tally
    agrees: bool
    explained_by: tuple[Explanation, ...]

    def to_object(self) -> dict[str, Any]:
        """As --json prints it."""
        return {
            "id": self.board,
            "agrees": self.agrees,
            "published": _tally(self.published, self.total),
            "folded": _tally(self.folded, sum(self.folded)),
            "folded_main": _tally(self.folded_main, sum(self.folded_main)),
            "explained_by": [each.to_object() for each in self.explained_by],
        }


def _tally(counts: Tally, total: int | None) -> dict[str, int | None]:
    return {"partial": counts[0], "discharged": counts[1], "total": total}


def replay(found: Table) -> list[Replayed]:
    """Every published board of the answer of query `board_replay`, in order."""
    history: dict[str, list[_Known]] = {}
    return [_replayed(row, history.setdefault(row["origin"], [])) for row in found.objects()]


@attrs.frozen(slots=True)
class _Known:
    """A board that was replayed: what was published, what came in before it, and why it differs."""

    published: Tally
    verdicts: tuple[Verdict, ...]
    differences: tuple[Explanation, ...]


def _replayed(row: Row, earlier: list[_Known]) -> Replayed:
    """One board, after the earlier ones of its origin; joins them."""
    name, position = row["board"], row["position"]
    published = (row["partial"], row["discharged"])
    folded = (row["folded_partial"], row["folded_discharged"])
    verdicts = tuple(Verdict(**fields) for fields in row["verdicts"])
    differences: tuple[Explanation, ...] = ()
    if published != folded:
        differences = tuple(_differences(name, position, published, folded, verdicts, earlier))
    earlier.append(_Known(published, verdicts, differences))
    reasons = list(differences)
    if row["total"] not in (None, sum(published)):
        reasons.append(_note("total_is_no_sum", name, position=position))
    reasons += [_note("branch_before_main", name, **fields) for fields in row["branch_rows"]]
    return Replayed(
        board=name,
        position=position,
        published=published,
        total=row["total"],
        folded=folded,
        folded_main=(row["main_partial"], row["main_discharged"]),
        agrees=row["agrees"],
        explained_by=tuple(reasons),
    )


def _differences(
    board: str,
    position: int,
    published: Tally,
    folded: Tally,
    verdicts: Sequence[Verdict],
    earlier: Sequence[_Known],
) -> Iterator[Explanation]:
    """What adds up to published less folded, in the order in which it came in."""
    kept: Sequence[Explanation] = earlier[-1].differences if earlier else ()
    rest = less(less(published, folded), _sum(kept))
    read = read_otherwise(verdicts, rest)
    if read is None and (right := _put_right(kept, rest)) is not None:
        kept, read = [each for each in kept if each is not right], []
    if read is None and (base := _other_base(published, verdicts, earlier)) is not None:
        kept = (
            *earlier[base].differences,
            *(
                _explain("stale_base", board, verdict, undone(verdict))
                for known in earlier[base + 1 :]
                for verdict in known.verdicts
                if verdict.move != (0, 0)
            ),
        )
        read = []
    yield from kept
    if read is not None:
        yield from (
            _explain(each.why, board, verdict, each.adds(verdict)) for each, verdict in read
        )
        return
    for verdict in verdicts:
        yield _explain("delta_not_given", board, verdict, rest)
        rest = (0, 0)
    if not verdicts:
        partial, discharged = rest
        given = {"position": position, "partial": partial, "discharged": discharged}
        yield _note("delta_not_given", board, **given)


def _put_right(kept: Sequence[Explanation], rest: Tally) -> Explanation | None:
    """The latest earlier difference that is gone, if that alone explains the rest."""
    wanted = less((0, 0), rest)
    return next((each for each in reversed(kept) if _sum([each]) == wanted), None)


def _other_base(
    published: Tally, verdicts: Sequence[Verdict], earlier: Sequence[_Known]
) -> int | None:
    """The latest board but one from which the verdicts since the last lead to what is published."""
    base = published
    for verdict in verdicts:
        base = less(base, verdict.move)
    found = (n for n in range(len(earlier) - 2, -1, -1) if earlier[n].published == base)
    return next(found, None)


def _sum(explanations: Iterable[Explanation]) -> Tally:
    total = (0, 0)
    for each in explanations:
        total = plus(total, (each.partial, each.discharged))
    return total


def _explain(why: str, board: str, verdict: Verdict, adds: Tally) -> Explanation:
    return Explanation(
        row=verdict.row,
        position=verdict.position,
        status=verdict.status,
        branch=verdict.branch_before if why == "branch_row_again" else verdict.branch,
        why=why,
        board=board,
        partial=adds[0],
        discharged=adds[1],
    )


def _note(why: str, board: str, **fields: Any) -> Explanation:  # noqa: ANN401 - its own fields
    """An explanation without a verdict to be read otherwise."""
    given = {"row": None, "status": None, "branch": None, **fields}
    return Explanation(why=why, board=board, **given)
