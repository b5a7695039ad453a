"""Somebody else's SQL: attacks end with one clear error or a harmless answer, in bounds."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from labs import ask as ask_reader
from labs import tree
from ledgers import note

from ledger.cli import run
from ledger.errors import BadArguments, LedgerError
from ledger.store import sandbox
from ledger.store.sandbox import ask

SECRET = "correct-horse-battery-staple"  # noqa: S105 - what must not come out

REFUSED = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_csv_auto('/etc/hostname')",
    "select * from read_text('/proc/self/environ')",
    "select * from read_blob('/proc/self/environ')",
    "select * from read_json('/etc/passwd')",
    "select * from read_parquet('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from '/proc/self/environ'",
    "from sniff_csv('/etc/passwd')",
    "select * from glob('/root/*')",
    "select * from parquet_metadata('/etc/passwd')",
    "select * from query('select * from read_text(''/etc/passwd'')')",
    "select * from query_table('/etc/passwd')",
    "copy (select 1) to '/dev/shm/ledger-attack'",
    "copy events to '/dev/shm/ledger-attack'",
    "attach '/dev/shm/ledger-attack' as more",
    "detach store",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset lock_configuration",
    "set memory_limit = '100GB'",
    "set temp_directory = '/dev/shm'",
    "pragma temp_directory = '/dev/shm'",
    "pragma enable_profiling",
    "create persistent secret s (type s3)",
    "create table more as select 1",
    "create view more as select 1",
    "create macro f(x) as x",
    "select * from duckdb_secrets()",
    "select * from pragma_database_list()",
    "select * from which_secret('s3://x', 's3')",
    "select getenv('LEDGER_KEY')",
    "select 1; select 2",
    "select 1; drop table store.events",
    "insert into store.events select * from store.events",
    "update store.events set kind = 'x'",
    "delete from store.events",
    "drop table store.events",
    "drop view events",
    "use store; select 1",
    "export database '/dev/shm/ledger-attack'",
    "checkpoint store",
    "force checkpoint",
    "vacuum",
    "call pragma_version()",
    "prepare p as select 1",
    "execute p",
    "explain analyze delete from store.events",
    "explain analyze copy (select 1) to '/dev/shm/ledger-attack'",
    "explain analyze set threads = 1",
    "select * from request",
    "select * from folder",
    "select os.system('true')",
    "select system('true')",
    "select * from python_scan_all_frames",
    "begin transaction",
    "",
    "   ",
    "-- nothing",
    "selec 1",
    "select",
    "select * from nothing",
    "select \x00",
    "select 1 as a, 2 as a",
]

HARMLESS = [
    "select * from duckdb_settings()",
    "select * from duckdb_databases()",
    "show tables",
    "describe events",
    "summarize events",
    "explain select 1",
    "select 'unchanged' as \"a b\", [1, 2] as l, {'a': 1} as s, 'x'::blob as b, 'nan'::double as n",
    "with x as (select 1 as y) select * from x",
    "values (1), (2)",
    "from events select count(*)",
    "select 170141183460469231731687303715884105727::hugeint",
    "select interval 1 day, date '2026-01-01', time '12:00', uuid()",
]

#: Each would take all the memory or all the time of the machine.
HEAVY = [
    "select repeat('a', 4000000000)",
    "select string_agg(repeat('x', 1000000), '') from range(8000)",
    "select list(i) from range(3000000000) t(i)",
    "select max(list_sum(range(1000000000)))",
    "select * from range(1000000000000) t(i) order by random()",
    "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r",
    "select count(*) from generate_series(1, 1000000000000)",
    "select count(*) from range(100000000) a, range(100000000) b where a.range + 1 < b.range",
    "select count(distinct hash(i)) from range(3000000000) t(i)",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ledger to be attacked; it must stay as it is."""
    from ledgers import new_ledger

    with new_ledger(tmp_path_factory.mktemp("attacked")) as ledger:
        ledger.append([note("one"), note("two")])
        ask_reader(ledger.folder, "select 1")
        return ledger.folder


def shared_memory():
    """Files in memory that processes share, without the locks of Python's own pools beside us."""
    names = os.listdir("/dev/shm")  # noqa: PTH208, S108
    return sorted(name for name in names if not name.startswith("sem."))


@pytest.fixture(autouse=True)
def unchanged(folder, monkeypatch, tmp_path):
    """Whatever is asked, the ledger stays, no file appears, and no secret is in reach."""
    monkeypatch.setenv("LEDGER_KEY", SECRET)
    monkeypatch.chdir(tmp_path)
    before, memory = tree(folder.path), shared_memory()
    yield
    assert tree(folder.path) == before
    assert shared_memory() == memory
    assert list(tmp_path.iterdir()) == []


def limited(folder, sql, seconds=5.0):
    """One question with the limits of a test."""
    return ask(folder, sql, at=None, rows=1000, seconds=seconds)


