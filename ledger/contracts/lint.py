"""Every check of contract files: the list, and those that a file alone can be asked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from ledger import ids
from ledger.contracts import against_record, cited_tests
from ledger.contracts.base import FORM, YAML, Check, Document, Finding, Located, Surroundings
from ledger.contracts.demands import (
    PLACES,
    constant_event,
    constants_of,
    cycles_in,
    dangling,
    quantity,
    row_event,
)
from ledger.contracts.nodes import Mark
from ledger.contracts.plan import constant_on_record, constant_text
from ledger.contracts.schema import ConstantOf, Row
from ledger.errors import Malformed
from ledger.events import KINDS
from ledger.events.base import Event
from ledger.events.contract import ContractAdded
from ledger.events.criterion import CriterionDeclared
from ledger.events.form import check_event
from ledger.rules import constants as formulas
from ledger.rules.base import Proposal
from ledger.rules.standing import event_at

if TYPE_CHECKING:
    from ledger.rules.base import Record

#: The field that a problem of an event names, to find its place in the file.
_FIELD: Final = re.compile(r"[a-z_]+")
#: Fields that are told wrong together: with one of them unknown, nothing is said of the others.
_DEMAND: Final = ("operator", "threshold", "unit", "noise")
_OF_CONSTANT: Final = {"constant": "name"}


def lint(
    document: Document, around: Surroundings, checks: Sequence[Check] | None = None
) -> list[Finding]:
    """Every finding of every check, or of those named, in the order of the file."""
    asked = CHECKS if checks is None else checks
    found = {one for check in asked for one in check.run(document, around)}
    return sorted(found, key=lambda one: (one.line, one.column, one.check, one.text))


def _yaml(document: Document, _around: Surroundings) -> Iterator[Finding]:
    yield from (one for one in document.findings if one.check == YAML)


def _form(document: Document, _around: Surroundings) -> Iterator[Finding]:
    yield from (one for one in document.findings if one.check == FORM)


def _form_problems(event: Event) -> tuple[str, ...]:
    """Every problem of form, and those between fields that the form check did not come to."""
    try:
        check_event(event)
    except Malformed as error:
        return tuple(dict.fromkeys((*error.reasons, *event.problems())))
    return ()


def _event_problems(document: Document) -> Iterator[tuple[str, Mark, str]]:
    """(field, where, what) of everything that is wrong with a row or the contract as an event."""
    for row in document.rows:
        unknown = {field for field, _ in dangling(document, row.value)} | row.stand_ins
        for text in _form_problems(row_event(document, row.value)):
            found = _FIELD.match(text)
            field = found[0] if found else ""
            place = PLACES.get(field, field)
            if unknown.isdisjoint(_DEMAND if field in _DEMAND else (place.partition(".")[0],)):
                yield field, row.at(place), f"{row.value.name}: {text}"
    if document.metadata is not None:
        value = document.metadata.value
        added = ContractAdded(
            contract=value.contract,
            version=value.version,
            title=value.title,
            model=value.model,
            file=ids.HASH_PREFIX + "0" * 64,
            rows=(),
            supersedes=None,
        )
        for text in _form_problems(added):
            field = text.partition(":")[0]
            if field not in document.metadata.stand_ins:
                yield "", document.metadata.at(field), text


def _terms(document: Document, _around: Surroundings) -> Iterator[Finding]:
    for field, at, text in _event_problems(document):
        if field != "unit":
            yield document.finding("terms", at, text)


def _units(document: Document, _around: Surroundings) -> Iterator[Finding]:
    for field, at, text in _event_problems(document):
        if field == "unit":
            yield document.finding("units", at, text)
    known = constants_of(document)
    for row in document.rows:
        for field in ("threshold", "noise"):
            asked = quantity(row.value, field)
            used = known.get(asked.constant) if isinstance(asked, ConstantOf) else None
            if used is None or "unit" in used.stand_ins:
                continue
            if row.value.unit not in (None, used.value.unit):
                text = f"{used.value.name} is in {used.value.unit}, the row in {row.value.unit}"
                yield document.finding("units", row.at(field), f"{row.value.name}: {text}")


def _duplicates(document: Document, around: Surroundings) -> Iterator[Finding]:
    """Within the file, where two names follow one another; then across contracts."""
    rows = [(one.value, one.mark) for one in document.names]
    aliases = [(name, row.at("aliases")) for row in document.rows for name in row.value.aliases]
    constants = [
        (one.value.name, one.at("name"))
        for one in document.constants
        if "name" not in one.stand_ins
    ]
    for what, names in (("row", rows + aliases), ("constant", constants)):
        first: dict[str, Mark] = {}
        for name, at in names:
            if name in first:
                text = f"there is a {what} {name} in line {first[name].line} already"
                yield document.finding("duplicates", at, text)
            first.setdefault(name, at)
    for other in _of_other_contracts(document, around):
        theirs = {one.value for one in other.names}
        for name, at in rows:
            if name in theirs:
                yield document.finding("duplicates", at, f"{name} is a row of {other.file}, too")


def _of_other_contracts(document: Document, around: Surroundings) -> Iterator[Document]:
    own = document.metadata.value.contract if document.metadata else None
    for other in around.others:
        if other.metadata is None or other.metadata.value.contract != own:
            yield other


def _forks(document: Document, around: Surroundings) -> Iterator[Finding]:
    """Of the files of one contract, all but one are superseded by another."""
    if document.metadata is None or document.metadata.stand_ins & {"contract", "version"}:
        return
    own = document.metadata.value
    others = [
        (one.metadata.value, one.file)
        for one in around.others
        if one.metadata is not None and one.metadata.value.contract == own.contract
    ]
    followed = {own.supersedes, *(other.supersedes for other, _ in others)}
    for other, file in others:
        where = f"{own.contract} {other.version} is in {file}"
        if other.version == own.version:
            yield document.finding("heads", document.metadata.at("version"), f"{where}, too")
        elif followed.isdisjoint((own.version, other.version)):
            text = f"two heads: {where}; let one say `supersedes` of the other"
            yield document.finding("heads", document.metadata.at("version"), text)


def _heads(document: Document, around: Surroundings) -> Iterator[Finding]:
    yield from _forks(document, around)
    yield from against_record.find_heads(document, around)


def _cycles(document: Document, around: Surroundings) -> Iterator[Finding]:
    """Also through rows on record, which may require rows of this file."""
    rows: dict[str, Located[Row]] = {row.value.name: row for row in document.rows}
    requires = {name: row.value.requires for name, row in rows.items()}
    if around.record is not None:
        requires = _with_record(requires, around.record)
    for cycle in cycles_in(requires):
        for row in (rows[name] for name in dict.fromkeys(cycle) if name in rows):
            text = f"a cycle: {' requires '.join(cycle)}"
            yield document.finding("cycles", row.at("requires"), text)


def _with_record(
    requires: Mapping[str, tuple[str, ...]], record: "Record"
) -> dict[str, tuple[str, ...]]:
    """What each row requires, those on record that the file's rows lead to added."""
    known = dict(requires)
    left = [name for others in requires.values() for name in others]
    while left:
        name = left.pop()
        if name in known:
            continue
        standing = record.standing(f"criterion/{name}")
        declared = event_at(standing[1], CriterionDeclared, record) if standing else None
        known[name] = (declared.requires or ()) if declared else ()
        left += known[name]
    return known


