"""Replays of small histories: each reason on its own, merged branches, other ledgers, chance."""

import pytest
from histories import to_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import HUMAN, new_ledger
from plain_replay import replay as plain_replay
from published_boards import SHORT, board, declared, ledger_of, published, replayed, tally, verdict

from ledger.commands.merge import merge
from ledger.commands.sources import FolderSource
from ledger.importers import find_importer, read_drafts
from ledger.ledger import Ledger
from ledger.queries import find_query
from ledger.recorder import Draft
from ledger.store.reader import open_reader

ROWS = ("A", "B", "C")
DECLARED = [declared(row) for row in ROWS]


def drafts_of(lines):
    """The events of these lines."""
    return list(read_drafts(find_importer("ship-two"), to_bytes(*lines)))


def publish(ledger, number):
    """Record another board."""
    ledger.append(drafts_of([published(f"board-{number}", 1, 0)]))


def reasons(directory, *lines):
    """(row, why, board it came in with, partial, discharged) of the last board."""
    last = replayed(ledger_of(directory, [*DECLARED, *lines]))[-1]
    return [(r.row, r.why, r.board, r.partial, r.discharged) for r in last.explained_by]


P, D, B = "P", "D", "B"
BEFORE = (verdict("A", P), verdict("B", P), published("one", 2, 0))


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ((verdict("C", P), published("two", 3, 0)), []),
        ((verdict("A", P), published("two", 3, 0)), [("A", "repeated", "two", 1, 0)]),
        ((verdict("C", D), published("two", 1, 1)), [("C", "never_partial", "two", -1, 0)]),
        ((verdict("C", D), published("two", 2, 0)), [("C", "not_counted", "two", 0, -1)]),
        ((verdict("A", B), published("two", 2, 0)), [("A", "still_counted", "two", 1, 0)]),
        ((verdict("A", D), published("two", 2, 0)), [("A", "not_moved", "two", 1, -1)]),
        ((verdict("A", D), published("two", 2, 1)), [("A", "counted_twice", "two", 1, 0)]),
        ((published("two", 7, 0),), [(None, "delta_not_given", "two", 5, 0)]),
        ((verdict("A", D), published("two", 7, 0)), [("A", "delta_not_given", "two", 6, -1)]),
        ((published("two", 2, 0, 3),), [(None, "total_is_no_sum", "two", 0, 0)]),
        ((published("two", 2, 0, 2),), []),
    ],
)
def test_each_reason(tmp_path, lines, wanted):
    """A board that differs for one reason is explained by it, with the row and what it adds."""
    assert reasons(tmp_path / "lab", *BEFORE, *lines) == wanted


def test_several_reasons_at_once(tmp_path):
    """A row counted again and one taken off that was never on: both are named."""
    lines = (verdict("A", P), verdict("C", D), published("two", 2, 1))
    assert reasons(tmp_path / "lab", *BEFORE, *lines) == []  # they hide one another
    lines = (verdict("A", P), verdict("B", P), verdict("C", D), published("two", 4, 0))
    assert reasons(tmp_path / "again", *BEFORE, *lines) == [
        ("A", "repeated", "two", 1, 0),
        ("B", "repeated", "two", 1, 0),
        ("C", "not_counted", "two", 0, -1),
    ]


def test_another_base(tmp_path):
    """A board that counts on from an older one loses the verdicts in between."""
    lines = (
        *(verdict("A", D), published("two", 1, 1)),
        *(verdict("C", P), published("three", 3, 0)),  # two plus one, as if A were where it was
    )
    assert reasons(tmp_path / "lab", *BEFORE, *lines) == [("A", "stale_base", "three", 1, -1)]


def test_put_right(tmp_path):
    """A mistake that a later board puts right is not carried on, another one is."""
    lines = (
        *(verdict("A", P), published("two", 3, 0)),
        *(verdict("C", D), published("three", 3, 0)),
        *(verdict("B", D), published("four", 2, 1)),
        published("five", 1, 1),
    )
    found = reasons(tmp_path / "lab", *BEFORE, *lines)
    assert found == [("C", "not_counted", "three", 0, -1)]


def test_a_claim_never_counts(tmp_path):
    """A verdict on a name that nobody declared is no row, whatever its status."""
    folder = ledger_of(tmp_path / "lab", [verdict("H-1", D), published("one", 0, 0)])
    assert [each.agrees for each in replayed(folder)] == [True]
    assert board(folder) == []


