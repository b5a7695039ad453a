"""Mistakes with rows: thresholds that move, rows that disappear, what is published nonetheless."""

from zoo_base import Specimen
from zoo_lab import AGENT, Lab

DIGEST, OTHER = "sha256:" + "5a" * 32, "sha256:" + "c3" * 32


def _moved_after(lab: Lab) -> tuple[str, ...]:
    strict = lab.row(threshold=2.0)
    lab.measured(4.1)
    lab.judge()
    return lab.refusal(lambda: lab.row(supersedes=strict, threshold=4.2))


def _allowance_after(lab: Lab) -> tuple[str, ...]:
    strict = lab.row(threshold=1e-5)
    lab.measured(8e-4)
    return lab.refusal(lambda: lab.row(supersedes=strict, threshold=1e-5, noise=1e-3))


def _control_dropped(lab: Lab) -> tuple[str, ...]:
    control = {"control_metric": "known", "control_low": 0.0, "control_high": 1.0}
    strict = lab.row(**control)
    lab.measured(2.5)
    return lab.refusal(lambda: lab.row(supersedes=strict))


def _fewer_samples(lab: Lab) -> tuple[str, ...]:
    strict = lab.row(samples=500)
    lab.measured(2.5, key={"model": "tiny4", "n": 12})
    return lab.refusal(lambda: lab.row(supersedes=strict, samples=10))


def _seen_on_a_branch(lab: Lab) -> tuple[str, ...]:
    strict = lab.row(threshold=2.0)
    run = lab.begin(branch="try/a")
    number = lab.number(run, 4.1, branch="try/a")
    lax = lab.row(supersedes=strict, threshold=4.2)
    lab.say("branch.merged", cites=(number,), name="try/a", head=number, reason="reviewed")
    return lab.refusal(lambda: lab.verdict(lax, number))


def _same_name(lab: Lab) -> tuple[str, ...]:
    lab.row()
    return lab.refusal(lambda: lab.row(threshold=5.0))


def _other_metric(lab: Lab) -> tuple[str, ...]:
    strict = lab.row()
    lab.measured(3.9)
    lab.judge()
    return lab.refusal(lambda: lab.row(supersedes=strict, metric="loss_best"))


def _other_model(lab: Lab) -> tuple[str, ...]:
    strict = lab.row()
    return lab.refusal(
        lambda: lab.row(supersedes=strict, model="tiny5", binding={"model": "tiny5"})
    )


def _blocking_dropped(lab: Lab) -> tuple[str, ...]:
    strict = lab.row()
    return lab.refusal(lambda: lab.row(supersedes=strict, blocking=False, actor=AGENT))


def _two_heads(lab: Lab) -> tuple[str, ...]:
    first = lab.row(threshold=3.0)
    lab.row(threshold=2.5, supersedes=first)
    return lab.refusal(lambda: lab.row(threshold=2.8, supersedes=first))


def _status_typed(lab: Lab) -> tuple[str, ...]:
    lab.row()
    note = lab.note("it looks good")
    return lab.refusal(lambda: lab.move("LOSS", "unbound", "DISCHARGED", note))


def _retired_by_agent(lab: Lab) -> tuple[str, ...]:
    lab.row()
    note = lab.note("we shall not need it")
    return lab.refusal(lambda: lab.move("LOSS", "unbound", "RETIRED", note, actor=AGENT))


def _replaced_by_laxer(lab: Lab) -> tuple[str, ...]:
    lab.row(threshold=2.0)
    lax = lab.row("LOSS-2", threshold=9.0)
    return lab.refusal(lambda: lab.move("LOSS", "unbound", "SUPERSEDED", lax, actor=AGENT))


def _replaced_after(lab: Lab) -> tuple[str, ...]:
    lab.row(threshold=2.0)
    lab.measured(4.1)
    lab.judge()
    lax = lab.row("LOSS-2", threshold=4.2)
    return lab.refusal(lambda: lab.move("LOSS", "FALSIFIED", "SUPERSEDED", lax))


def _replaced_in_a_circle(lab: Lab) -> tuple[str, ...]:
    first, second = lab.row("A"), lab.row("B")
    lab.move("A", "unbound", "SUPERSEDED", second)
    return lab.refusal(lambda: lab.move("B", "unbound", "SUPERSEDED", first))


def _falsifier_never_failed(lab: Lab) -> tuple[str, ...]:
    lab.row(test="pytest -k loss")
    good = lab.measured(2.0)
    return lab.refusal(lambda: lab.move("LOSS", "unbound", "PARTIAL", good))


def _made(lab: Lab, digest: str = DIGEST) -> None:
    run = lab.begin()
    lab.end(run)
    lab.say(
        "artifact.made", artifact="tiny4-final", digest=digest, size_bytes=64, run=run, inputs={}
    )


