"""Killing the process that folds, at any moment: then the database equals the journal."""

import random
import time

import pytest
from labs import ask
from ledgers import EXECUTOR, note, run_started, step
from stores import database_files, journalled, stored

from ledger.store.catch_up import catch_up

KILLS = 30


@pytest.mark.slow
def test_killed_while_folding(ledger, nursery):
    """After each of 30 kills a reader sees every entry once; after the last, so does the file."""
    folder = ledger.folder
    draw = random.Random(7)  # noqa: S311 - a seed, not a secret
    ledger.append([run_started("r-1")], actor=EXECUTOR)
    for number in range(KILLS):
        ledger.append([step("r-1", number), note(f"{number} {'x' * 900}")], actor=EXECUTOR)
        pid = nursery.start("catch_up_again_and_again", folder.path)
        time.sleep(draw.uniform(0.01, 0.25))
        nursery.kill(pid)
        if number % 5 == 0:
            count = 4 + 2 * number
            sql = "select count(*), count(distinct position), max(position) + 1 from events"
            assert ask(folder, sql) == [(count,) * 3]
            assert ask(folder, "select count(*) from steps") == [(2 * (number + 1),)]
    catch_up(folder)
    assert stored(folder) == journalled(folder)
    assert ask(folder, "select count(*) from steps where metric = 'loss'") == [(KILLS,)]
    assert {path.name for path in database_files(folder)} <= {"ledger.duckdb", "ledger.duckdb.lock"}


def test_rebuilds_at_once(ledger, nursery):
    """Four processes that find no database make one, each waiting for the other, without error."""
    folder = ledger.folder
    ledger.append([note(f"{number} {'x' * 200}") for number in range(3000)])
    for _ in range(3):
        for path in database_files(folder):
            path.unlink()
        pids = [nursery.start("rebuild_once", folder.path) for _ in range(4)]
        assert [nursery.wait(pid) for pid in pids] == [0] * 4
        assert stored(folder) == journalled(folder)
