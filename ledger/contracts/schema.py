"""What a contract file says, as classes: the schema, normative in spec/formats/contract.md.

Checks, the reader, `ledger contract schema` and the tables of the format page go by these fields. A
field without a default must be there; one that may be left out is null or empty then.
"""

from typing import Annotated, Any, Final, Literal

import attrs
import msgspec

from ledger.events.base import Operator, field_docs
from ledger.events.criterion import RowFamily

FORMAT: Final = "contract/v1"
Text = Annotated[str, msgspec.Meta(min_length=1)]


@attrs.frozen(kw_only=True)
class ConstantOf:
    """In place of a number: the value of a constant of this file."""

    constant: Text
    """Name of the constant."""


Quantity = int | float | ConstantOf


@attrs.frozen(kw_only=True)
class Metadata:
    """What the contract is, and which version of it."""

    contract: Text
    """Name of the contract."""
    version: Text
    """Its version; every version of a contract is another."""
    title: Text
    """What it is about, in words."""
    model: Text | None = None
    """The model that its rows are listed under, unless they name another."""
    supersedes: Text | None = None
    """The version that this one takes the place of. Left out: whichever is in force."""
    author: Text | None = None
    """Who wrote it."""
    description: Text | None = None
    """More words."""
    references: tuple[Text, ...] = ()
    """Where it comes from: papers, pages. Words, not looked up."""
    cites: tuple[Text, ...] = ()
    """Entries of the ledger that it rests on, by hash."""


@attrs.frozen(kw_only=True)
class Constant:
    """A number that is computed from others, and must stay what its formula gives."""

    name: Text
    """Name of the constant."""
    formula: Text
    """Numbers, `+ - * / **`, ln, log2, log10, exp and sqrt, such as ln(50257)."""
    value: int | float
    """Its value, to at least four digits."""
    unit: Text
    """Its unit: ln gives nats, log2 bits, log10 dits."""


@attrs.frozen(kw_only=True)
class Evidence:
    """What a verdict on the row needs for evidence."""

    provenance: tuple[Literal["measured", "derived"], ...] | None = None
    """Where the number may come from. Left out: measured or derived."""
    rests_on: tuple[Text, ...] | None = None
    """Kinds of event of which the evidence cites one each, such as comparison.made."""
    samples: int | None = None
    """Samples below which a verdict is PROVISIONAL."""


@attrs.frozen(kw_only=True)
class Control:
    """A known score that the harness of the evidence reaches first."""

    metric: Text
    """The metric of the known score."""
    low: Quantity
    """The least that it can be."""
    high: Quantity
    """The most that it can be."""


@attrs.frozen(kw_only=True)
class Row:
    """A demand: a row of the board."""

    name: Text
    """Name of the row."""
    family: RowFamily = "criterion"
    """What kind of row it is."""
    title: Text
    """What is demanded, in words."""
    metric: Text
    """Name of the measured quantity."""
    operator: Operator
    """How the value must stand to the threshold. Those with > or ! are quoted."""
    threshold: bool | int | float | str | ConstantOf
    """What is to be met."""
    unit: Text | None = None
    """Unit of metric and threshold; only a truth value or text has none."""
    noise: Quantity | None = None
    """Noise allowance, in the unit: a value so far on the wrong side is taken."""
    blocking: bool
    """Whether publishing waits for it."""
    model: Text | None = None
    """The model it is listed under, where that is not the contract's."""
    binding: dict[str, Any]
    """Fields that the key of the evidence must have: the model or artifact it is about."""
    test: Text
    """How it is tested: tests/FILE.py::NAME, a `ledger` command, or words."""
    prediction: Text
    """What the test shows where the demand is met."""
    if_fails: Text
    """What follows where it is not."""
    evidence: Evidence | None = None
    """What a verdict needs for evidence."""
    control: Control | None = None
    """The known score that comes first."""
    requires: tuple[Text, ...] = ()
    """Rows that must be DISCHARGED first."""
    aliases: tuple[Text, ...] = ()
    """Other names of the same row."""
    stop_rule: dict[str, Any] | None = None
    """When measuring ends, stated before it begins."""
    cites: tuple[Text, ...] = ()
    """Entries of the ledger that the demand rests on, by hash."""


@attrs.frozen(kw_only=True)
class Contract:
    """A contract file."""

    format: Literal["contract/v1"]
    """The format of the file."""
    metadata: Metadata
    """What the contract is."""
    constants: tuple[Constant, ...] = ()
    """Numbers that the rows use."""
    rows: tuple[Row, ...]
    """What is demanded."""


CLASSES: Final = (Contract, Metadata, Constant, Row, Evidence, Control, ConstantOf)


def json_schema() -> dict[str, Any]:
    """The schema as JSON Schema (2020-12), for editors. It knows the form, not the checks."""
    (schema,), parts = msgspec.json.schema_components([Contract], ref_template="#/$defs/{name}")
    for cls in CLASSES:
        docs = field_docs(cls)
        part = parts[cls.__name__]
        part["additionalProperties"] = False
        for name, property_ in part["properties"].items():
            property_["description"] = docs[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        **schema,
        "$defs": {name: parts[name] for name in sorted(parts)},
    }