def test_a_branch_that_is_merged(tmp_path):
    """The main fold is the board of the main line before, between and after two merges."""
    drafts = {
        key: drafts_of(lines)
        for key, lines in {
            "first": [*DECLARED, verdict("A", P)],
            "branch": [verdict("A", D), verdict("B", P), verdict("C", D)],
            "late": [verdict("B", B)],
        }.items()
    }
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.append(drafts["first"], actor=HUMAN)
        branch = [Draft(event=draft.event, branch="try") for draft in drafts["branch"]]
        heads = [receipt.hash for receipt in ledger.append(branch)]
        publish(ledger, 1)
        for number, head in ((2, heads[0]), (3, heads[1])):
            body = {"name": "try", "head": head, "reason": "it is good"}
            ledger.record("branch.merged", body, cites=[head])
            publish(ledger, number)
        ledger.append(drafts["late"])
        publish(ledger, 4)
        folder = ledger.folder
    found = replayed(folder)
    assert [each.folded for each in found] == [(1, 2), (1, 2), (1, 2), (0, 2)]
    assert [each.folded_main for each in found] == [(1, 0), (0, 1), (1, 1), (0, 1)]
    for each in found:
        assert each.folded_main == tally(board(folder, at=each.position - 1))
    named = [[r.row for r in each.explained_by if r.why == "branch_before_main"] for each in found]
    assert named == [["A", "B", "C"], ["B", "C"], ["C"], ["C"]]


def test_other_ledgers_keep_their_rows(tmp_path):
    """A board of another ledger is folded from that ledger's rows, merged or not."""
    rows = [*DECLARED, verdict("A", P), verdict("UNIDENTIFIED-ROW-1", P), published("one", 2, 0)]
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    with Ledger.create(theirs, "example.org/other", actor=HUMAN) as other:
        other.append(drafts_of(rows))
        source = FolderSource(other.folder)
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.append(drafts_of([*DECLARED, verdict("A", D)]))
        merge(ledger, source, branch=None, reason=None)
        ledger.append(drafts_of([published("two", 0, 1)]))
        merge(ledger, source, branch=None, reason="read it")
        ledger.append(drafts_of([published("three", 0, 1)]))
        folder = ledger.folder
    found = {each.board: each for each in replayed(folder)}
    assert {name: (each.agrees, each.folded) for name, each in found.items()} == {
        "example.org/other:one": (True, (2, 0)),
        "two": (True, (0, 1)),
        "three": (True, (0, 1)),
    }
    names = {row["row"]: row["status"] for row in board(folder)}
    assert names["example.org/other:UNIDENTIFIED-ROW-1"] == SHORT[P]
    assert names["A"] == SHORT[D]


ALIASES = {"A": {"falsifier": "F"}, "B": {"alias": "S"}, "C": {}}
LINES = st.lists(
    st.one_of(
        st.sampled_from(ROWS).map(lambda row: declared(row, **ALIASES[row])),
        st.builds(
            verdict,
            st.sampled_from((*ROWS, "F", "S", "UNIDENTIFIED-ROW-7", "H-1")),
            st.sampled_from(list(SHORT)),
            branch=st.booleans(),
        ),
        st.builds(
            published,
            st.sampled_from(("x", "y")),
            st.integers(0, 4),
            st.integers(0, 3),
            st.none() | st.integers(0, 6),
        ),
    ),
    min_size=1,
    max_size=26,
)


@settings(max_examples=15, deadline=None)
@given(LINES)
def test_any_history(tmp_path_factory, lines):
    """Folds are those counted by hand, and the explanations add up, whatever was published."""
    folder = ledger_of(tmp_path_factory.mktemp("any") / "lab", lines)
    found = replayed(folder)
    with open_reader(folder) as db:
        short = find_query("boards").run(db, {}).objects()
    assert [(each.position, *each.folded, each.agrees) for each in found] == [
        tuple(row[name] for name in ("position", "folded_partial", "folded_discharged", "agrees"))
        for row in short
    ]
    for want, each in zip(plain_replay(lines), found, strict=True):
        assert (each.position, each.folded) == (want["position"], want["folded"])
        assert (each.folded_main, each.agrees) == (want["main"], want["agrees"])
        added = [
            sum(getattr(r, key) for r in each.explained_by) for key in ("partial", "discharged")
        ]
        assert added == [each.published[n] - each.folded[n] for n in (0, 1)]
        differs = [r for r in each.explained_by if r.why != "branch_before_main"]
        assert bool(differs) >= (not each.agrees)
