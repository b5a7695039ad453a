"""Mistakes with claims, what they rest on, and what takes something away."""

from ledgers import HUMAN, START_US
from zoo_base import HOUR_US, Specimen
from zoo_lab import AGENT, Lab

CLAIM = "claim.moved"


def _survives_unattacked(lab: Lab) -> tuple[str, ...]:
    lab.claim()
    number = lab.measured(2.0)
    return lab.refusal(lambda: lab.attack("H-1", number))


def _typed_other_way(lab: Lab) -> tuple[str, ...]:
    lab.claim()
    number = lab.measured(2.0)
    typed = lab.number(None, 99.0, provenance="asserted", actor=HUMAN)
    return lab.refusal(lambda: lab.attack("H-1", number, other_way=typed))


def _other_way_elsewhere(lab: Lab) -> tuple[str, ...]:
    lab.claim()
    number, other = lab.measured(2.0), lab.measured(9.0, metric="gap", unit="ratio")
    return lab.refusal(lambda: lab.attack("H-1", number, other_way=other))


def _text_for_other_way(lab: Lab) -> tuple[str, ...]:
    lab.claim()
    number, other = lab.measured(2.0), lab.measured("broken")
    return lab.refusal(lambda: lab.attack("H-1", number, other_way=other))


def _stated_after(lab: Lab) -> tuple[str, ...]:
    number, fault = lab.measured(2.0), lab.measured(7.0)
    lab.claim()
    return lab.refusal(lambda: lab.attack("H-1", number, other_way=fault))


def _outcome_typed(lab: Lab) -> tuple[str, ...]:
    lab.claim()
    fault, number = lab.measured(2.0), lab.measured(3.6)
    return lab.refusal(lambda: lab.attack("H-1", number, other_way=fault, outcome="SURVIVED"))


def _tested_by_memory(lab: Lab) -> tuple[str, ...]:
    lab.claim()
    number = lab.number(None, 8.0, provenance="asserted", actor=HUMAN)
    return lab.refusal(lambda: lab.attack("H-1", number))


def _eliminated_untested(lab: Lab) -> tuple[str, ...]:
    lab.claim("H-GPU", text="the fault is on the GPU")
    test = lab.attack("H-GPU", lab.measured(-0.005, metric="cosine", unit="ratio"), ">", 0.5)
    return lab.refusal(lambda: lab.move("H-GPU", "REFUTED", "ELIMINATED", test, kind=CLAIM))


def _exhausted_too_early(lab: Lab) -> tuple[str, ...]:
    for member in ("code", "prose", "law"):
        lab.say("member.added", set="corpora", member=member, title=f"a corpus of {member}")
    lab.claim("H-ALL", over="corpora", text="no corpus helps")
    fault = lab.measured(1.4)
    number = lab.measured(2.6)
    test = lab.attack("H-ALL", number, ">", 2.0, other_way=fault, member="code")
    return lab.refusal(lambda: lab.move("H-ALL", "UNKNOWN", "SURVIVED", test, kind=CLAIM))


def _moved_by_refuted_test(lab: Lab) -> tuple[str, ...]:
    lab.claim("H-GPU", text="the fault is on the GPU")
    fault = lab.measured(0.9, metric="cosine", unit="ratio")
    number = lab.measured(0.1, metric="cosine", unit="ratio")
    test = lab.attack("H-GPU", number, ">", 0.5, other_way=fault)
    lab.refute(test, lab.measured(0.8, metric="cosine_again", unit="ratio"))
    return lab.refusal(lambda: lab.move("H-GPU", "REFUTED", "ELIMINATED", test, kind=CLAIM))


def _premise_ran_out(lab: Lab) -> tuple[str, ...]:
    stated = lab.claim("P-1", text="the kernel is not wired", expires_at=START_US + 3 * HOUR_US)
    for _ in range(50):
        lab.note("other work")
    return lab.refusal(lambda: lab.claim("H-2", cites=(stated,)))


def _premise_refuted(lab: Lab) -> tuple[str, ...]:
    stated = lab.claim()
    lab.attack("H-1", lab.measured(8.0))
    return lab.refusal(lambda: lab.claim("H-2", cites=(stated,)))


def _premise_below(lab: Lab) -> tuple[str, ...]:
    stated = lab.claim()
    row = lab.row(cites=(stated,))
    lab.attack("H-1", lab.measured(8.0))
    good = lab.measured(2.0)
    return lab.refusal(lambda: lab.verdict(row, good))


def _refuted_by_words(lab: Lab) -> tuple[str, ...]:
    number, note = lab.measured(8.0), lab.note("that cannot be right")
    return lab.refusal(lambda: lab.refute(number, note))


def _refuted_by_memory(lab: Lab) -> tuple[str, ...]:
    number = lab.measured(8.0)
    typed = lab.number(None, 2.0, provenance="asserted", actor=HUMAN)
    return lab.refusal(lambda: lab.refute(number, typed))


