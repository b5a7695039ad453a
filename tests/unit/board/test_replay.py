"""Every published board of the history against its rows: who agrees, and what explains the rest."""

import json

import pytest
from histories import history_lines
from plain_replay import replay as plain_replay
from published_boards import board, ledger_of, renamed, replayed, tally

from ledger.cli import run
from ledger.commands.board import WHY
from ledger.queries import find_query
from ledger.store.reader import open_reader

KEYS = ["id", "agrees", "published", "folded", "folded_main", "explained_by"]
BRANCHED = {f"FALSIFY-SHIP-{n}" for n in ("016", "017", "018", "020")}


@pytest.fixture(scope="module")
def lines():
    """The history."""
    return history_lines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, lines):
    """A ledger that holds the history and nothing else."""
    return ledger_of(tmp_path_factory.mktemp("history") / "lab", lines)


@pytest.fixture(scope="module")
def boards(folder):
    """Its published boards by name."""
    return {each.board: each for each in replayed(folder)}


def rows_of(boards, name, *, branches=False):
    """(row, why, board it came in with) of what explains a board."""
    return [
        (each.row, each.why, each.board)
        for each in boards[name].explained_by
        if branches or each.why != "branch_before_main"
    ]


def test_every_board_against_the_oracle(boards, lines):
    """Both folds, agreement and the rows that stood on branches are those counted by hand."""
    wanted = list(plain_replay(lines))
    assert len(wanted) == len(boards) == 54
    for want, found in zip(wanted, boards.values(), strict=True):
        assert (found.board, found.position) == (want["id"], want["position"])
        assert (found.published, found.total) == (want["published"], want["total"])
        assert (found.folded, found.folded_main) == (want["folded"], want["main"])
        assert found.agrees == want["agrees"], found.board
        branched = [r for r in found.explained_by if r.why == "branch_before_main"]
        assert sorted((r.row, r.position) for r in branched) == want["branch_rows"]


def test_how_many_agree(boards):
    """19 of 54 agree; the first that does not is v2.34, the last v2.73."""
    wrong = [each.board for each in boards.values() if not each.agrees]
    assert len(boards) - len(wrong) == 19
    assert (wrong[0], wrong[-1]) == ("tally-v2.34", "tally-v2.73")


def test_explanations_add_up(boards):
    """The rows named for a board add up to what was published less what was folded."""
    for each in boards.values():
        for n, count in enumerate(("partial", "discharged")):
            added = sum(getattr(reason, count) for reason in each.explained_by)
            assert added == each.published[n] - each.folded[n], each.board
        assert all(reason.why != "delta_not_given" for reason in each.explained_by)


def test_main_line_is_the_board(folder, boards):
    """The fold of the main line is what `ledger board` says just before each publication."""
    for each in list(boards.values())[::6]:
        assert each.folded_main == tally(board(folder, at=each.position - 1))


def test_branch_rows_are_named(boards):
    """Four rows stood on a branch: each is named until it reaches main, then counted again."""
    again = {}
    for number, name in zip((34, 35, 36, 37), ("017", "020", "018", "016"), strict=True):
        again[f"FALSIFY-SHIP-{name}"] = f"tally-v2.{number}"
    for number in range(24, 38):
        one = f"tally-v2.{number}"
        found = {row for row, why, _ in rows_of(boards, one, branches=True) if "before" in why}
        assert found == {row for row in BRANCHED if number < int(again[row][-2:])}
    assert rows_of(boards, "tally-v2.37") == [
        (row, "branch_row_again", entered) for row, entered in again.items()
    ]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("tally-v2.46", [("INV-GPUTRAIN-002", "never_partial")]),
        ("tally-v2.51", [("INV-GPUTRAIN-005", "stale_base"), ("INV-GPUTRAIN-007", "stale_base")]),
        ("tally-v2.58", []),
        ("tally-v2.63", [("INV-GPUTRAIN-001", "not_counted")]),
        ("tally-v2.73", []),
    ],
)
def test_what_came_in(boards, name, rows):
    """What came in with a board is told apart from what later boards carry on."""
    assert [(row, why) for row, why, entered in rows_of(boards, name) if entered == name] == rows


