"""Opening, editing, publishing and superseding sections, and next actions.

Every number (of a section, a revision, a version, an action) is chosen under the lock that the
event is recorded under: two processes that ask at once get two numbers, and none is left out.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

import attrs

from ledger.entry import format_hash
from ledger.errors import BadArguments, Conflict, Malformed, TemplateFailed
from ledger.events.base import Event
from ledger.events.section import (
    ACTIONS,
    NUMBERS,
    VERSIONS,
    NextActionDone,
    NextActionStated,
    SectionEdited,
    SectionOpened,
    SectionPublished,
    SectionSuperseded,
)
from ledger.ledger import Ledger
from ledger.recorder import Draft, Receipt
from ledger.sections.kinds import read_form
from ledger.sections.source import Source, parse_source
from ledger.state import State

E = TypeVar("E", bound=Event)
#: A short name made from a title is no longer than this.
_SLUG: Final = 40
#: How many entries a publication cites besides its revision: an entry has room for no more.
_MOST_CITES: Final = 500


def slug_of(title: str, otherwise: str) -> str:
    """A short name made from a title for files and commands; else `otherwise`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = ""
    for word in words:
        if slug and len(slug) + 1 + len(word) > _SLUG:
            break
        slug = f"{slug}-{word}" if slug else word
    return slug[:_SLUG] or otherwise


def _last(state: State, key: str) -> int:
    """The number that was given last under a key; 0 before the first."""
    known = state.standing(key)
    return int(known[0]) if known else 0


def _append(
    ledger: Ledger,
    drafts: Sequence[Draft],
    number: Callable[[State, Sequence[Any]], Sequence[Event]],
    cites: Callable[[State], Sequence[str]] | None = None,
) -> tuple[list[Event], list[Receipt]]:
    """Record events once `number` gave them theirs, under the lock; the events as recorded."""
    recorded: list[Event] = []

    def select(state: State, drafts: Sequence[Draft]) -> Sequence[Draft]:
        recorded[:] = number(state, [draft.event for draft in drafts])
        more = tuple(cites(state)) if cites else ()
        return [
            attrs.evolve(draft, event=event, cites=(*more, *draft.cites))
            for draft, event in zip(drafts, recorded, strict=True)
        ]

    return recorded, ledger.append(drafts, select=select)


def open_section(
    ledger: Ledger,
    section_kind: str,
    title: str | None = None,
    *,
    slug: str | None = None,
    text: bytes | None = None,
) -> tuple[SectionOpened, list[Receipt]]:
    """Open a section under the next number; with `text`, that is its first revision.

    The title is that of the text where none is given, and takes its place where another one is.
    Raises `BadArguments` for an unknown kind, `Malformed` for a text of the wrong form.
    """
    form = read_form(section_kind)
    source = None if text is None else _read(text, section_kind)
    if title is None:
        title = source.title if source is not None else ""
    opened = SectionOpened(
        number=1,
        slug=slug or slug_of(title, section_kind),
        section_kind=section_kind,
        title=title,
        source=ledger.write_blob(form.source(title).encode()),
    )
    drafts = [Draft(event=opened)]
    if text is not None and source is not None:
        kept = text if source.title == title else source.retitled(title).encode()
        first = SectionEdited(number=1, revision=1, title=title, source=ledger.write_blob(kept))
        drafts.append(Draft(event=first))

    def number(state: State, events: Sequence[Any]) -> Sequence[Event]:
        due = _last(state, NUMBERS) + 1
        return [attrs.evolve(event, number=due) for event in events]

    recorded, receipts = _append(ledger, drafts, number)
    return cast("SectionOpened", recorded[0]), receipts


def _read(text: bytes, section_kind: str) -> Source:
    """A text of this kind. Raises `Malformed` for a wrong form, `BadArguments` for another kind."""
    try:
        source = parse_source("the text", text)
    except TemplateFailed as error:
        raise Malformed(error.message, hint=error.hint) from error
    if source.section_kind != section_kind:
        raise BadArguments(
            f"the front matter says kind: {source.section_kind}; the section is {section_kind}",
            hint=f"write kind: {section_kind}, or open another section",
        )
    return source


def edit_section(
    ledger: Ledger, section: int, section_kind: str, text: bytes, *, based_on: int | None = None
) -> tuple[SectionEdited, Receipt]:
    """Record a new revision of a section.

    Where `based_on` is given and another revision was recorded meanwhile, raises `Conflict`.
    Raises `Malformed` and `BadArguments` for a text of the wrong form or kind.
    """
    source = _read(text, section_kind)
    edited = SectionEdited(
        number=section, revision=1, title=source.title, source=ledger.write_blob(text)
    )

    def number(state: State, events: Sequence[Any]) -> Sequence[Event]:
        latest = _last(state, f"section_revision/{section}")
        if based_on is not None and latest != based_on:
            raise Conflict(
                f"section {section} has revision {latest} by now; this text began from {based_on}",
                hint="edit again, from the latest",
            )
        return [attrs.evolve(event, revision=latest + 1) for event in events]

    recorded, receipts = _append(ledger, [Draft(event=edited)], number)
    return cast("SectionEdited", recorded[0]), receipts[0]


def publish_section(
    ledger: Ledger, section: int, revision: int, quoted: Sequence[str] = ()
) -> tuple[SectionPublished, Receipt]:
    """Publish a revision under the next version of the specification.

    `quoted` are the hashes of the entries whose numbers it quotes. Raises `Conflict` where another
    revision was recorded meanwhile, `Rejected` where a rule refuses it.
    """
    published = SectionPublished(number=section, revision=revision, from_version=0, to_version=1)
    key = f"section_revision/{section}"

    def number(state: State, events: Sequence[Any]) -> Sequence[Event]:
        latest = _last(state, key)
        if latest and revision and latest != revision:  # the rule speaks of the others
            raise Conflict(
                f"section {section} has revision {latest} by now, and {revision} was looked at",
                hint="publish again: the latest revision is looked at then",
            )
        version = _last(state, VERSIONS)
        return [attrs.evolve(e, from_version=version, to_version=version + 1) for e in events]

    def cites(state: State) -> Sequence[str]:
        known = state.standing(key)
        return [format_hash(known[1])] if known else []

    draft = Draft(event=published, cites=tuple(dict.fromkeys(quoted))[:_MOST_CITES])
    recorded, receipts = _append(ledger, [draft], number, cites)
    return cast("SectionPublished", recorded[0]), receipts[0]


def supersede_section(ledger: Ledger, section: int, by: int, reason: str) -> Receipt:
    """Have another section take the place of one. Raises `Rejected` where a rule refuses it."""
    event = SectionSuperseded(number=section, by=by, reason=reason)
    return ledger.append([Draft(event=event)])[0]


def state_action(
    ledger: Ledger, text: str, section: int | None = None
) -> tuple[NextActionStated, Receipt]:
    """State what is to be done next, under the next number."""
    event = NextActionStated(action=1, section=section, text=text)

    def number(state: State, events: Sequence[Any]) -> Sequence[Event]:
        due = _last(state, ACTIONS) + 1
        return [attrs.evolve(event, action=due) for event in events]

    recorded, receipts = _append(ledger, [Draft(event=event)], number)
    return cast("NextActionStated", recorded[0]), receipts[0]


def finish_action(ledger: Ledger, action: int, outcome: str, cites: Sequence[str] = ()) -> Receipt:
    """Say that a next action was done, and what came of it."""
    event = NextActionDone(action=action, outcome=outcome)
    return ledger.append([Draft(event=event, cites=tuple(cites))])[0]