def _constants(document: Document, around: Surroundings) -> Iterator[Finding]:
    """Against the formula, against the record and the other files; and every use of one."""
    for one in document.constants:
        if one.stand_ins:
            continue
        event = constant_event(one.value)
        for text in _form_problems(event):
            field = text.partition(":")[0]
            yield document.finding("constants", one.at(_OF_CONSTANT.get(field, field)), text)
        proposal = Proposal(event=event, actor=around.actor, cites=())
        # A formula is held against its value alone; the rule asks nothing of the record.
        for text in formulas.check(proposal, around.record or cast("Record", None)):
            yield document.finding("constants", one.at("value"), f"{one.value.name}: {text}")
        for where, theirs in _elsewhere(one.value.name, around):
            if theirs != constant_text(event):
                text = (
                    f"{one.value.name} drifted: {theirs} {where}; give another number another name"
                )
                yield document.finding("constants", one.at("value"), text)
    for row in document.rows:
        for field, name in dangling(document, row.value):
            text = f"{row.value.name}: there is no constant {name} in this file"
            yield document.finding("constants", row.at(field), text)


def _elsewhere(name: str, around: Surroundings) -> Iterator[tuple[str, str]]:
    """Where else a constant has a value, and which."""
    found = constant_on_record(name, around.record) if around.record is not None else None
    if found is not None:
        yield f"at position {found[1]}", constant_text(found[0])
    for other in around.others:
        if name in (theirs := constants_of(other)):
            yield f"in {other.file}", constant_text(constant_event(theirs[name].value))