def test_statuses_are_all_decided(folder):
    """The table of counted statuses speaks of every status that the history has."""
    with open_reader(folder) as db:
        missing = db.execute(
            "select distinct status from statuses "
            "where status not in (select status from tally_statuses)"
        ).fetchall()
        counted = db.execute(
            "select status, counts_as from tally_statuses where counts_as is not null order by all"
        ).fetchall()
    assert missing == []
    assert counted == [("DISCHARGED", "discharged"), ("PARTIAL_ALGORITHM_LEVEL", "partial")]


def test_json(folder, capsys):
    """--json is a list of objects with these keys; counts are objects, reasons have words."""
    assert run(["board", "--replay", "--json", "--ledger", str(folder.path)]) == 0
    found = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    assert all(list(each) == KEYS for each in found.values())
    assert found["scoreboard-§18"]["published"] == {"partial": 33, "discharged": 12, "total": 45}
    assert found["tally-v2.34"]["published"] == {"partial": 18, "discharged": 3, "total": None}
    assert found["tally-v2.34"]["folded"] == {"partial": 17, "discharged": 3, "total": 20}
    assert found["tally-v2.34"]["folded_main"] == {"partial": 14, "discharged": 3, "total": 17}
    first = found["tally-v2.34"]["explained_by"][0]
    assert (first["row"], first["position"]) == ("FALSIFY-SHIP-017", 128)
    assert (first["status"], first["branch"]) == ("PARTIAL_ALGORITHM_LEVEL", "unmerged")
    assert (first["why"], first["words"]) == ("branch_row_again", WHY["branch_row_again"])


def test_table(folder, capsys):
    """A line a board, and a summary; that boards disagree is a result, not a failure."""
    assert run(["board", "--replay", "--ledger", str(folder.path)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["board", "published", "folded", "main", "line", "agrees", "because"]
    assert lines[11].split()[:6] == [
        "tally-v2.34",
        "18/3",
        "17/3",
        "14/3",
        "no",
        "branch_row_again",
    ]
    assert "19 of 54 published boards agree; the first that does not is tally-v2.34" in out
    assert err == ""


@pytest.mark.parametrize(
    "words",
    [("--at", "2.51"), ("--model", "MODEL-1"), ("--family", "gate"), ("--status", "D"), ("--own",)],
)
def test_replay_takes_no_filter(folder, capsys, words):
    """--replay is about all boards: a filter is a mistake, named."""
    assert run(["board", "--replay", *words, "--ledger", str(folder.path)]) == 2
    err = capsys.readouterr().err
    assert words[0] in err
    assert "hint: " in err


def test_ids_are_opaque(tmp_path, lines, boards):
    """With every id of the history renamed, everything is the same up to the names."""
    kinds = ("verdict", "scoreboard", "criterion_declared", "gate_declared", "invariant_declared")
    ids = {each["id"] for each in lines if each["kind"] in kinds}
    ids |= {each["data"].get(key) for each in lines for key in ("falsifier", "alias")} - {None}
    ordered = sorted(ids, key=lambda name: name[::-1])
    prefix = "UNIDENTIFIED-ROW-"
    names = {
        name: f"{prefix}x{n}" if name.startswith(prefix) else f"r{n}"
        for n, name in enumerate(ordered)
    }
    back = {new: old for old, new in names.items()}
    found = replayed(ledger_of(tmp_path / "lab", renamed(lines, names)))

    def plain(each):
        return (back.get(each.row, each.row), back[each.board], each.position, each.why)

    for old, new in zip(boards.values(), found, strict=True):
        assert back[new.board] == old.board
        assert (new.published, new.folded, new.folded_main) == (
            *(old.published, old.folded),
            old.folded_main,
        )
        assert [plain(each) for each in new.explained_by] == [
            (each.row, each.board, each.position, each.why) for each in old.explained_by
        ]


def test_query_for_documents(folder):
    """The named query gives the same folds, the verdicts in between, and the rows of branches."""
    with open_reader(folder) as db:
        rows = {row["board"]: row for row in find_query("board_replay").run(db, {}).objects()}
    row = rows["tally-v2.46"]
    assert (row["folded_partial"], row["folded_discharged"], row["agrees"]) == (37, 5, False)
    assert [each["row"] for each in row["verdicts"]] == ["INV-GPUTRAIN-002", "INV-GPUTRAIN-003"]
    assert {each["row"] for each in rows["tally-v2.24"]["branch_rows"]} == BRANCHED
