"""What may come next in a journal that was tampered with: exact blame, line by line.

After a line that did not fit, more than one thing may follow. So one changed byte, one line too
many, too few or out of place is reported where it is, and not again at every line after it.
"""

from typing import Final

import attrs

from ledger.journal.line import Line, chain_next, extend

#: How many of the candidates before a bad line are still tried after it.
_CANDIDATES: Final = 4


@attrs.frozen(slots=True)
class Break:
    """Between the chain value `before` and a line with this hash and chain value, one does not fit.

    `position` is where that was reported. If a hash that others cite fits in between, it is the
    hash of the entry that was there (`proves`).
    """

    position: int
    before: bytes
    hash: bytes
    chain: bytes

    def proves(self, hash_: bytes) -> bool:
        """Whether the entry with this hash stood here: it was replaced, or taken out."""
        after = chain_next(self.before, hash_)
        return self.chain in (after, chain_next(after, self.hash))


@attrs.frozen(slots=True)
class Order:
    """The candidates for the next line: a position, and the chain value before it or null.

    `lost` is the place of a line before this one that could not be read: position, chain before.
    """

    due: tuple[tuple[int, bytes | None], ...]
    lost: tuple[int, bytes] | None = None

    @classmethod
    def after(cls, position: int, chain: bytes) -> "Order":
        """The order where all before `position` is in order."""
        return cls(((position, chain),))

    @property
    def position(self) -> int:
        """The position that is due."""
        return self.due[0][0]

    @property
    def chain(self) -> bytes | None:
        """The chain value before it."""
        return self.due[0][1]

    @property
    def is_settled(self) -> bool:
        """Whether nothing but the one position with the one chain value can follow."""
        return len(self.due) == 1 and self.chain is not None and self.lost is None

    def begin_at(self, position: int) -> "Order":
        """Go on at a position, with what came before it missing."""
        return Order(((position, None),))

    def skip(self) -> "Order":
        """Go on after a line that could not be read at all."""
        lost = self.lost or ((self.position, self.chain) if self.chain is not None else None)
        return Order(((self.position + 1, None),), lost)

    def take(self, line: Line) -> tuple["Order", str | None]:
        """Go on after a line; what is wrong with it, if anything."""
        for index, (position, chain) in enumerate(self.due):
            fits = chain is None or extend(chain, line.entry) == line.chain
            if position == line.position and fits:
                others = self.due if index else ()
                return Order(((position + 1, line.chain), *others[:_CANDIDATES])), None
        before = [chain for position, chain in self.due if position == line.position]
        due = (
            (self.position + 1, line.chain),
            *((line.position + 1, extend(chain, line.entry)) for chain in before if chain),
            (line.position + 1, line.chain),
            *self.due[:_CANDIDATES],
        )
        if not before:
            return Order(due), f"it says position {line.position} where {self.position} is due"
        problem = "its bytes are not the ones that were recorded: the chain does not fit"
        return Order(due), problem

    def break_at(self, position: int, hash_: bytes, line: Line) -> Break | None:
        """The break that is known now, where this line follows one that could not be read.

        Or, for a line that does not fit itself, the break before it.
        """
        if self.lost is not None:
            return Break(self.lost[0], self.lost[1], hash_, line.chain)
        return None if self.chain is None else Break(position, self.chain, hash_, line.chain)
