"""The format pages: their examples are real, their grammars are those of the code."""

import hashlib
import re

import pytest
from vectors import REPOSITORY, load

from ledger import ids
from ledger.entry import FIELDS, MAX_ENTRY_BYTES, parse_entry
from ledger.journal.batch import parse_batch
from ledger.journal.line import parse_line
from ledger.journal.segments import SEGMENT_BYTES

PAGES = REPOSITORY / "spec" / "formats"
ENTRY = (PAGES / "entry.md").read_text(encoding="utf-8")
JOURNAL = (PAGES / "journal.md").read_text(encoding="utf-8")


def examples(page: str) -> list[str]:
    """The indented lines of a page."""
    return re.findall(r"^ {4}(\S.*)$", page, flags=re.MULTILINE)


def test_entry_example():
    """The example of the entry page has the stated size and hash, with hashlib alone."""
    data, hash_ = examples(ENTRY)
    assert "sha256:" + hashlib.sha256(b"\x00" + data.encode()).hexdigest() == hash_
    (size,) = re.findall(r"These (\d+) bytes", ENTRY)
    assert len(data.encode()) == int(size)
    assert parse_entry(data.encode()).body == {"text": "hello"}
    assert {"entry": data, "hash": hash_}.items() <= load("entry")["entries"][1].items()


def test_journal_example():
    """The example of the journal page chains from its origin, with hashlib alone."""
    found = examples(JOURNAL)
    lines = [line for line in found if "{" in line]
    start, *hashes = [line for line in found if re.fullmatch(r"(sha256:)?[0-9a-f]{64}", line)]
    (origin,) = re.findall(r"ledger called\s+`(.*?)`", JOURNAL)
    chain = hashlib.sha256(b"research-ledger/v1\n" + origin.encode()).digest()
    assert chain.hex() == start
    for position, (text, hash_) in enumerate(zip(lines, hashes, strict=True)):
        number, value, entry = text.split(" ", 2)
        leaf = hashlib.sha256(b"\x00" + entry.encode()).digest()
        chain = hashlib.sha256(chain + leaf).digest()
        assert (number, value, hash_) == (str(position), chain.hex(), "sha256:" + leaf.hex())
        assert parse_line(text.encode() + b"\n").position == position
    assert [line + "\n" for line in lines] == load("journal")["lines"][:2]


def test_note_example():
    """The batch note of the page is one."""
    (note,) = re.findall(r"^ {7}(\d+ \d+ \d+)$", JOURNAL, flags=re.MULTILINE)
    assert parse_batch(note + "\n").format() == note + "\n"


def test_fields():
    """The table of fields is the ten fields in order."""
    table = ENTRY.split("| field |")[1].split("##")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == FIELDS


@pytest.mark.parametrize("name", ["hash", "kind", "actor", "origin", "branch", "id"])
def test_grammar(name):
    """A grammar of the page accepts and refuses what the code does."""
    (text,) = re.findall(rf"^\| {name} \| `(.*?)`", ENTRY, flags=re.MULTILINE)
    pattern = text.replace("\\|", "|")
    code = {
        "hash": ids._HASH,
        "kind": ids._KIND,
        "actor": ids._ACTOR,
        "origin": ids._ORIGIN,
        "branch": ids._BRANCH,
        "id": ids._ID,
    }[name]
    assert code.pattern.replace("(?:", "(") == pattern


def test_rooms():
    """The rooms of streams on the page are those of the code."""
    (said,) = re.findall(r"records the rooms (.*) and the actors((?:.|\n)*?)\. A", ENTRY)
    assert tuple(re.findall(r"`(\w+)`", said[0])) == ids.STREAM_ROOMS
    assert tuple(re.findall(r"`(\w+)`", said[1])) == ids.ACTOR_TYPES


def test_limits():
    """The limits on the pages are those of the code."""
    assert f"{MAX_ENTRY_BYTES:,} bytes" in ENTRY
    assert f"64 MiB ({SEGMENT_BYTES:,} bytes)" in JOURNAL


def test_every_page_is_listed():
    """The README of the formats lists every page beside it."""
    listed = re.findall(r"\]\((.*?\.md)\)", (PAGES / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in PAGES.glob("*.md") if path.name != "README.md")