def _evidence(document: Document, _around: Surroundings) -> Iterator[Finding]:
    for row in document.rows:
        wanted = row.value.evidence.rests_on if row.value.evidence else None
        for kind in wanted or ():
            if kind not in KINDS:
                text = f"{row.value.name}: there is no kind of event {kind}"
                yield document.finding("evidence", row.at("evidence.rests_on"), text)


def _citations(document: Document, _around: Surroundings) -> Iterator[Finding]:
    parts = [(row.value.cites, row.at("cites")) for row in document.rows]
    if document.metadata is not None:
        parts.insert(0, (document.metadata.value.cites, document.metadata.at("cites")))
    for cites, at in parts:
        for cited in cites:
            if not ids.is_hash(cited):
                text = f"{cited!r} is no entry hash (sha256: and 64 hex digits)"
                yield document.finding("citations", at, text)


CHECKS: Final = (
    Check(
        name=YAML,
        finds="what is not YAML, what YAML can be read as in several ways, and a key given twice",
        needs="file",
        run=_yaml,
    ),
    Check(
        name=FORM,
        finds="fields that are missing, unknown or of the wrong type",
        needs="file",
        run=_form,
    ),
    Check(
        name="terms",
        finds="names, operators, allowances and conditions that make no sense together",
        needs="file",
        run=_terms,
    ),
    Check(
        name="units",
        finds="a number without a unit, and a constant in another unit than its row",
        needs="file",
        run=_units,
    ),
    Check(
        name="duplicates",
        finds="a name that is given twice, in the file or in another contract",
        needs="file",
        run=_duplicates,
    ),
    Check(
        name="heads",
        finds="two versions of one contract of which neither supersedes the other, a version that "
        "is on record, and a row of another contract",
        needs="file",
        run=_heads,
    ),
    Check(
        name="cycles",
        finds="rows that require one another in a circle, over rows on record, too",
        needs="file",
        run=_cycles,
    ),
    Check(
        name="constants",
        finds="a constant that is not what its formula gives, that is another on record or in "
        "another file, or that is not there",
        needs="file",
        run=_constants,
    ),
    Check(
        name=cited_tests.NAME,
        finds="a test or command that is not there",
        needs="file",
        run=cited_tests.run,
    ),
    Check(
        name="evidence",
        finds="a kind of event that does not exist",
        needs="file",
        run=_evidence,
    ),
    Check(
        name="citations",
        finds="a citation that is no hash of an entry",
        needs="file",
        run=_citations,
    ),
    Check(
        name=against_record.RULES,
        finds="what the rules of the ledger would refuse: rows, entries and premises that are not "
        "there or fell, rows that are over",
        needs="record",
        run=against_record.find_refusals,
    ),
)
