"""The rule on moves: the table of statuses, and what each move needs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import HUMAN, START_US
from zoo_base import HOUR_US, a_lab
from zoo_lab import AGENT

from ledger.rules.needs import NEEDS_ASKED
from ledger.statuses import MEANINGS, MOVES, legal_moves

CLAIM = "claim.moved"
ROWS, CLAIMS = (tuple(MEANINGS[kind]) for kind in ("row", "claim"))


def row_in(lab, status, name="R"):
    """Bring a row into a status by legal means; the number that its verdict goes by, if any."""
    about = {"metric": f"m-{name}", "test": "pytest", "samples": 10}
    premise = lab.claim(f"P-{name}", expires_at=START_US + 15 * HOUR_US)
    row = lab.row(name, **about, cites=(premise,))
    metric, enough = {"metric": about["metric"]}, {"key": {"model": "tiny4", "n": 10}}
    if status == "PARTIAL":
        lab.move(name, "unbound", status, lab.measured(9.0, **metric))
    if status in ("DISCHARGED", "DEMOTED", "STALE"):
        number = lab.measured(2.0, **metric, **enough)
        verdict = lab.verdict(row, number)
        if status == "DEMOTED":
            fallen = lab.refute(number, lab.measured(5.0))
            lab.move(name, "DISCHARGED", status, fallen)
        if status == "STALE":
            for _ in range(15):
                lab.note()
            lab.move(name, "DISCHARGED", status, premise)
        return verdict, number
    if status in ("PROVISIONAL", "FALSIFIED"):
        number = lab.measured(2.0 if status == "PROVISIONAL" else 9.0, **metric)
        return lab.verdict(row, number), number
    if status == "BLOCKED":
        lab.move(name, "unbound", status, blocker(lab, name))
    if status == "SUPERSEDED":
        lab.move(name, "unbound", status, lab.row(f"{name}-new", **about))
    if status == "RETIRED":
        lab.move(name, "unbound", status, lab.note())
    return None, None


def blocker(lab, name):
    """An edge that says that something blocks a row."""
    claim = f"B-{name}"
    lab.claim(claim)
    return lab.say(
        "edge.stated", edge=f"E-{name}", from_name=claim, relation="blocks", to_name=name,
        claim=claim,
    )  # fmt: skip


def claim_in(lab, status, name="C"):
    """Bring a claim into a status by legal means; the number of its test, if any."""
    lab.claim(name)
    number = None
    if status == "SURVIVED":
        number = lab.measured(2.0)
        lab.attack(name, number, other_way=lab.measured(9.0))
    if status in ("REFUTED", "ELIMINATED"):
        number = lab.measured(9.0)
        test = lab.attack(name, number, other_way=lab.measured(2.0))
        if status == "ELIMINATED":
            lab.move(name, "REFUTED", status, test, kind=CLAIM)
    if status == "SUPERSEDED":
        lab.move(name, "UNKNOWN", status, lab.claim(f"{name}-new"), kind=CLAIM)
    if status == "RETRACTED":
        lab.move(name, "UNKNOWN", status, lab.note(), kind=CLAIM)
    return None, number


@pytest.mark.parametrize("status", ROWS)
def test_rows_move_as_the_table_says(lab, status):
    """From every status, every move that is not in the table is refused, with those that are."""
    row_in(lab, status)
    note, legal = lab.note(), {move.to_status for move in legal_moves("row", status)}
    for target in ROWS:
        if target not in legal:
            (said,) = lab.refusal(lambda t=target: lab.move("R", status, t, note))
            assert said.startswith(f"moves: {status} to {target} is no legal move; legal from")


@pytest.mark.parametrize("status", CLAIMS)
def test_claims_move_as_the_table_says(lab, status):
    """The same of claims."""
    claim_in(lab, status)
    note, legal = lab.note(), {move.to_status for move in legal_moves("claim", status)}
    for target in CLAIMS:
        if target not in legal:
            (said,) = lab.refusal(lambda t=target: lab.move("C", status, t, note, kind=CLAIM))
            assert said.startswith(f"moves: {status} to {target} is no legal move; legal from")


def evidence_for(lab, move, number):
    """What a move rests on."""
    if move.need.name == "falsifier":
        return lab.measured(9.0, metric="m-R")
    if move.need.name == "fallen":
        return lab.refute(number, lab.measured(4.0, metric="again"))
    if move.need.name == "premise":
        for _ in range(15):
            lab.note()
        with lab.ledger.recorder.caught_up() as state:
            return "sha256:" + state.standing("claim/P-R")[1].hex()
    if move.need.name == "blocker":
        return blocker(lab, "R")
    if move.need.name == "replacement" and move.subject_type == "row":
        return lab.row("NEW", metric="m-R", samples=10)
    if move.need.name == "replacement":
        return lab.claim("NEW")
    return lab.note()


TYPED = [
    move
    for move in MOVES
    if move.need.name in NEEDS_ASKED and move.need.name not in ("every member", "other way")
]


@pytest.mark.parametrize(
    "move", TYPED, ids=lambda m: f"{m.subject_type} {m.from_status} {m.to_status}"
)
def test_every_legal_move_is_possible(lab, move):
    """With what it needs, every move of the table is accepted."""
    is_row = move.subject_type == "row"
    _, number = (row_in if is_row else claim_in)(lab, move.from_status)
    evidence = evidence_for(lab, move, number)
    name, kind = ("R", "row.moved") if is_row else ("C", CLAIM)
    said = lab.refusal(
        lambda: lab.move(name, move.from_status, move.to_status, evidence, kind=kind)
    )
    assert said == ()


@pytest.mark.parametrize("status", ["DISCHARGED", "FALSIFIED", "PROVISIONAL"])
def test_what_follows_from_numbers_is_not_typed(lab, status):
    """No row is moved to what a verdict gives."""
    lab.row()
    note = lab.note()
    (said,) = lab.refusal(lambda: lab.move("LOSS", "unbound", status, note))
    assert said.startswith(f"moves: {status} is not typed, it follows from numbers: `ledger judge`")


def test_from_where_it_stands(lab):
    """A move names the status that the subject is in."""
    lab.row()
    note = lab.note()
    said = lab.refusal(lambda: lab.move("LOSS", "DISCHARGED", "RETIRED", note))
    assert said == ("moves: LOSS is unbound, not DISCHARGED",)


def test_what_a_move_rests_on_is_named_and_cited(lab):
    """Evidence is named, cited, of the right kind, and not refuted."""
    lab.row()
    note = lab.note()
    for evidence, cites in ((None, ()), (note, ())):
        (said,) = lab.refusal(
            lambda e=evidence, c=cites: lab.move("LOSS", "unbound", "RETIRED", e, cites=c)
        )
        assert said.startswith("moves: it names in `evidence`, and cites, what it rests on: the")
    (said,) = lab.refusal(lambda: lab.move("LOSS", "unbound", "PARTIAL", note))
    assert said.startswith("moves: note.added does not carry this move; it needs a measurement of")
    lab.refute(note, lab.measured(1.0))
    (said,) = lab.refusal(lambda: lab.move("LOSS", "unbound", "RETIRED", note))
    assert said == "moves: position 2 (note.added) was refuted"


@pytest.mark.parametrize(
    ("row", "number", "says"),
    [
        ({"test": None}, {"value": 9.0}, "LOSS names no test: declare how it is tested"),
        ({}, {"value": 1.0}, "meets the demand: it does not show that the test can fail"),
        ({}, {"value": 9.0, "metric": "m"}, "the evidence measures m, the criterion asks for"),
        ({}, {"value": "NaN"}, "NaN cannot be held against 3.0"),
        ({}, {"value": 9.0, "provenance": "synthetic"}, "is synthetic, not measured"),
    ],
)
def test_falsifiers(lab, row, number, says):
    """PARTIAL needs a test, and a measured number on which it fails."""
    lab.row(**{"test": "pytest"} | row)
    fault = lab.measured(**number)
    (said,) = lab.refusal(lambda: lab.move("LOSS", "unbound", "PARTIAL", fault))
    assert says in said


def test_what_falls_is_what_it_rests_on(lab):
    """A refutation of something else, or a mark of another run, demotes nothing."""
    _, number = row_in(lab, "DISCHARGED")
    other, run = lab.measured(7.0), lab.begin()
    lab.number(run, 1.0)
    refuted, marked = lab.refute(other, lab.measured(6.0)), lab.mark(run)
    (said,) = lab.refusal(lambda: lab.move("R", "DISCHARGED", "DEMOTED", refuted))
    assert said.endswith("refutes something that R does not rest on")
    (said,) = lab.refusal(lambda: lab.move("R", "DISCHARGED", "DEMOTED", marked))
    assert said.endswith("takes nothing away that R rests on")
    own = lab.mark(lab.event(number).run)
    lab.mark(lab.event(number).run, "SOUND")
    (said,) = lab.refusal(lambda: lab.move("R", "DISCHARGED", "DEMOTED", own))
    assert "is sound since position" in said


def test_a_test_of_an_earlier_member_falls(lab):
    """A claim over a set rests on the tests of all of its members."""
    for member in "ab":
        lab.say("member.added", set="S", member=member, title="one")
    lab.claim("C", over="S")
    fault, numbers = lab.measured(9.0), [lab.measured(2.0), lab.measured(2.1)]
    tests = [
        lab.attack("C", number, other_way=fault, member=member)
        for member, number in zip("ab", numbers, strict=True)
    ]
    lab.move("C", "UNKNOWN", "SURVIVED", tests[1], kind=CLAIM)
    fallen = lab.refute(numbers[0], lab.measured(8.0))
    assert lab.refusal(lambda: lab.move("C", "SURVIVED", "UNKNOWN", fallen, kind=CLAIM)) == ()
    (said,) = lab.refusal(lambda: lab.move("C", "UNKNOWN", "SURVIVED", tests[1], kind=CLAIM))
    assert said == "moves: not tested in S: a"


def test_every_member(lab):
    """All members, by tests of this claim, of a set that has some; a new one opens it again."""
    lab.claim("C", over="S")
    lab.claim("D")
    fault = lab.measured(9.0)
    other = lab.attack("D", lab.measured(2.0), other_way=fault)
    (said,) = lab.refusal(lambda: lab.move("C", "UNKNOWN", "SURVIVED", None, kind=CLAIM))
    assert said.startswith("moves: it names in `evidence`")
    said = lab.refusal(lambda: lab.move("C", "UNKNOWN", "SURVIVED", other, kind=CLAIM))
    assert said == (
        "moves: the test is one of D", "moves: not tested in S: it has no members",
    )  # fmt: skip
    lab.claim("E")
    said = lab.refusal(lambda: lab.move("E", "UNKNOWN", "SURVIVED", other, kind=CLAIM))
    assert said == ("moves: E is not about a set; its test alone gives its fate",)
    lab.say("member.added", set="S", member="a", title="one")
    test = lab.attack("C", lab.measured(2.0), other_way=fault, member="a")
    lab.move("C", "UNKNOWN", "SURVIVED", test, kind=CLAIM)
    lab.say("member.added", set="S", member="b", title="another")
    (said,) = lab.refusal(lambda: lab.move("C", "UNKNOWN", "SURVIVED", test, kind=CLAIM))
    assert said == "moves: not tested in S: b"


def test_elimination(lab):
    """It goes by a test of this claim that refuted it and can come out the other way."""
    lab.claim("C")
    lab.claim("D")
    bad, good = lab.measured(9.0), lab.measured(2.0)
    one_way = lab.attack("C", bad)
    other = lab.attack("D", lab.measured(2.2), other_way=bad)

    def eliminate(test):
        return lab.refusal(lambda: lab.move("C", "REFUTED", "ELIMINATED", test, kind=CLAIM))

    assert eliminate(other) == ("moves: the test says that D SURVIVED",)
    assert eliminate(one_way)[0].startswith("moves: nothing shows that its test comes out the")
    both = lab.attack("C", bad, other_way=good)
    lab.refute(good, lab.measured(8.0))
    assert eliminate(both)[0].endswith("was refuted")
    again = lab.attack("C", bad, other_way=lab.measured(1.9))
    assert eliminate(again) == ()


def test_a_premise_that_stands_or_is_another(lab):
    """STALE is by a claim that the verdict rests on, and that fell."""
    row_in(lab, "DISCHARGED")
    other = lab.claim("Q")
    said = lab.refusal(lambda: lab.move("R", "DISCHARGED", "STALE", other))
    assert said[0].endswith("states a claim that still stands")
    assert said[1] == "moves: R does not rest on Q"


def test_blockers(lab):
    """An edge that says something else, or whose claim fell, blocks nothing."""
    lab.row("R")
    lab.row("S")
    edge = blocker(lab, "S")
    (said,) = lab.refusal(lambda: lab.move("R", "unbound", "BLOCKED", edge))
    assert said == "moves: the edge says B-S blocks S"
    lab.attack("B-S", lab.measured(9.0))
    (said,) = lab.refusal(lambda: lab.move("S", "unbound", "BLOCKED", edge))
    assert said == "moves: B-S, which says so, is REFUTED"


@pytest.mark.parametrize(
    ("new", "actor", "says"),
    [
        ({"blocking": False}, HUMAN, "LOSS is blocking, NEW is not"),
        ({"model": "tiny5"}, HUMAN, "NEW is listed under tiny5, not tiny4"),
        ({"threshold": 4.0}, AGENT, "(threshold)"),
        ({"noise": 0.5}, AGENT, "(threshold)"),
        ({"operator": "<"}, AGENT, "(threshold)"),
        ({"samples": 5}, AGENT, "(samples)"),
        ({"metric": "m"}, AGENT, "(metric)"),
        ({"binding": {}}, AGENT, "(binding)"),
        ({"requires": None}, AGENT, "(requires)"),
        ({"rests_on": None}, AGENT, "(rests_on)"),
        ({"provenance": None}, AGENT, "(provenance)"),
        ({"control_high": 9}, AGENT, "(control_metric)"),
        (
            {"control_metric": None, "control_low": None, "control_high": None},
            AGENT,
            "(control_metric)",
        ),
    ],
)
def test_what_takes_the_place_of_a_blocking_row(lab, new, actor, says):
    """It blocks, for the same model; only a person lets it ask for less."""
    lab.row("FIRST", metric="m0")
    terms = {
        "samples": 9, "requires": ["FIRST"], "rests_on": ["comparison.made"],
        "provenance": ["derived"], "control_metric": "k", "control_low": 0, "control_high": 1,
    }  # fmt: skip
    lab.row(**terms)
    evidence = lab.row("NEW", **terms | new)
    (said,) = lab.refusal(lambda: lab.move("LOSS", "unbound", "SUPERSEDED", evidence, actor=actor))
    assert says in said
    if actor == AGENT:
        assert lab.refusal(lambda: lab.move("LOSS", "unbound", "SUPERSEDED", evidence)) == ()


def test_a_replacement_that_is_none(lab):
    """Itself, a declaration of old, a row that is over, and one that a result meets already."""
    own = lab.row()
    old = lab.row("NEW", threshold=2.0)
    lab.row("NEW", threshold=2.5, supersedes=old)
    over = lab.row("OVER")
    lab.move("OVER", "unbound", "RETIRED", lab.note())

    def replace(evidence):
        return lab.refusal(lambda: lab.move("LOSS", "unbound", "SUPERSEDED", evidence))

    assert replace(own) == ("moves: LOSS does not take its own place",)
    assert replace(old) == ("moves: position 2 is not the demand in force of NEW",)
    assert replace(over) == ("moves: OVER is RETIRED itself",)
    claim = lab.claim("C")
    assert replace(claim) == ("moves: a row is not replaced by claim.stated",)
    lab.measured(5.0)
    lax = lab.row("LAX", threshold=6.0)
    assert replace(lax) == (
        "moves: a result on record meets LAX and does not meet LOSS: declare LOSS anew, with "
        "`supersedes` and `seen`",
    )


def test_claims_that_replace_claims(lab):
    """A claim is replaced by another one that stands."""
    own, other, row = lab.claim("C"), lab.claim("D"), lab.row()

    def replace(evidence):
        return lab.refusal(lambda: lab.move("C", "UNKNOWN", "SUPERSEDED", evidence, kind=CLAIM))

    assert replace(own) == ("moves: C does not take its own place",)
    assert replace(row) == ("moves: a claim is not replaced by criterion.declared",)
    lab.attack("D", lab.measured(9.0))
    assert replace(other) == ("moves: D is REFUTED itself",)


def test_retirement(lab):
    """Only a person retires a blocking row; anyone retires another."""
    lab.row()
    lab.row("NICE", blocking=False)
    note = lab.note()
    said = lab.refusal(lambda: lab.move("LOSS", "unbound", "RETIRED", note, actor=AGENT))
    assert said == ("moves: LOSS is blocking: only a person retires it, not agent:smith",)
    said = lab.refusal(lambda: lab.move("NICE", "unbound", "RETIRED", note, actor=AGENT))
    assert said == ()


def test_a_row_that_is_over_is_not_judged(lab):
    """No verdict brings a retired row back."""
    row = lab.row()
    number = lab.measured(2.0)
    lab.move("LOSS", "unbound", "RETIRED", lab.note())
    said = lab.refusal(lambda: lab.verdict(row, number))
    assert said == ("moves: LOSS is RETIRED, and there is no way out of that",)


@settings(max_examples=12)
@given(targets=st.lists(st.sampled_from(ROWS), min_size=1, max_size=5))
def test_no_way_leads_out_of_the_end(targets):
    """Whatever is tried with notes alone, a row is retired once, and stays so."""
    with a_lab() as lab:
        lab.row()
        now = "unbound"
        for target in targets:
            note = lab.note()
            said = lab.refusal(lambda t=target, n=note, f=now: lab.move("LOSS", f, t, n))
            assert (said == ()) == (target == "RETIRED" and now == "unbound")
            now = "RETIRED" if said == () else now
