"""What a check of contract files is, what it finds, and what it may look at.

A check is a pure function from a file, and what lies around it, to findings. Every check runs over
every file: nobody mends one problem only to be told of the next.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

import attrs

from ledger.contracts.nodes import Mark
from ledger.contracts.schema import Constant, Metadata, Row

if TYPE_CHECKING:
    from ledger.state import State

T = TypeVar("T", covariant=True)

#: Names of the checks that come with reading: where one of them fires, the file has not the form.
YAML: Final = "yaml"
FORM: Final = "form"


@attrs.frozen(slots=True, kw_only=True, order=False)
class Finding:
    """One problem of a file, with the place where it is."""

    file: str
    line: int
    column: int
    check: str
    text: str

    def __str__(self) -> str:
        """As a compiler prints it: file:line:column: check: text."""
        return f"{self.file}:{self.line}:{self.column}: {self.check}: {self.text}"


@attrs.frozen(slots=True, kw_only=True)
class Located(Generic[T]):
    """A value of a file and where it stands, itself and its fields (`evidence.samples`)."""

    value: T
    mark: Mark
    marks: dict[str, Mark]
    stand_ins: frozenset[str] = frozenset()
    """Fields whose value is not of the file, since there it is missing or wrong."""

    def at(self, field: str) -> Mark:
        """Where a field stands; where it is left out, what it would be a field of."""
        while field and field not in self.marks:
            field = field.rpartition(".")[0]
        return self.marks.get(field, self.mark)


@attrs.frozen(slots=True, kw_only=True)
class Document:
    """A contract file as read: its parts, typed, and what was found wrong on the way.

    `names` has the name of every row that says one.
    """

    file: str
    data: bytes
    metadata: Located[Metadata] | None
    constants: tuple[Located[Constant], ...]
    rows: tuple[Located[Row], ...]
    names: tuple[Located[str], ...]
    findings: tuple[Finding, ...]

    def finding(self, check: str, mark: Mark, text: str) -> Finding:
        """A finding in this file."""
        return Finding(file=self.file, line=mark.line, column=mark.column, check=check, text=text)


@attrs.frozen(slots=True, kw_only=True)
class Surroundings:
    """What a check may look at besides the file."""

    tests: Path | None = None
    """The folder that `tests/…::name` is looked up in; null leaves such tests alone."""
    find_command: Callable[[Sequence[str]], str | None] | None = None
    """Why there is no such `ledger` command, from its words; null leaves commands alone."""
    others: Sequence[Document] = ()
    """The other files that are looked at together with it."""
    record: "State | None" = None
    """The record that it is to be added to; null where there is none."""
    now_us: int = 0
    """When it would be recorded, in microseconds UTC: claims run out."""
    actor: str = "human:nobody"
    """Who would record it: rules ask."""


@attrs.frozen(slots=True, kw_only=True)
class Check:
    """One check: its name, what it finds in one sentence, what it needs, and how it is asked."""

    name: str
    finds: str
    needs: Literal["file", "record"]
    run: Callable[[Document, Surroundings], Iterable[Finding]]
