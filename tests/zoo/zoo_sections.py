"""Mistakes with sections: numbers of one's own, and publishing what is not there."""

from written import NOTE, published, written
from zoo_base import Specimen
from zoo_lab import Lab

from ledger.sections.recording import open_section, publish_section, supersede_section


def _two_of_one_number(lab: Lab) -> tuple[str, ...]:
    opened, _ = open_section(lab.ledger, NOTE, "How the loss is measured")
    return lab.refusal(
        lambda: lab.say(
            "section.opened", number=opened.number, slug="another", section_kind=NOTE,
            title="Another note", source=opened.source,
        )
    )  # fmt: skip


def _an_empty_form(lab: Lab) -> tuple[str, ...]:
    opened, _ = open_section(lab.ledger, NOTE, "How the loss is measured")
    return lab.refusal(lambda: publish_section(lab.ledger, opened.number, 0))


def _one_version_twice(lab: Lab) -> tuple[str, ...]:
    published(lab.ledger)
    number = written(lab.ledger)
    revision = lab.ledger.query("section_revisions", section=str(number)).objects()[-1]["hash"]
    return lab.refusal(
        lambda: lab.say(
            "section.published", cites=(revision,), number=number, revision=1, from_version=0,
            to_version=1,
        )
    )  # fmt: skip


def _in_a_circle(lab: Lab) -> tuple[str, ...]:
    old, new = published(lab.ledger), published(lab.ledger)
    supersede_section(lab.ledger, old, new, "it was wrong")
    return lab.refusal(lambda: supersede_section(lab.ledger, new, old, "it was right"))


SECTIONS = (
    Specimen("two sections of one number", "sections", "section 1 is opened again, by hand",
             _two_of_one_number),
    Specimen("empty form published", "sections", "a section is published before it was written",
             _an_empty_form),
    Specimen("one version twice", "sections", "two publications of version 1", _one_version_twice),
    Specimen("superseded in a circle", "sections", "section 1 takes the place of what took its",
             _in_a_circle),
)  # fmt: skip
