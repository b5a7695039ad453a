"""Parquet: tables and answers, in an order that the record alone decides."""

import json

import duckdb
import pytest
from labs import copy_lab
from ledgers import HUMAN, lines_of

from ledger.cli import run
from ledger.entry import entry_hash, format_hash
from ledger.store.export import table_names


@pytest.fixture
def home(lab, tmp_path, monkeypatch):
    """A folder with a laboratory that the test may change, as the working folder."""
    copy_lab(lab, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    return tmp_path


def rows_of(path, columns="*"):
    """The rows of a Parquet file in the order in which they lie."""
    with duckdb.connect() as db:
        return db.execute(f"select {columns} from read_parquet('{path}')").fetchall()


def test_events(home, lab):
    """Each entry is a row: position, hash, chain, E as it was hashed."""
    assert run(["export", "events.parquet"]) == 0
    found = rows_of(home / "events.parquet", "position, hash, chain, entry")
    wanted = [
        (line.position, format_hash(entry_hash(line.entry)), line.chain.hex(), line.entry.decode())
        for line in lines_of(lab)
    ]
    assert found == wanted


@pytest.mark.parametrize("name", table_names())
def test_every_table(home, name):
    """A table can be taken out, twice the same, whether stored or read from the journal's tail."""
    assert run(["export", "a.parquet", "--table", name]) == 0
    (home / ".ledger" / "ledger.duckdb").unlink()
    assert run(["export", "b.parquet", "--table", name]) == 0
    assert (home / "a.parquet").read_bytes() == (home / "b.parquet").read_bytes()
    with duckdb.connect(str(home / ".ledger" / "ledger.duckdb"), read_only=True) as db:
        tables = {row[0] for row in db.execute("show tables").fetchall()}
        if name in tables:
            wanted = db.execute(f"select count(*) from {name}").fetchone()
            assert rows_of(home / "a.parquet", "count(*)") == [wanted]


def test_limits(home):
    """--from and --at cut a table off at positions."""
    assert run(["export", "e.parquet", "--from", "10", "--at", "19"]) == 0
    assert [row[0] for row in rows_of(home / "e.parquet", "position")] == list(range(10, 20))
    assert run(["export", "c.parquet", "--table", "claims", "--from", "850"]) == 0
    assert all(row[0] >= 850 for row in rows_of(home / "c.parquet", "position"))
    assert rows_of(home / "c.parquet", "count(*)") == [(1,)]


def test_query(home, capsys):
    """A query's answer is taken out in its own order, as of a position, with its parameters."""
    words = ["curve", "--param", "run=train-0001", "--param", "metric=loss"]
    assert run(["export", "curve.parquet", "--query", *words]) == 0
    capsys.readouterr()
    assert run(["query", "curve", "--run", "train-0001", "--metric", "loss", "--json"]) == 0
    wanted = [row["step"] for row in json.loads(capsys.readouterr().out)]
    assert [row[0] for row in rows_of(home / "curve.parquet", "step")] == wanted == [0, 1, 2]
    assert run(["export", "early.parquet", "--query", "events", "--at", "4"]) == 0
    assert [row[0] for row in rows_of(home / "early.parquet", "position")] == [0, 1, 2, 3, 4]


def test_a_name_with_a_quote(home):
    """A file name is a name, whatever it holds."""
    (home / "it's here").mkdir()
    assert run(["export", "it's here/o'clock.parquet", "--table", "claims"]) == 0
    assert [path.name for path in (home / "it's here").iterdir()] == ["o'clock.parquet"]


def test_damage_in_the_database_is_found(home, capsys):
    """Rows that do not lie in order, or are missing, are not exported as the record."""
    assert run(["query", "kinds"]) == 0
    with duckdb.connect(str(home / ".ledger" / "ledger.duckdb")) as db:
        db.execute("drop trigger no_delete on events")
        db.execute("delete from events where position = 5")
    capsys.readouterr()
    assert run(["export", "e.parquet"]) == 6
    assert "do not lie in the order" in capsys.readouterr().err
    assert not (home / "e.parquet").exists()