def _publish(lab: Lab, **changes: object) -> tuple[str, ...]:
    body = {"artifact": "tiny4-final", "digest": DIGEST, "model": "tiny4", "place": "a hub"}
    return lab.refusal(lambda: lab.say("artifact.published", **(body | changes)))


def _published_open(lab: Lab) -> tuple[str, ...]:
    lab.row()
    lab.row("GOLDEN", metric="golden_text", operator="==", threshold=True, unit=None)
    lab.measured(2.0)
    lab.judge()
    _made(lab)
    return _publish(lab)


def _published_without_rows(lab: Lab) -> tuple[str, ...]:
    _made(lab)
    return _publish(lab, model="tiny9")


def _published_other_file(lab: Lab) -> tuple[str, ...]:
    lab.row()
    lab.measured(2.0, facts={"inputs": {"model": OTHER}})
    lab.judge()
    _made(lab)
    return _publish(lab)


def _published_on_fallen(lab: Lab) -> tuple[str, ...]:
    lab.row()
    wrong = lab.measured(1.0)
    lab.judge()
    lab.refute(wrong, lab.measured(6.0, metric="loss_recomputed"))
    _made(lab)
    return _publish(lab)


def _published_on_a_branch(lab: Lab) -> tuple[str, ...]:
    lab.row()
    lab.measured(2.0)
    lab.judge()
    _made(lab)
    return _publish(lab, branch="side")


def _published_by_old_demand(lab: Lab) -> tuple[str, ...]:
    first = lab.row(threshold=3.0)
    lab.measured(2.0)
    lab.judge()
    lab.row(threshold=1.0, supersedes=first)
    _made(lab)
    return _publish(lab)


def _published_by_the_best(lab: Lab) -> tuple[str, ...]:
    row = lab.row()
    best = lab.measured(2.9)
    lab.measured(3.3)
    lab.judge()
    lab.verdict(row, best)
    _made(lab)
    return _publish(lab)


ROWS = (
    Specimen("threshold moved after", "post_hoc", "2.0 becomes 4.2 once 4.1 was measured",
             _moved_after),
    Specimen("allowance after", "post_hoc", "a noise allowance of 1e-3 once 8e-4 missed 1e-5",
             _allowance_after),
    Specimen("control dropped", "post_hoc", "the control is left out once a number lacks one",
             _control_dropped),
    Specimen("fewer samples asked", "post_hoc", "500 samples become 10 once there are 12",
             _fewer_samples),
    Specimen("seen on a branch", "post_hoc", "4.1 is measured on a branch, the threshold moves to "
             "4.2, then the branch is merged", _seen_on_a_branch),
    Specimen("declared twice", "uniqueness", "a second, easier criterion of the same name",
             _same_name),
    Specimen("another metric", "uniqueness", "a failed row is given another metric", _other_metric),
    Specimen("another model", "uniqueness", "a row of tiny4 becomes one of tiny5", _other_model),
    Specimen("no longer blocking", "uniqueness", "an agent declares a blocking row anew as one "
             "that does not block", _blocking_dropped),
    Specimen("two heads", "uniqueness", "two declarations take the place of one", _two_heads),
    Specimen("status typed", "moves", "DISCHARGED by a note", _status_typed),
    Specimen("retired by an agent", "moves", "an agent retires a blocking row", _retired_by_agent),
    Specimen("replaced by a laxer row", "moves", "an agent lets a row of 9.0 take the place of one "
             "of 2.0", _replaced_by_laxer),
    Specimen("replaced after", "moves", "a row that 4.1 failed is replaced by one that 4.1 meets",
             _replaced_after),
    Specimen("replaced in a circle", "moves", "A gives way to B, and B to A: nothing is left to be "
             "met", _replaced_in_a_circle),
    Specimen("falsifier never failed", "moves", "PARTIAL by a number that meets the demand",
             _falsifier_never_failed),
    Specimen("published while open", "publication", "one blocking row of two was never measured",
             _published_open),
    Specimen("published without rows", "publication", "published under a model that nothing is "
             "demanded of", _published_without_rows),
    Specimen("another file published", "publication", "the file that goes out is not the one "
             "measured", _published_other_file),
    Specimen("published on a refuted number", "publication", "the row is DISCHARGED still, its "
             "evidence is refuted", _published_on_fallen),
    Specimen("published by the best of two", "publication", "2.9 is picked by hand, though 3.3 was "
             "measured after it", _published_by_the_best),
    Specimen("published on a branch", "publication", "recorded off the main line",
             _published_on_a_branch),
    Specimen("published by an old demand", "publication", "discharged at 3.0, by now 1.0 is asked",
             _published_by_old_demand),
)  # fmt: skip
