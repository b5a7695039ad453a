"""No room for the database: a clear error, an answer all the same, and later all is there."""

import pytest
from ledgers import HUMAN, new_recorder, note
from stores import database_files, journalled, stored

from ledger.store.catch_up import catch_up

ENTRIES = 3000
MORE = 500


def append(folder, count):
    """Record notes that are hard to compress."""
    recorder = new_recorder(folder)
    texts = [f"{number * 7919 % 104729:08x}" * 40 for number in range(count)]
    for first in range(0, count, 100):
        recorder.append([note(text) for text in texts[first : first + 100]], actor=HUMAN)
    recorder.close()


@pytest.mark.parametrize("room", [0, 10_000, 300_000])
def test_rebuild_without_room(nursery, folder, tmp_path, room):
    """A rebuild that finds no room leaves no draft behind, and the journal is asked instead."""
    append(folder, ENTRIES)
    answers = tmp_path / "answers"
    assert nursery.run("ask_without_room", folder.path, room, answers) == 7
    assert answers.read_text() == repr([(ENTRIES, ENTRIES - 1)])
    assert {path.name for path in database_files(folder)} <= {"ledger.duckdb.lock"}
    catch_up(folder)
    assert stored(folder) == journalled(folder)


@pytest.mark.parametrize("room", [0, 10_000])
def test_fold_without_room(nursery, folder, tmp_path, room):
    """A file that cannot grow stays where it stood; what it lacks is read from the journal."""
    append(folder, ENTRIES)
    catch_up(folder)
    before = stored(folder)
    append(folder, MORE)
    answers = tmp_path / "answers"
    assert nursery.run("ask_without_room", folder.path, room, answers) == 7
    assert answers.read_text() == repr([(ENTRIES + MORE, ENTRIES + MORE - 1)])
    assert stored(folder)[:ENTRIES] == before
    catch_up(folder)
    assert stored(folder) == journalled(folder)
