"""The board: a fold over distinct rows, on the main line, at any position or version."""

import json
from collections import Counter

import pytest
from histories import history_bytes, history_lines
from labs import ask, build_lab, criterion, train
from ledgers import HUMAN, new_ledger

from ledger.cli import run
from ledger.commands.judge import judge
from ledger.importers import find_importer, read_drafts, take_in
from ledger.queries import find_query
from ledger.store.reader import open_reader


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A ledger that holds the history and nothing else."""
    with new_ledger(tmp_path_factory.mktemp("history")) as ledger:
        take_in(ledger, read_drafts(find_importer("ship-two"), history_bytes()))
        return ledger.folder


@pytest.fixture
def board(history, capsys, monkeypatch):
    """The rows of `ledger board --json`."""
    monkeypatch.setenv("LEDGER_DIR", str(history.path))

    def board(*words):
        capsys.readouterr()
        assert run(["board", "--json", *words]) == 0
        return json.loads(capsys.readouterr().out)

    return board


def test_columns(board):
    """--json has every documented column, in order."""
    columns = [name for name, _ in find_query("board").columns]
    assert all(list(row) == columns for row in board())


def test_each_row_once(board):
    """A row that is declared under an alias, or again, is counted once."""
    rows = board()
    assert max(Counter(row["row"] for row in rows).values()) == 1
    declared = {
        data.get("falsifier") or line["id"]
        for line in history_lines()
        if line["kind"] in ("criterion_declared", "gate_declared", "invariant_declared")
        for data in [line["data"]]
    }
    named = {row["row"] for row in rows if row["family"] != "unidentified"}
    assert named == declared


def test_claims_never_count(board):
    """No claim is a row of the board, whatever verdicts speak of it."""
    claims = {line["id"] for line in history_lines() if line["kind"] == "claim_stated"}
    assert claims
    assert not claims & {row["row"] for row in board()}


def test_nothing_is_judged_here(board):
    """What others reported is shown as reported, never as judged by this ledger."""
    rows = board()
    assert {row["reported"] for row in rows} == {True}
    assert {row["standing"] for row in rows} <= {"reported", "open"}
    assert board("--own") == []
    assert board("--reported") == rows


def test_branches_do_not_count(board, history):
    """A verdict on a branch changes no row of the main line."""
    sql = "select name, position from statuses where branch is not null"
    branched = ask(history, sql)
    assert branched
    positions = {position for _, position in branched}
    assert not positions & {row["verdict_position"] for row in board()}


def test_latest_status_by_position(board, history):
    """The status of a row is that of its last verdict on the main line, by position."""
    rows = board()
    with open_reader(history) as db:
        for row in rows:
            found = db.execute("select distinct name from row_names where row = ?", [row["row"]])
            names = [name for (name,) in found.fetchall()] + [row["row"]]
            last = db.execute(
                "select status, position from statuses where list_contains(?, name) "
                "and branch is null order by position desc limit 1",
                [names],
            ).fetchone()
            assert (row["status"], row["verdict_position"]) == (last or ("unbound", None))


def test_at_a_position(board, history):
    """At each position the board has only what was recorded until then."""
    ends = [ask(history, "select max(position) from events")[0][0]]
    before = -1
    for at in (0, 100, 300, 600, *ends):
        rows = board("--at", str(at))
        assert all(row["position"] <= at for row in rows)
        assert len(rows) >= before
        before = len(rows)
    assert rows == board()
    assert board("--at", "0") == []


def test_at_a_version(board, history):
    """A version is the state just before the first registration of the next different version."""
    sections = ask(history, "select position, to_version from sections order by position")
    versions = [version for _, version in sections if version]
    chosen = versions[len(versions) // 2]
    first = next(n for n, (_, version) in enumerate(sections) if version == chosen)
    after = next(p for p, version in sections[first:] if version and version != chosen)
    assert board("--at", chosen) == board("--at", str(after - 1))
    assert board("--at", versions[-1]) == board()


@pytest.mark.parametrize("at", ["99.99", "x", "-1", "99999999999999999999", "\N{SUPERSCRIPT TWO}"])
def test_no_such_version_or_position(history, capsys, at):
    """A version or position that is not on record is a mistake, with what there is."""
    assert run(["board", "--ledger", str(history.path), f"--at={at}"]) == 2
    assert capsys.readouterr().err.startswith("bad arguments: ")


def test_tally(history, capsys):
    """The tally under the table adds up to the rows."""
    assert run(["board", "--ledger", str(history.path)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    total, _, counts = last.removeprefix("tally, reported: ").partition(" rows: ")
    assert sum(int(part.split()[0]) for part in counts.split(", ")) == int(total)


def test_own_and_reported_apart(tmp_path, capsys):
    """A ledger's own rows and those of others have a tally each, and filters choose."""
    folder = build_lab(tmp_path)
    words = ["board", "--ledger", str(folder.path), "--json"]
    found = {}
    for more in ((), ("--own",), ("--reported",), ("--own", "--status", "FALSIFIED")):
        assert run([*words, *more]) == 0
        found[more] = json.loads(capsys.readouterr().out)
    assert {row["row"] for row in found[("--own",)]} == {"LOSS", "CLOSE", "NEVER-MEASURED"}
    assert found[()] == found[("--own",)] + found[("--reported",)]
    assert [row["row"] for row in found[("--own", "--status", "FALSIFIED")]] == ["CLOSE"]
    assert run([*words[:3]]) == 0
    out = capsys.readouterr().out
    assert "tally, this ledger: 3 rows: 1 DISCHARGED, 1 FALSIFIED, 1 unbound" in out
    assert "tally, reported: " in out


def test_an_own_row_of_a_reported_name(tmp_path, capsys):
    """A reported verdict never changes a row of this ledger that has the same name."""
    name = next(line["id"] for line in history_lines() if line["kind"] == "verdict")
    row = next(line["id"] for line in history_lines() if line["kind"] == "criterion_declared")
    with new_ledger(tmp_path / "lab") as ledger:
        for own in (name, row):
            ledger.record("criterion.declared", criterion(own))
        train(ledger, "r-1", 9.0)
        judge(ledger, [], actor=HUMAN)
        take_in(ledger, read_drafts(find_importer("ship-two"), history_bytes()))
        assert run(["board", "--own", "--json", "--ledger", str(ledger.folder.path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["row"], each["status"], each["standing"]) for each in found] == [
        (name, "FALSIFIED", "judged"),
        (row, "FALSIFIED", "judged"),
    ]
