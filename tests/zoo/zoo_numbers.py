"""Mistakes with numbers: verdicts that the numbers do not give, and numbers that carry none."""

from ledgers import HUMAN
from zoo_base import Specimen
from zoo_lab import Lab

PERCENT = {"metric": "pass_rate", "unit": "percent"}


def _typed(lab: Lab) -> tuple[str, ...]:
    row, number = lab.row(), lab.measured(3.4)
    return lab.refusal(lambda: lab.verdict(row, number, status="DISCHARGED"))


def _typed_threshold(lab: Lab) -> tuple[str, ...]:
    row, number = lab.row(), lab.measured(3.4)
    return lab.refusal(lambda: lab.verdict(row, number, threshold=3.5, status="DISCHARGED"))


def _truth_for_a_number(lab: Lab) -> tuple[str, ...]:
    row = lab.row(metric="crashes", unit="count", operator="==", threshold=1)
    number = lab.measured(1, metric="crashes", unit="count")
    return lab.refusal(lambda: lab.verdict(row, number, value=True))


def _no_allowance(lab: Lab) -> tuple[str, ...]:
    row = lab.row(metric="score", unit="percent", operator=">=", threshold=70, noise=0.5)
    number = lab.measured(69.0, metric="score", unit="percent")
    return lab.refusal(lambda: lab.verdict(row, number, noise=1.5, status="DISCHARGED"))


def _first_items(lab: Lab) -> tuple[str, ...]:
    row = lab.row(**PERCENT, operator=">=", threshold=75, samples=164)
    number = lab.measured(80.0, **PERCENT, key={"model": "tiny4", "n": 10})
    return lab.refusal(lambda: lab.verdict(row, number, status="DISCHARGED"))


def _from_memory(lab: Lab) -> tuple[str, ...]:
    row = lab.row(**PERCENT, operator=">=", threshold=85)
    number = lab.number(None, 87.2, **PERCENT, provenance="asserted", actor=HUMAN)
    return lab.refusal(lambda: lab.verdict(row, number))


def _scripted(lab: Lab) -> tuple[str, ...]:
    row = lab.row(metric="step_ms", unit="ms", threshold=500)
    number = lab.measured(
        212.5, facts={"provenance": "synthetic"}, metric="step_ms", unit="ms",
        provenance="synthetic",
    )  # fmt: skip
    return lab.refusal(lambda: lab.verdict(row, number))


def _derived_from_scripted(lab: Lab) -> tuple[str, ...]:
    row, run = lab.row(), lab.begin()
    loss = lab.number(run, 2.0, provenance="synthetic")
    number = lab.number(run, 2.0, provenance="derived", cites=(loss,))
    return lab.refusal(lambda: lab.verdict(row, number))


def _marked_run(lab: Lab) -> tuple[str, ...]:
    row, run = lab.row(), lab.begin()
    number = lab.number(run, 1.0)
    lab.mark(run)
    return lab.refusal(lambda: lab.verdict(row, number))


def _without_the_comparison(lab: Lab) -> tuple[str, ...]:
    row = lab.row(rests_on=["comparison.made"])
    number = lab.measured(1.5)
    return lab.refusal(lambda: lab.verdict(row, number))


def _other_tokenizer(lab: Lab) -> tuple[str, ...]:
    row = lab.row(binding={"model": "tiny4", "tokenizer": "bpe-50k"})
    number = lab.measured(2.4, key={"model": "tiny4", "tokenizer": "bpe-152k"})
    return lab.refusal(lambda: lab.verdict(row, number))


def _other_unit(lab: Lab) -> tuple[str, ...]:
    row, number = lab.row(), lab.measured(2.4, unit="bits")
    return lab.refusal(lambda: lab.verdict(row, number))


def _one_sample_for_ten(lab: Lab) -> tuple[str, ...]:
    row = lab.row(metric="pass@10", unit="percent", operator=">=", threshold=90)
    key = {"model": "tiny4", "n": 164, "samples_each": 1}
    number = lab.measured(93.0, metric="pass@10", unit="percent", key=key)
    return lab.refusal(lambda: lab.verdict(row, number))


def _with_control(lab: Lab) -> str:
    return lab.row(
        **PERCENT, operator=">=", threshold=60,
        control_metric="known_pass_rate", control_low=78, control_high=82,
    )  # fmt: skip


def _no_control(lab: Lab) -> tuple[str, ...]:
    row = _with_control(lab)
    number = lab.measured(34.1, **PERCENT, key={"model": "tiny4", "harness": "runner-1"})
    return lab.refusal(lambda: lab.verdict(row, number))


def _control_after(lab: Lab) -> tuple[str, ...]:
    row, key = _with_control(lab), {"model": "tiny4", "harness": "runner-1"}
    number = lab.measured(64.0, **PERCENT, key=key)
    known = lab.measured(80.0, metric="known_pass_rate", unit="percent", key=key)
    return lab.refusal(lambda: lab.verdict(row, number, control=known))


