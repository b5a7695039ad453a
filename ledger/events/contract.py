"""Events of contracts: files of criteria, and the constants that they are computed with."""

from collections.abc import Iterable

from ledger import ids
from ledger.events.base import BlobDigest, EntryHash, Event, event


@event("constant.declared", version=1, family="decided", stream="ledger")
class ConstantDeclared(Event):
    """A number that others are held against, with the formula that it is computed by."""

    constant: str
    """Name of the constant, such as uniform-loss."""
    formula: str
    """How it is computed, such as ln(50257)."""
    value: int | float
    """Its value; the formula must give it."""
    unit: str
    """Its unit: ln gives nats, log2 bits."""

    def problems(self) -> Iterable[str]:
        """A name and a unit."""
        if not ids.is_id(self.constant):
            yield f"constant: {self.constant!r} cannot be a name (letters, digits, . _ + -)"
        if not self.unit:
            yield "unit: a constant needs a unit (`nats`, `bits`, `count`, …)"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The constant exists."""
        return ((f"constant/{self.constant}", self.formula),)


@event("contract.added", version=1, family="decided", stream="ledger")
class ContractAdded(Event):
    """A file of criteria was recorded, with the rows, constants and sets that it declares."""

    contract: str
    """Name of the contract."""
    version: str
    """Its version."""
    title: str
    """What it is about, in words."""
    model: str | None
    """The model its rows are listed under."""
    file: BlobDigest
    """The file, byte for byte."""
    rows: tuple[str, ...]
    """Names of the rows it declares, in the order of the file."""
    supersedes: EntryHash | None
    """The version in force until this one."""

    def problems(self) -> Iterable[str]:
        """Names of the right form."""
        if not ids.is_id(self.contract):
            yield f"contract: {self.contract!r} cannot be a name (letters, digits, . _ + -)"
        if not self.version.strip():
            yield "version: a contract has one"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The head of the contract."""
        return ((f"contract/{self.contract}", self.version),)