@pytest.fixture(scope="module")
def outcomes(folder):
    """What comes of every small question: its table or its error. Asked two at a time."""

    def outcome(sql):
        try:
            return sandbox._ask_child(folder, sql, at=None, rows=1000, seconds=5)
        except LedgerError as error:
            return error

    os.environ["LEDGER_KEY"] = SECRET
    before = tree(folder.path)
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(REFUSED + HARMLESS, pool.map(outcome, REFUSED + HARMLESS), strict=True))
    del os.environ["LEDGER_KEY"]
    assert tree(folder.path) == before
    return found


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(outcomes, sql):
    """What is no question, or reaches outside the record, is refused as bad arguments."""
    error = outcomes[sql]
    assert isinstance(error, BadArguments)
    assert error.message
    assert error.hint
    assert "\n" not in error.message
    assert SECRET not in error.message
    assert "Traceback" not in error.message


@pytest.mark.parametrize("sql", HARMLESS)
def test_harmless(outcomes, sql):
    """A question gets its answer, and nothing of the caller is in it."""
    table = outcomes[sql]
    assert not isinstance(table, LedgerError)
    assert table.columns
    assert SECRET not in repr(table.rows)


def test_settings(folder):
    """The doors are closed, and the answer says so."""
    names = ("enable_external_access", "lock_configuration", "temp_directory")
    cells = ", ".join(f"current_setting('{name}') as {name}" for name in names)
    assert limited(folder, f"select {cells}").rows == ((False, True, ""),)


@pytest.mark.slow
@pytest.mark.parametrize("sql", HEAVY)
def test_heavy(folder, sql):
    """What asks for too much ends soon, with one sentence that says what was too much."""
    began = time.monotonic()
    with pytest.raises(BadArguments) as caught:
        limited(folder, sql, seconds=1.0)
    assert time.monotonic() - began < 1.0 + sandbox._GRACE_SECONDS + 3
    said = f"{caught.value.message} {caught.value.hint}".lower()
    assert "took more than 1 s" in said or "memory" in said


def test_a_child_that_does_not_stop_is_killed(folder, monkeypatch):
    """Where the query cannot be interrupted, the process is killed and the parent says why."""
    monkeypatch.setattr(sandbox, "_GRACE_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(BadArguments, match=r"took more than 0\.5 s"):
        limited(folder, "select repeat('a', 2000000000) || repeat('b', 2000000000)", seconds=0.5)
    assert time.monotonic() - began < 8


def test_the_environment_stays_outside(folder, monkeypatch):
    """The child of a query has none of the caller's variables."""
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{SECRET}")
    seen = {}
    real = sandbox.subprocess.run

    def watch(*arguments, **keywords):
        seen.update(keywords["env"])
        return real(*arguments, **keywords)

    monkeypatch.setattr(sandbox.subprocess, "run", watch)
    assert limited(folder, "select 1 as one").rows == ((1,),)
    assert set(seen) <= set(sandbox._ENVIRONMENT)
    assert SECRET not in repr(seen)


def test_limits_of_the_answer(folder):
    """Rows are cut off, cells are cut short, and an answer that is too large is refused."""
    assert len(ask(folder, "from range(50)", at=None, rows=7, seconds=5).rows) == 7
    (row,) = limited(folder, "select repeat('x', 100000) as long").rows
    assert row[0] == "x" * 65_536 + "…"
    with pytest.raises(BadArguments, match="larger than 32 MB"):
        limited(folder, "select repeat('x', 60000) from range(1000)")


def test_the_position_holds(folder):
    """SQL sees the record as it stood at a position, and a position beyond the end is refused."""
    assert ask(folder, "select count(*) from events", at=1, rows=9, seconds=5).rows == ((2,),)
    with pytest.raises(BadArguments, match="no position 3"):
        ask(folder, "select 1", at=3, rows=9, seconds=5)


@pytest.mark.parametrize(
    "words",
    [
        ("--limit", "0"),
        ("--limit", "-5"),
        ("--limit", "x"),
        ("--seconds", "nan"),
        ("--seconds", "0"),
        ("--seconds", "-1"),
        ("--seconds", "inf"),
    ],
)
def test_limits_are_numbers_that_make_sense(folder, capsys, words):
    """Limits that are none are bad arguments."""
    assert run(["query", "--sql", "select 1", "--ledger", str(folder.path), *words]) == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize("sql", ["delete from store.events", "select", "from '/etc/passwd'"])
def test_exit_code(folder, capsys, sql):
    """From the command line: code 2, nothing on stdout, one error and one hint on stderr."""
    assert run(["query", "--ledger", str(folder.path), "--sql", sql]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(":")[0] for line in err.splitlines()] == ["bad arguments", "hint"]


def test_damaged_journal_through_sql(folder, tmp_path_factory):
    """An integrity error stays one, though a child of the command met it."""
    from labs import copy_lab

    own = copy_lab(folder, tmp_path_factory.mktemp("own"))
    segment = next(own.journal.glob("*.log"))
    segment.write_bytes(segment.read_bytes()[:200])
    with pytest.raises(LedgerError) as caught:
        limited(own, "select 1")
    assert caught.value.exit_code == 6
