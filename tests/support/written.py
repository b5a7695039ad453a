"""Sections for tests: texts of the right form, and the way from an opening to a page."""

import json

from ledger.ledger import Ledger
from ledger.sections.recording import edit_section, open_section, publish_section

NOTE = "methodology-note"
#: What a methodology note must have, each heading with a word below it.
REST = """
## Why
because
## How it is measured
so
## What would show that it is wrong
that
## Where it does not hold
there
## What this section is NOT
all
"""


def text(says: str, title: str = "A note", queries: str = "") -> bytes:
    """A methodology note that says this, with nothing missing but what it says."""
    front = f"---\nkind: {NOTE}\ntitle: {json.dumps(title)}\n{queries}---\n"
    return f"{front}## The rule\n**In one sentence:** this\n\n{says}\n{REST}".encode()


def written(ledger: Ledger, says: str = "nothing", title: str = "A note") -> int:
    """Open a section and record a text that says this; its number."""
    opened, _ = open_section(ledger, NOTE, title, text=text(says, title))
    return opened.number


def published(ledger: Ledger, says: str = "nothing", title: str = "A note") -> int:
    """The same, published as its first revision; its number."""
    number = written(ledger, says, title)
    publish_section(ledger, number, 1)
    return number


def rewritten(ledger: Ledger, number: int, says: str, title: str = "A note") -> int:
    """Record another text of a section; the number of the revision."""
    return edit_section(ledger, number, NOTE, text(says, title))[0].revision