def _foreign_mark(lab: Lab) -> tuple[str, ...]:
    run = lab.begin()
    lab.number(run, 1.0)
    mark = lab.mark(run)
    disliked = lab.measured(8.0)
    return lab.refusal(lambda: lab.refute(disliked, mark))


def _rests_on_refuted(lab: Lab) -> tuple[str, ...]:
    number = lab.measured(2.0)
    lab.refute(number, lab.measured(8.0, metric="loss_recomputed"))
    return lab.refusal(lambda: lab.claim("H-2", cites=(number,)))


def _circle_of_causes(lab: Lab) -> tuple[str, ...]:
    for name in ("A", "B", "C", "H-1"):
        lab.claim(name)

    def edge(name: str, start: str, end: str) -> str:
        return lab.say(
            "edge.stated", edge=name, from_name=start, relation="causes", to_name=end, claim="H-1"
        )

    edge("E-1", "A", "B")
    edge("E-2", "B", "C")
    return lab.refusal(lambda: edge("E-3", "C", "A"))


def _unknown_row(lab: Lab) -> tuple[str, ...]:
    return lab.refusal(lambda: lab.row(requires=["SHIP-09"]))


def _alias_for_row(lab: Lab) -> tuple[str, ...]:
    lab.row("GATE-004", aliases=["GPU-005"])
    return lab.refusal(lambda: lab.row(requires=["GPU-005"]))


def _marked_sound(lab: Lab) -> tuple[str, ...]:
    run = lab.begin()
    lab.number(run, 1.0)
    lab.mark(run)
    return lab.refusal(lambda: lab.mark(run, "SOUND", actor=AGENT))


def _marked_by_words(lab: Lab) -> tuple[str, ...]:
    run = lab.begin()
    lab.number(run, 8.0)
    return lab.refusal(lambda: lab.mark(run, monitor=None, why="I do not like it"))


def _refuted_by_an_older(lab: Lab) -> tuple[str, ...]:
    liked, disliked = lab.measured(2.0), lab.measured(8.0)
    return lab.refusal(lambda: lab.refute(disliked, liked))


CLAIMS = (
    Specimen("survived a test that cannot fail", "attempts", "nothing shows that the test can "
             "fail", _survives_unattacked),
    Specimen("other way by another metric", "attempts", "the planted fault was measured by "
             "something else", _other_way_elsewhere),
    Specimen("other way in words", "attempts", "the planted fault is the text `broken`",
             _text_for_other_way),
    Specimen("stated after the number", "attempts", "a claim stated once its number was on record",
             _stated_after),
    Specimen("outcome typed", "attempts", "SURVIVED typed over 3.6 against at most 3",
             _outcome_typed),
    Specimen("tested by memory", "provenance", "a claim refuted by a number with no run",
             _tested_by_memory),
    Specimen("planted fault typed", "provenance", "the planted fault is a number that somebody "
             "typed", _typed_other_way),
    Specimen("eliminated too early", "moves", "the GPU is cleared by a test that never came out "
             "the other way", _eliminated_untested),
    Specimen("exhausted too early", "moves", "all of three corpora, of which one was tested",
             _exhausted_too_early),
    Specimen("moved by a refuted test", "moves", "eliminated by a test that was refuted since",
             _moved_by_refuted_test),
    Specimen("stale premise", "premises", "a plan that rests on a claim which ran out two days ago",
             _premise_ran_out),
    Specimen("refuted premise", "premises", "a claim that rests on a refuted one",
             _premise_refuted),
    Specimen("premise of the demand", "premises", "a verdict on a row whose own premise is refuted",
             _premise_below),
    Specimen("refuted by words", "refutation", "a bad number refuted by a note", _refuted_by_words),
    Specimen("refuted by memory", "refutation", "a bad number refuted by a remembered one",
             _refuted_by_memory),
    Specimen("refuted by an older number", "refutation", "a bad number refuted by the good one "
             "before it", _refuted_by_an_older),
    Specimen("mark of another run", "refutation", "a number refuted by the mark of a run it does "
             "not come from", _foreign_mark),
    Specimen("resting on the refuted", "refutation", "a claim that cites a refuted number",
             _rests_on_refuted),
    Specimen("causes in a circle", "edges", "A causes B, B causes C, C causes A",
             _circle_of_causes),
    Specimen("row that is not there", "names", "a row requires one that nobody declared",
             _unknown_row),
    Specimen("alias for a row", "names", "a row is required by its other name", _alias_for_row),
    Specimen("own run called sound", "marks", "an agent takes back the mark of a monitor",
             _marked_sound),
    Specimen("marked by words", "marks", "a run marked INVALID with no monitor behind it",
             _marked_by_words),
)  # fmt: skip
