"""What a row is: names and falsifiers, families, models, and that order does not matter."""

import collections

import pytest
from histories import history_lines, line, to_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import criterion
from ledgers import HUMAN, new_ledger
from published_boards import SHORT, board, declared, ledger_of, verdict

from ledger.importers import find_importer, read_drafts
from ledger.queries import find_query
from ledger.recorder import Draft
from ledger.store.reader import open_reader

P, D = SHORT["P"], SHORT["D"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ledger that holds the history and nothing else."""
    return ledger_of(tmp_path_factory.mktemp("history") / "lab", history_lines())


def statuses(directory, *lines):
    """Row → status of a ledger that holds these lines."""
    found = board(ledger_of(directory, lines))
    assert len({row["row"] for row in found}) == len(found)
    return {row["row"]: row["status"] for row in found}


@pytest.mark.parametrize(
    ("family", "count"),
    [("criterion", 24), ("gate", 12), ("invariant", 18), ("falsifier", 22), ("unidentified", 13)],
)
def test_families(folder, family, count):
    """A row has the family it was declared with; those of a falsifier are found as such, too."""
    rows = board(folder, family=family)
    assert len(rows) == count
    if family == "falsifier":
        assert all(row["criterion"].startswith("AC-") for row in rows)
        assert all(row["family"] == "criterion" for row in rows)
    else:
        assert {row["family"] for row in rows} == {family}


def test_families_and_models_are_parts(folder):
    """Four families make the board; the models' rows are those that were listed under them."""
    whole = board(folder)
    parts = ("criterion", "gate", "invariant", "unidentified")
    assert sum(len(board(folder, family=family)) for family in parts) == len(whole)
    models = collections.Counter(row["model"] for row in whole)
    assert models == {"MODEL-1": 12, "MODEL-2": 12, None: 43}
    assert board(folder, model="MODEL-2", family="falsifier") == board(folder, model="MODEL-2")
    assert {row["row"] for row in board(folder, model="MODEL-1")} > {
        row["row"] for row in board(folder, model="MODEL-1", family="falsifier")
    }


def test_names_resolve(tmp_path):
    """The criterion, its falsifier and its alias are one row, in the latest status."""
    row = declared("AC", falsifier="F", alias="S")
    assert statuses(tmp_path / "lab", row) == {"F": "unbound"}
    for number, last in enumerate(("AC", "F", "S")):
        others = [verdict(name, "P") for name in ("AC", "F", "S") if name != last]
        assert statuses(tmp_path / str(number), row, *others, verdict(last, "D")) == {"F": D}


def test_a_falsifier_named_later(tmp_path):
    """A criterion that is declared again with its falsifier stays one row, with its verdicts."""
    lines = (declared("AC"), verdict("AC", "P"), declared("AC", falsifier="F"))
    assert statuses(tmp_path / "lab", *lines) == {"F": P}


def test_an_unidentified_row_that_is_declared(tmp_path):
    """It is one row then, of the family it was declared with; a claim by another name is none."""
    name = "UNIDENTIFIED-ROW-1"
    lines = (verdict(name, "P"), verdict("UNIDENTIFIED-ROW-2", "D"), verdict("H-1", "D"))
    assert statuses(tmp_path / "lab", *lines) == {name: P, "UNIDENTIFIED-ROW-2": D}
    assert statuses(tmp_path / "declared", declared(name), *lines[:1]) == {name: P}


def test_names_of_a_branch_stay_there(tmp_path):
    """A declaration on a branch gives no name to what the main line says."""
    lines = (declared("A"), declared("B"), declared("A", falsifier="B"), verdict("A", "P"))
    drafts = list(read_drafts(find_importer("ship-two"), to_bytes(*lines)))
    drafts[2] = Draft(event=drafts[2].event, branch="try")
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.append(drafts, actor=HUMAN)
        found = board(ledger.folder)
    assert {row["row"]: row["status"] for row in found} == {"A": P, "B": "unbound"}


def test_history_of_the_board(folder):
    """At each of its positions the history of the board counts the rows of the board."""
    with open_reader(folder) as db:
        found = find_query("board_history").run(db, {"points": 8}).objects()
    for at in sorted({row["as_of"] for row in found}):
        counted = {row["status"]: row["row_count"] for row in found if row["as_of"] == at}
        assert counted == collections.Counter(row["status"] for row in board(folder, at=at))


DECLARATIONS = (
    declared("AC-1", falsifier="F-1", alias="S-1", model="M-1"),
    declared("AC-2", falsifier="F-2", metric="loss", op="<=", threshold=3, unit="nats"),
    line("gate_declared", {"title": "g", "ship_blocking": True}, id="G-1"),
    line("invariant_declared", {"title": "i"}, id="I-1"),
)
#: Verdicts on one row keep their order; those on different rows are independent.
VERDICTS = (
    (verdict("AC-1", "P"), verdict("S-1", "D"), verdict("F-1", "P")),
    (verdict("F-2", "D"), verdict("AC-2", "B", branch=True)),
    (verdict("G-1", "P"),),
    (verdict("UNIDENTIFIED-ROW-1", "P"), verdict("UNIDENTIFIED-ROW-1", "D")),
)
SAME = ("row", "family", "criterion", "model", "title", "metric", "status", "value", "blocking")


@st.composite
def orders(draw):
    """The same events in another order: declarations anywhere, verdicts of one row as they were."""
    order = draw(st.permutations([n for n, group in enumerate(VERDICTS) for _ in group]))
    groups = [iter(group) for group in VERDICTS]
    lines = [next(groups[n]) for n in order]
    for one in DECLARATIONS:
        lines.insert(draw(st.integers(0, len(lines))), one)
    return lines


@settings(max_examples=15, deadline=None)
@given(orders())
def test_order_of_independent_events(tmp_path_factory, lines):
    """In whatever order independent events arrive, the board says the same of every row."""
    found = board(ledger_of(tmp_path_factory.mktemp("order") / "lab", lines))
    said = {row["row"]: tuple(row[name] for name in SAME) for row in found}
    assert said == {
        "F-1": ("F-1", "criterion", "AC-1", "M-1", "t", "", P, None, None),
        "F-2": ("F-2", "criterion", "AC-2", None, "t", "loss <= 3 nats", D, None, None),
        "G-1": ("G-1", "gate", None, None, "g", "", P, None, True),
        "I-1": ("I-1", "invariant", None, None, "i", "", "unbound", None, None),
        "UNIDENTIFIED-ROW-1": (
            *("UNIDENTIFIED-ROW-1", "unidentified", None, None),
            *("a row that the history counts without naming it", None, D, None, None),
        ),
    }


def test_a_claim_with_the_name_of_a_row(tmp_path):
    """What is said of a claim changes no row, even one of the same name."""
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.record("criterion.declared", criterion("A", family="falsifier"))
        ledger.record("claim.stated", {"claim": "A", "text": "it holds"})
        note = ledger.record("note.added", {"text": "it was a slip"}).hash
        moved = {"subject": "A", "from_status": "UNKNOWN", "to_status": "RETRACTED"}
        evidence = {"reason": "a slip", "evidence": note}
        ledger.record("claim.moved", moved | evidence, cites=[note])
        folder = ledger.folder
    assert [row["status"] for row in board(folder)] == ["unbound"]
    assert [row["row"] for row in board(folder, family="falsifier")] == ["A"]
    with open_reader(folder) as db:
        history = find_query("board_history").run(db, {"points": 1}).objects()
    assert [(row["status"], row["row_count"]) for row in history] == [("unbound", 1)]
