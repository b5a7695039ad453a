"""A connection for questions: now or at a position, whatever the state of the file."""

import duckdb
import pytest
from labs import ask
from ledgers import EXECUTOR, new_folder, note, run_started, step
from nursery import wait_for
from stores import journalled, stored

from ledger.errors import BadArguments
from ledger.projections import PROJECTIONS
from ledger.store.catch_up import catch_up
from ledger.store.reader import open_reader


def all_rows(folder):
    """Everything that a reader sees, of every table."""
    with open_reader(folder) as db:
        return {
            one.name: db.execute(f"from {one.name} order by all").fetchall() for one in PROJECTIONS
        }


def test_tail(ledger, nursery, tmp_path):
    """While another process holds the file, the answers come from it and the journal's tail."""
    folder = ledger.folder
    ledger.append([note("folded")])
    catch_up(folder)
    taken, release = tmp_path / "taken", tmp_path / "release"
    pid = nursery.start("hold_database", folder.database, taken, release)
    wait_for(taken)
    for number in range(5):
        ledger.append([run_started(f"r-{number}"), step(f"r-{number}", 3)], actor=EXECUTOR)
    during = all_rows(folder)
    assert len(during["events"]) == 12
    assert len(during["runs"]) == 5
    release.touch()
    assert nursery.wait(pid) == 0
    catch_up(folder)
    assert len(stored(folder)) == 12
    assert all_rows(folder) == during


def test_tail_at_a_position(ledger, nursery, tmp_path):
    """A position before, at and after the border between file and tail cuts both."""
    folder = ledger.folder
    ledger.append([note("folded")])
    catch_up(folder)
    taken, release = tmp_path / "taken", tmp_path / "release"
    pid = nursery.start("hold_database", folder.database, taken, release)
    wait_for(taken)
    ledger.append([note("tail"), note("tail")])
    for at in range(4):
        rows = ask(folder, "select position from events order by position", at)
        assert rows == [(position,) for position in range(at + 1)]
    with pytest.raises(BadArguments, match="there is no position 4; the ledger ends at 3"):
        ask(folder, "select 1", 4)
    release.touch()
    nursery.wait(pid)


def test_file_that_cannot_be_used(ledger, nursery, tmp_path):
    """While another process rebuilds, a missing or damaged file does not keep an answer back."""
    folder = ledger.folder
    ledger.append([note("a"), note("b")])
    taken, release = tmp_path / "taken", tmp_path / "release"
    pid = nursery.start("be_the_one_that_folds", folder.path, taken, release)
    wait_for(taken)
    for harm in (b"", b"garbage" * 999):
        folder.database.write_bytes(harm)
        assert ask(folder, "select count(*) from events") == [(3,)]
    folder.database.unlink()
    assert ask(folder, "select count(*) from events") == [(3,)]
    release.touch()
    nursery.wait(pid)
    assert ask(folder, "select count(*) from events") == [(3,)]
    assert stored(folder) == journalled(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into store.events select * from store.events",
        "create table store.more (x int)",
        "drop table store.events",
        "set threads = 1",
        "set enable_external_access = true",
        "copy (select 1) to '/dev/shm/x'",
        "from read_text('/etc/hostname')",
        "attach '/dev/shm/x' as more",
        "set temp_directory = '/dev/shm'",
    ],
)
def test_doors_are_closed(ledger, statement):
    """A reader's connection changes nothing, reads no file and cannot be unlocked."""
    with open_reader(ledger.folder) as db, pytest.raises(duckdb.Error):
        db.execute(statement)


def test_python_values_are_out_of_reach(ledger):
    """A name in SQL never means a variable of the program."""
    secret = duckdb.sql("select 42 as x")
    with open_reader(ledger.folder) as db, pytest.raises(duckdb.CatalogException):
        db.execute("select * from secret")
    assert secret.fetchall() == [(42,)]


def test_two_readers_in_one_process(ledger):
    """While one reader of a process is open, another sees what was recorded since."""
    with open_reader(ledger.folder) as db:
        ledger.append([note("more")])
        assert ask(ledger.folder, "select count(*) from events") == [(2,)]
        assert db.execute("select count(*) from events").fetchall() == [(1,)]


def test_empty_ledger(tmp_path):
    """A ledger without any entry answers with no rows."""
    folder = new_folder(tmp_path / "lab")
    assert ask(folder, "select * from events") == []
    with pytest.raises(BadArguments, match="ends at -1"):
        ask(folder, "select 1", 0)


@pytest.mark.parametrize("at", [-1, 10**30])
def test_no_such_position(ledger, at):
    """A position that is not there is refused, with the one where the ledger ends."""
    with pytest.raises(BadArguments, match="ends at 0"):
        ask(ledger.folder, "select 1", at)