def _own_control(lab: Lab) -> tuple[str, ...]:
    row = lab.row(
        **PERCENT, operator=">=", threshold=60,
        control_metric="pass_rate", control_low=60, control_high=90,
    )  # fmt: skip
    number = lab.measured(64.0, **PERCENT, key={"model": "tiny4", "harness": "runner-1"})
    return lab.refusal(lambda: lab.verdict(row, number, control=number))


def _before_what_it_requires(lab: Lab) -> tuple[str, ...]:
    lab.row("LOADS", metric="loads", operator="==", threshold=True, unit=None)
    row, number = lab.row(requires=["LOADS"]), lab.measured(2.0)
    return lab.refusal(lambda: lab.verdict(row, number))


def _required_row_fell(lab: Lab) -> tuple[str, ...]:
    lab.row("FIRST")
    wrong = lab.measured(0.3)
    lab.judge()
    row = lab.row(metric="speed", unit="token/s", operator=">=", threshold=5, requires=["FIRST"])
    number = lab.measured(9.0, metric="speed", unit="token/s")
    lab.refute(wrong, lab.measured(5.5, metric="loss_recomputed"))
    return lab.refusal(lambda: lab.verdict(row, number))


def _waiting_in_a_circle(lab: Lab) -> tuple[str, ...]:
    first = lab.row("A")
    lab.row("B", requires=["A"])
    return lab.refusal(lambda: lab.row("A", requires=["B"], supersedes=first))


def _discharged_twice(lab: Lab) -> tuple[str, ...]:
    row = lab.row()
    lab.measured(2.2)
    lab.judge()
    again = lab.measured(2.1)
    return lab.refusal(lambda: lab.verdict(row, again))


def _judged_without_numbers(lab: Lab) -> tuple[str, ...]:
    lab.row()
    lab.measured(1.5, provenance="synthetic")
    found = lab.judge()["LOSS"]
    return (f"judge: {found.note}",) if found.status == "unknown" else ()


def _judged_by_a_broken_run(lab: Lab) -> tuple[str, ...]:
    lab.row()
    run = lab.begin()
    losses = [5.0 - 0.3137159 * n for n in range(9)] + [1.2511727] * 6
    lab.steps(run, [{"loss": loss} for loss in losses])
    lab.number(run, losses[-1])
    lab.end(run)
    found = lab.judge()["LOSS"]
    return (f"judge: {found.note}",) if found.status == "unknown" else ()


NUMBERS = (
    Specimen("verdict typed", "verdict", "DISCHARGED typed over 3.4 nats against at most 3",
             _typed),
    Specimen("threshold typed", "verdict", "the verdict states a threshold of 3.5; declared is 3",
             _typed_threshold),
    Specimen("true for one", "verdict", "the value typed is true, the evidence has the number 1",
             _truth_for_a_number),
    Specimen("allowance widened", "verdict", "69.0 passed as 70 with an allowance of 1.5; declared "
             "is 0.5", _no_allowance),
    Specimen("first ten of 164", "verdict", "8 of the first 10 solved, called DISCHARGED for 164",
             _first_items),
    Specimen("number from memory", "provenance", "87.2 % that somebody remembers, with no run",
             _from_memory),
    Specimen("scripted step time", "provenance", "a step time that a script wrote", _scripted),
    Specimen("derived from a script", "provenance", "a derived number that rests on a scripted one",
             _derived_from_scripted),
    Specimen("number of a marked run", "provenance", "a loss of 1.0 from a run that a monitor "
             "marked", _marked_run),
    Specimen("no comparison behind it", "provenance", "a distance with no comparison that it came "
             "from", _without_the_comparison),
    Specimen("other tokenizer", "comparability", "a loss over 152k tokens held against a demand "
             "over 50k", _other_tokenizer),
    Specimen("bits for nats", "comparability", "a loss in bits against a threshold in nats",
             _other_unit),
    Specimen("pass@10 of one sample", "samples", "pass@10 from one sample a problem",
             _one_sample_for_ten),
    Specimen("no control", "control", "34.1 % by a harness that never reached a known score",
             _no_control),
    Specimen("control afterwards", "control", "the known score came after the number it vouches "
             "for", _control_after),
    Specimen("its own control", "control", "the number is named as the control of itself",
             _own_control),
    Specimen("before what it requires", "requirements", "the loss discharged though the model was "
             "never seen to load", _before_what_it_requires),
    Specimen("required row fell", "requirements", "the row it requires stands on a refuted number",
             _required_row_fell),
    Specimen("rows in a circle", "requirements", "A is made to require B, which requires A",
             _waiting_in_a_circle),
    Specimen("discharged twice", "no_change", "a discharged row discharged again, to count it "
             "twice", _discharged_twice),
    Specimen("nothing to judge by", "judge", "a row with a synthetic number alone, sent to the "
             "judge", _judged_without_numbers),
    Specimen("judged by a broken run", "judge", "a loss from a run in which it stands still, which "
             "nobody had looked at", _judged_by_a_broken_run),
)  # fmt: skip
