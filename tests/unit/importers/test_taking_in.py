import json

import pytest
from histories import history_bytes, line, to_bytes
from ledgers import HUMAN, new_ledger

from ledger.importers import find_importer, read_drafts, take_in
from ledger.journal.reader import scan
from ledger.journal.segments import beginning
from ledger.recorder import MAX_BATCH

SHIP_TWO = find_importer("ship-two")


@pytest.fixture
def ledger(tmp_path):
    """A new ledger, open."""
    with new_ledger(tmp_path / "lab") as opened:
        opened.actor = HUMAN
        yield opened


def bring(ledger, data: bytes) -> tuple[int, int]:
    """Import `data`; (added, skipped)."""
    counts = take_in(ledger, read_drafts(SHIP_TWO, data))
    return sum(count.added for count in counts), sum(count.skipped for count in counts)


def entries(ledger):
    """Every entry, read from the journal itself."""
    folder = ledger.folder
    return [json.loads(each.entry) for each, _ in scan(folder.journal, beginning(folder.origin))]


def note(number: int) -> dict[str, object]:
    """A line of a kind never seen before."""
    return line("thing_seen", {"n": number})


def test_the_history_is_taken_in_line_by_line(ledger):
    """856 lines are 856 entries of one stream, in the order of the file."""
    assert bring(ledger, history_bytes()) == (856, 0)
    imported = entries(ledger)[1:]
    assert [entry["body"]["source"]["line"] for entry in imported] == list(range(1, 857))
    assert [entry["stream_version"] for entry in imported] == list(range(856))
    assert {entry["stream"] for entry in imported} == {"import/ship-two"}


def test_a_second_import_adds_nothing(ledger):
    """Not from the same process, and not from one that knows only the files."""
    bring(ledger, history_bytes())
    assert bring(ledger, history_bytes()) == (0, 856)
    ledger.close()
    assert bring(ledger, history_bytes()) == (0, 856)
    assert len(entries(ledger)) == 857


def test_a_file_that_grew_adds_its_new_lines(ledger):
    """Lines before, between and after those that are known."""
    assert bring(ledger, to_bytes(note(1), note(3))) == (2, 0)
    assert bring(ledger, to_bytes(note(0), note(1), note(2), note(3), note(4))) == (3, 2)
    taken = [entry["body"]["rest"]["n"] for entry in entries(ledger)[1:]]
    assert taken == [1, 3, 0, 2, 4]


def test_a_line_that_stands_twice_is_taken_twice(ledger):
    """Two equal lines are two statements; a third comes only with a third line."""
    assert bring(ledger, to_bytes(note(1), note(1))) == (2, 0)
    assert bring(ledger, to_bytes(note(1))) == (0, 1)
    assert bring(ledger, to_bytes(note(1), note(1), note(1))) == (1, 2)
    assert bring(ledger, to_bytes(note(1), note(1), note(1))) == (0, 3)


def test_newlines_do_not_make_a_line_new(ledger):
    """A file that went through another system is still known."""
    data = to_bytes(note(1), note(2))
    assert bring(ledger, data) == (2, 0)
    assert bring(ledger, data.replace(b"\n", b"\r\n")) == (0, 2)


def test_a_long_file_goes_in_by_batches(ledger):
    """More lines than one append takes, with equal lines on both sides of the seam."""
    lines = [note(number % MAX_BATCH) for number in range(MAX_BATCH + 3)]
    assert bring(ledger, to_bytes(*lines)) == (MAX_BATCH + 3, 0)
    assert bring(ledger, to_bytes(*lines)) == (0, MAX_BATCH + 3)


def test_one_import_is_one_write(ledger, monkeypatch):
    """The history lies in the journal whole or not at all."""
    writes = []
    original = ledger.recorder._writer.append

    def counted(batch):
        writes.append(len(batch))
        return original(batch)

    monkeypatch.setattr(ledger.recorder._writer, "append", counted)
    bring(ledger, history_bytes())
    bring(ledger, history_bytes())
    assert writes == [856]


def test_what_another_import_added_is_seen_under_the_lock(ledger):
    """Two that read the file before either wrote: the second skips what the first took in."""
    drafts = read_drafts(SHIP_TWO, history_bytes())
    ledger.recorder  # noqa: B018 - open, with a state that knows nothing of the other
    with type(ledger)(ledger.folder, actor=HUMAN) as other:
        take_in(other, drafts)
    assert sum(count.added for count in take_in(ledger, drafts)) == 0
