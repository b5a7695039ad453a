"""Sections and versions are numbered by the ledger, and what is published was edited before.

A number is the one after the last, so that no two sections share one and none is left out. A
section that was superseded is closed: its text stays what it was.
"""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, Final

from ledger.entry import format_hash
from ledger.events.base import Event
from ledger.events.section import (
    ACTIONS,
    NUMBERS,
    SECTION_KINDS,
    VERSIONS,
    NextActionDone,
    NextActionStated,
    SectionEdited,
    SectionOpened,
    SectionPublished,
    SectionSuperseded,
)
from ledger.rules.base import Proposal, Record, Rule
from ledger.rules.standing import is_refuted


def last(key: str, record: Record) -> int:
    """The number that was given last under a key; 0 before the first."""
    known = record.standing(key)
    return int(known[0]) if known else 0


def check(proposal: Proposal, record: Record) -> Iterable[str]:
    """Numbers follow on, and nothing is published or superseded that cannot be."""
    problems = _PROBLEMS.get(type(proposal.event))
    if problems is None:
        return
    if proposal.branch is not None:
        yield f"sections are kept on the main line, not on branch {proposal.branch}"
    yield from problems(proposal, record)


def _opened(proposal: Proposal, record: Record) -> Iterable[str]:
    event: Any = proposal.event
    if event.section_kind not in SECTION_KINDS:
        near = difflib.get_close_matches(event.section_kind, SECTION_KINDS, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {_kinds()}"
        yield f"there is no kind of section {event.section_kind!r}: {hint}"
    yield from _next("number", event.number, NUMBERS, record)


def _kinds() -> str:
    return ", ".join(SECTION_KINDS)


def _next(field: str, given: int, key: str, record: Record) -> Iterable[str]:
    """A number that was allocated is the one after the last."""
    due = last(key, record) + 1
    if given != due:
        yield f"{field} is {given}, and {due} is the next: the ledger gives it (ledger section)"


def _edited(proposal: Proposal, record: Record) -> Iterable[str]:
    event: Any = proposal.event
    yield from _open_section(event.number, record)
    yield from _next("revision", event.revision, f"section_revision/{event.number}", record)


def _open_section(number: int, record: Record) -> Iterable[str]:
    """A section is there and was not superseded."""
    if record.standing(f"section/{number}") is None:
        yield f"there is no section {number} on record"
    closed = record.standing(f"section_superseded/{number}")
    if closed is not None:
        yield f"section {number} was superseded by {closed[0]} at position {closed[2]}: edit that"


def _published(proposal: Proposal, record: Record) -> Iterable[str]:
    event: Any = proposal.event
    yield from _open_section(event.number, record)
    edited = record.standing(f"section_revision/{event.number}")
    if edited is None:
        yield f"section {event.number} was not edited: its form is empty"
    else:
        known = record.standing(f"section_published/{event.number}")
        if known is not None and known[0] == edited[0]:
            yield f"revision {known[0]} was published at position {known[2]}: edit it first"
        elif event.revision != int(edited[0]):
            yield f"revision is {event.revision}, and {edited[0]} is the latest"
        if format_hash(edited[1]) not in proposal.cites:
            yield "a publication cites the revision"
    yield from _next("to_version", event.to_version, VERSIONS, record)
    if event.from_version != last(VERSIONS, record):
        yield f"from_version is {event.from_version}, and v{last(VERSIONS, record)} is in force"


def _superseded(proposal: Proposal, record: Record) -> Iterable[str]:
    event: Any = proposal.event
    yield from _open_section(event.number, record)
    if event.by == event.number:
        yield f"section {event.number} cannot take its own place"
        return
    yield from _open_section(event.by, record)
    if record.standing(f"section_published/{event.by}") is None:
        yield f"section {event.by} was not published: nobody could read what takes the place"


def _stated(proposal: Proposal, record: Record) -> Iterable[str]:
    event: Any = proposal.event
    yield from _next("action", event.action, ACTIONS, record)
    if event.section is not None and record.standing(f"section/{event.section}") is None:
        yield f"there is no section {event.section} on record"


def _done(proposal: Proposal, record: Record) -> Iterable[str]:
    event: Any = proposal.event
    known = record.standing(f"next_action/{event.action}")
    if known is None:
        yield f"there is no next action {event.action} on record"
    elif known[0] == "done":
        yield f"next action {event.action} was done at position {known[2]}"
    elif is_refuted(known[1], record):
        yield f"next action {event.action} was refuted: state another one"


#: What is asked of each kind of event.
_PROBLEMS: Final[dict[type[Event], Callable[[Proposal, Record], Iterable[str]]]] = {
    SectionOpened: _opened,
    SectionEdited: _edited,
    SectionPublished: _published,
    SectionSuperseded: _superseded,
    NextActionStated: _stated,
    NextActionDone: _done,
}

RULE = Rule(
    name="sections",
    forbids="numbering a section oneself, publishing what was not edited or is superseded",
    check=check,
)
