"""Events of sections: numbered pieces of the specification, their revisions and versions.

Numbers and versions are allocated by the ledger under its lock (`ledger.sections.recording`), never
typed. The source of a section is a blob; the page that people read is rendered from it.
"""

from collections.abc import Iterable
from typing import Final

from ledger import ids
from ledger.events.base import BlobDigest, Event, event

#: The kinds of section, in the order of a day's work. Each has its form in templates/sections/.
SECTION_KINDS: Final = (
    "investigation",
    "narrowing-step",
    "discharge",
    "scoreboard",
    "training-report",
    "parity-report",
    "post-mortem",
    "methodology-note",
    "what-it-is-not",
    "next-step",
)
#: Where the numbers are kept that were given last. No name of a run has a slash.
NUMBERS: Final = "allocated/section/number"
VERSIONS: Final = "allocated/section/version"
ACTIONS: Final = "allocated/section/action"


def _number_problems(number: int) -> Iterable[str]:
    if number < 1:
        yield f"number: {number} is no section; they count from 1"


@event("section.opened", version=1, family="decided", stream="section/{number}")
class SectionOpened(Event):
    """A section has a number from here on, and a form to be filled."""

    number: int
    """Its number, allocated by the ledger, from 1."""
    slug: str
    """Short name for files and commands, such as gqa-kernel."""
    section_kind: str
    """Which form it has, such as investigation."""
    title: str
    """Its title."""
    source: BlobDigest
    """The form it starts from: Markdown with front matter."""

    def problems(self) -> Iterable[str]:
        """A number, a name that can be a file, and a title."""
        yield from _number_problems(self.number)
        if not ids.is_id(self.slug):
            yield f"slug: {self.slug!r} cannot be a name (letters, digits, . _ + -)"
        if not self.title.strip():
            yield "title: a section has one"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The section exists, and its number is taken."""
        yield (f"section/{self.number}", self.section_kind)
        yield (NUMBERS, str(self.number))


@event("section.edited", version=1, family="decided", stream="section/{number}")
class SectionEdited(Event):
    """A section has a new text; what is published stays as it is until the next publication."""

    number: int
    """The section."""
    revision: int
    """Number of the revision, from 1."""
    title: str
    """Its title in this revision."""
    source: BlobDigest
    """The text: Markdown with front matter."""

    def problems(self) -> Iterable[str]:
        """A number and a title."""
        yield from _number_problems(self.number)
        if not self.title.strip():
            yield "title: a section has one"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest revision."""
        return ((f"section_revision/{self.number}", str(self.revision)),)


@event("section.published", version=1, family="decided", stream="section/{number}")
class SectionPublished(Event):
    """A revision of a section becomes part of the specification, which gets a new version.

    It cites the revision, and the entries whose numbers it quotes.
    """

    number: int
    """The section."""
    revision: int
    """The revision that is published: the latest."""
    from_version: int
    """Version of the specification until now; 0 before the first."""
    to_version: int
    """Version of the specification from here on, allocated by the ledger."""

    def problems(self) -> Iterable[str]:
        """A number."""
        return _number_problems(self.number)

    def standings(self) -> Iterable[tuple[str, str]]:
        """What is published of the section, and the version of the specification."""
        yield (f"section_published/{self.number}", str(self.revision))
        yield (VERSIONS, str(self.to_version))


@event("section.superseded", version=1, family="decided", stream="section/{number}")
class SectionSuperseded(Event):
    """Another section takes the place of this one, for good; this one stays to be read."""

    number: int
    """The section that is superseded."""
    by: int
    """The section that takes its place."""
    reason: str
    """Why, in words. No rule reads it."""

    def problems(self) -> Iterable[str]:
        """A number and a reason."""
        yield from _number_problems(self.number)
        if not self.reason.strip():
            yield "reason: say why, in words"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The section does not count any more."""
        return ((f"section_superseded/{self.number}", str(self.by)),)


@event("next_action.stated", version=1, family="decided", stream="section/{section}")
class NextActionStated(Event):
    """What is to be done next. `entry.refuted` strikes it through."""

    action: int
    """Its number, allocated by the ledger, from 1."""
    section: int | None
    """The section that it follows from; null where it follows from none."""
    text: str
    """What is to be done, in one sentence."""

    def problems(self) -> Iterable[str]:
        """It says something."""
        if not self.text.strip():
            yield "text: a next action needs words"

    def standings(self) -> Iterable[tuple[str, str]]:
        """It is open, and its number is taken."""
        yield (f"next_action/{self.action}", "stated")
        yield (ACTIONS, str(self.action))


@event("next_action.done", version=1, family="decided", stream="ledger")
class NextActionDone(Event):
    """A next action was done; it cites what came of it, where that is on record."""

    action: int
    """Its number."""
    outcome: str
    """What came of it, in one sentence."""

    def problems(self) -> Iterable[str]:
        """It says something."""
        if not self.outcome.strip():
            yield "outcome: say what came of it"

    def standings(self) -> Iterable[tuple[str, str]]:
        """It is done."""
        return ((f"next_action/{self.action}", "done"),)
