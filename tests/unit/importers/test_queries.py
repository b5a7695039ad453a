import collections

import pytest
from histories import history_bytes
from ledgers import HUMAN, new_ledger

from ledger.importers import find_importer, read_drafts, take_in
from ledger.queries import find_query
from ledger.store.reader import open_reader

PARTIAL, DISCHARGED = "PARTIAL_ALGORITHM_LEVEL", "DISCHARGED"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a ledger that holds the history and nothing else."""
    with new_ledger(tmp_path_factory.mktemp("history") / "lab") as ledger:
        ledger.actor = HUMAN
        take_in(ledger, read_drafts(find_importer("ship-two"), history_bytes()))
        return ledger.folder


def ask(folder, name, at=None, **given):
    """Rows of a named query as mappings. The first entry is position 0, so position = line."""
    with open_reader(folder, at=at) as db:
        return find_query(name).run(db, given).objects()


def test_published_boards_against_their_fold(folder):
    """19 of 54 agree: v2.24 to v2.33, and from v2.74 on, where agreement is by construction."""
    boards = ask(folder, "boards")
    agreeing = [board["board"] for board in boards if board["agrees"]]
    named = [f"tally-v2.{n}" for n in range(24, 34)]
    constructed = ["tally-v2.74", "tally-v2.75", "tally-v2.76", "scoreboard-§29"]
    constructed += [f"tally-v2.{n}" for n in (77, 88, 89, 90, 93)]
    assert len(boards) == 54
    assert agreeing == named + constructed


@pytest.mark.parametrize(
    ("board", "published", "folded"),
    [
        ("tally-v2.24", (8, 3), (8, 3)),  # four of the eight stood on a branch
        ("tally-v2.34", (18, 3), (17, 3)),  # row 017 counted again as it reached the main line
        ("tally-v2.37", (21, 3), (17, 3)),  # 020, 018 and 016 too
        ("tally-v2.46", (40, 5), (37, 5)),  # two left PARTIAL, one of them had never been there
        ("tally-v2.50", (38, 7), (35, 7)),
        ("tally-v2.51", (39, 6), (34, 8)),  # counted on from v2.46: two discharges are lost
        ("tally-v2.58", (33, 12), (28, 14)),
        ("tally-v2.73", (33, 12), (28, 15)),  # the last that disagrees
        ("tally-v2.93", (36, 20), (36, 20)),
    ],
)
def test_boards_counted_by_hand(folder, board, published, folded):
    """Rows on earlier lines, branches included, each once in its latest status."""
    (row,) = [row for row in ask(folder, "boards") if row["board"] == board]
    assert (row["partial"], row["discharged"]) == published
    assert (row["folded_partial"], row["folded_discharged"]) == folded


def test_the_board_counts_each_declared_row_once(folder):
    """24 criteria, 12 gates, 18 invariants and 13 unidentified rows; no claim among them."""
    board = ask(folder, "board")
    families = collections.Counter(row["family"] for row in board)
    assert families == {"criterion": 24, "gate": 12, "invariant": 18, "unidentified": 13}
    statuses = collections.Counter(row["status"] for row in board)
    assert statuses == {DISCHARGED: 27, PARTIAL: 29, "unbound": 11}
    assert len({row["row"] for row in board}) == 67
    assert not any(row["row"].startswith("H-") for row in board)


def test_a_criterion_is_the_row_of_its_falsifier(folder):
    """The verdict on AC-SHIP2-010 discharges FALSIFY-SHIP-020."""
    (row,) = [row for row in ask(folder, "board") if row["row"] == "FALSIFY-SHIP-020"]
    assert (row["status"], row["value"], row["verdict_position"]) == (DISCHARGED, 325.1, 793)
    assert row["metric"] == "decode_tok_s >= 100 tok/s"


def test_a_verdict_on_a_branch_stays_off_the_main_line(folder):
    """At v2.24 the row 017 is still unbound here, though the published board counts it."""
    rows = {row["row"]: row for row in ask(folder, "board", at=99)}
    assert rows["FALSIFY-SHIP-017"]["status"] == "unbound"
    assert rows["FALSIFY-SHIP-008"]["status"] == PARTIAL
    main = collections.Counter(row["status"] for row in rows.values())
    assert (main[PARTIAL], main[DISCHARGED]) == (4, 3)


def test_what_is_not_said_is_not_shown_as_text(folder):
    """A gate states a number without a metric, an invariant states neither."""
    metrics = {row["row"]: row["metric"] for row in ask(folder, "board")}
    assert metrics["GATE-SHIP-001"] == "threshold 10"
    assert not metrics["INV-TRAIN-001"]


def test_claims_have_their_fates(folder):
    """19 claims, none left open."""
    claims = ask(folder, "claims")
    fates = collections.Counter(row["fate"] for row in claims)
    assert fates == {
        "REFUTED": 11,
        "SUPERSEDED": 3,
        "STALE": 2,
        "RETRACTED": 1,
        "ELIMINATED": 1,
        "UNIT_ERROR": 1,
    }
    assert claims[0]["claim"] == "H-TEACHER-87.20"


def test_runs_end_as_reported(folder):
    """A run whose authors do not say how it ended has ended all the same."""
    outcomes = {row["run"]: row["outcome"] for row in ask(folder, "runs")}
    assert len(outcomes) == 18
    assert outcomes["broken-5k"] == "INVALID"
    assert outcomes["cuda-50step"] == "ABORTED"
    assert outcomes["p2e"] == "ended"
    assert "open" not in outcomes.values()


def test_training_curves(folder):
    """100 steps of the CUDA run, from 11.02276; the best epoch of the last run is 4.6227."""
    curve = ask(folder, "curve", run="cuda-50step", metric="train_loss")
    assert [row["step"] for row in curve] == list(range(100))
    assert (curve[0]["value"], curve[0]["position"]) == (11.02276, 291)
    epochs = ask(folder, "epochs", run="p2e")
    assert (epochs[-1]["epoch"], epochs[-1]["val_loss"]) == (49, 4.6227)
    assert len(ask(folder, "epochs")) == 241


def test_sections_as_registered(folder):
    """114 registrations, the first of version 1.0.0."""
    sections = ask(folder, "sections")
    assert len(sections) == 114
    assert sections[0]["to_version"] == "1.0.0"
    assert sections[-1]["section"] == "§89"
