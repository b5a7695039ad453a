"""Rules on the real history: what was once recorded is recorded again, live, and refused.

The numbers, names and settings are read from the history; nothing of them is typed here.
"""

import pytest
from histories import history_lines
from ledgers import HUMAN
from zoo_base import a_lab, names_of

from ledger.rules import RULES

HISTORY = {(one["kind"], one["id"], one["section"]): one["data"] for one in history_lines()}
DIGEST = "sha256:" + "a1" * 32


def said_of(kind, name):
    """The last line of this kind and name."""
    return [data for (k, n, _), data in HISTORY.items() if (k, n) == (kind, name)][-1]


def declare(lab, name, **changes):
    """A row as the history declares it."""
    row = said_of("criterion_declared", name)
    body = {
        "title": row["title"], "metric": row["metric"], "operator": row["op"],
        "threshold": row["threshold"], "unit": row["unit"], "blocking": row["ship_blocking"],
        "model": row["model"], "binding": {}, "aliases": [row["alias"]],
    }  # fmt: skip
    return lab.row(name, **body | changes)


def measured(lab, name, value, **changes):
    """A number for that row."""
    row = said_of("criterion_declared", name)
    return lab.measured(value, **{"metric": row["metric"], "unit": row["unit"]} | changes)


def the_moved_threshold(lab):
    """2.2 became 4.7 after 4.6227 was seen."""
    strict = declare(lab, "AC-SHIP2-003")
    seen = measured(lab, "AC-SHIP2-003", said_of("epoch", "p2e/e049")["val_loss"])
    lab.judge()
    new = said_of("threshold_changed", "AC-SHIP2-003")["new"]
    return lambda: declare(lab, "AC-SHIP2-003", threshold=new, supersedes=strict), seen


def the_discharge_by_it(lab):
    """The verdict that was then given, by the demand that was declared."""
    row = declare(lab, "AC-SHIP2-003")
    given = [
        d for (k, n, s), d in HISTORY.items() if (k, n, s) == ("verdict", "AC-SHIP2-003", "§88")
    ]
    number = measured(lab, "AC-SHIP2-003", given[0]["observed"])
    typed = {"status": given[0]["status"], "threshold": given[0]["threshold"]}
    return lambda: lab.verdict(row, number, **typed), None


def the_easier_row(lab):
    """The same name again, with the new threshold and without the old head."""
    declare(lab, "AC-SHIP2-003")
    new = said_of("threshold_changed", "AC-SHIP2-003")["new"]
    return lambda: declare(lab, "AC-SHIP2-003", threshold=new), None


def the_other_name(lab):
    """A row named by the alias that another numbering gave it."""
    declare(lab, "AC-SHIP2-003")
    alias = said_of("criterion_declared", "AC-SHIP2-003")["alias"]
    return lambda: lab.row("SHIP", requires=[alias]), None


def the_logarithm(lab):
    """17.21 as the natural logarithm of a vocabulary."""
    evidence = said_of("claim_stated", "H-61-5G1-RANDOM")["evidence"]
    value = evidence["log2_151643"]
    return lambda: lab.say(
        "constant.declared", constant="uniform", formula="ln(151643)", value=value, unit="nats"
    ), None


def the_other_vocabulary(lab):
    """A loss over Qwen's tokens for a demand over the tokens of the first runs."""
    first, later = said_of("run_started", "4x-20k"), said_of("run_started", "p2a-2700")
    row = lab.row(binding={"vocab": first["vocab"]})
    number = lab.measured(2.9, key={"vocab": later["vocab"]})
    return lambda: lab.verdict(row, number), None


def the_other_scope(lab):
    """The spread over all tokens for a demand on the last token: 18 where 1.245 was true."""
    gap = said_of("trace_compare", "swigl-L3")
    row = lab.row(
        metric=gap["slot"], unit="ratio", operator="<=", threshold=gap["band"][1],
        binding={"scope": gap["gguf_scope"]},
    )  # fmt: skip
    number = lab.measured(
        gap["ratio"], metric=gap["slot"], unit="ratio", key={"scope": gap["apr_scope"]}
    )
    return lambda: lab.verdict(row, number), None


def the_same_hyperparameters(lab):
    """Two runs that were compared as if the data alone differed."""
    runs = [dict(said_of("run_started", name), corpus=name) for name in ("p2a-2700", "p2c")]
    a, b = (lab.measured(4.7, facts={"arguments": run}) for run in runs)
    return lambda: lab.say(
        "pair.compared", cites=(a, b), metric="loss_final", unit="nats", value_a=4.7, value_b=4.7,
        differs="arguments.corpus", a=a, b=b,
    ), None  # fmt: skip


def the_second_discharge(lab):
    """Rows that were discharged in April, and once more in May."""
    twice = said_of("verdict", "FALSIFY-SHIP-003")
    assert twice["status"] == twice["from_status"] == "DISCHARGED"
    row = lab.row("FALSIFY-SHIP-003")
    lab.measured(2.0)
    lab.judge()
    again = lab.measured(2.0)
    return lambda: lab.verdict(row, again), None


def the_teacher_that_was_the_student(lab):
    """Stage D of the distillation."""
    assert "teacher file was the student" in said_of("distill_result", "distill-stage-D")["verdict"]
    run = lab.begin()
    return lambda: lab.say(
        "artifact.made", artifact="student", digest="sha256:" + "b2" * 32, size_bytes=1, run=run,
        inputs={"teacher": DIGEST, "student": DIGEST},
    ), None  # fmt: skip


def the_score_without_a_file(lab):
    """87.20 %, which stood in a text."""
    score = float(said_of("claim_stated", "H-TEACHER-87.20")["text"].split()[-1])
    row = lab.row(metric="humaneval", unit="percent", operator=">=", threshold=86.0)
    number = lab.number(
        None, score, metric="humaneval", unit="percent", provenance="asserted", actor=HUMAN
    )
    return lambda: lab.verdict(row, number), None


def the_broken_harness(lab):
    """56 of 164, by a harness that was mended later, charged to the model."""
    found = said_of("claim_stated", "H-MODEL-QUALITY")["evidence"]
    row = lab.row(
        metric="humaneval", unit="percent", operator=">=", threshold=86.0,
        control_metric="humaneval_known", control_low=80, control_high=90,
    )  # fmt: skip
    number = lab.measured(
        100 * found["passed"] / found["total"], metric="humaneval", unit="percent",
        key={"model": "tiny4", "harness": "first", "n": found["total"]},
    )  # fmt: skip
    return lambda: lab.verdict(row, number), None


def the_stale_premise(lab):
    """Work that rested on a task which had been done for days."""
    claim = said_of("claim_stated", "H-TASK132-GPU-UNWIRED")
    assert said_of("verdict", "H-TASK132-GPU-UNWIRED")["status"] == "REFUTED"
    stated = lab.claim("H-TASK132", text=claim["text"], commit=claim["commit"])
    memory = lab.measured(900, metric="gpu_memory", unit="MiB")
    lab.attack("H-TASK132", memory, "==", 0)
    return lambda: lab.claim("NEXT", text="wire it", cites=(stated,)), None


def the_gpu_that_was_cleared(lab):
    """Eliminated, while the cosine that spoke against it had never changed."""
    found = said_of("claim_stated", "H-GPU-GQA")["evidence"]
    lab.claim("H-GPU", text="the GPU diverges")
    number = lab.measured(found["logit_cosine"], metric="logit_cosine", unit="ratio")
    test = lab.attack("H-GPU", number, ">=", 0.95)
    return lambda: lab.move("H-GPU", "REFUTED", "ELIMINATED", test, kind="claim.moved"), None


def the_survival_of_a_claim(lab):
    """`All levers are exhausted`, with nothing that shows that the test could have failed."""
    claim = said_of("claim_stated", "H-ALL-LEVERS-EXHAUSTED")
    lab.claim("H-ALL", text=claim["text"])
    number = lab.measured(said_of("claim_stated", "H-MORE-DATA")["evidence"]["best"])
    return lambda: lab.attack("H-ALL", number, ">", 9.0), None


def the_shipped_model(lab):
    """Published while the gates that block shipping were open."""
    place = next(name for kind, name, _ in HISTORY if kind == "artifact_published")
    gates = [name for kind, name, _ in HISTORY if kind == "gate_declared"]
    for name in gates:
        lab.row(name, model="MODEL-2")
    run = lab.begin()
    lab.say("artifact.made", artifact="m", digest=DIGEST, size_bytes=1, run=run, inputs={})
    body = {"artifact": "m", "digest": DIGEST, "model": "MODEL-2", "place": place}
    return lambda: lab.say("artifact.published", **body), None


CASES = (
    ("post_hoc", the_moved_threshold),
    ("verdict", the_discharge_by_it),
    ("uniqueness", the_easier_row),
    ("names", the_other_name),
    ("constants", the_logarithm),
    ("comparability", the_other_vocabulary),
    ("comparability", the_other_scope),
    ("pairs", the_same_hyperparameters),
    ("no_change", the_second_discharge),
    ("outputs", the_teacher_that_was_the_student),
    ("provenance", the_score_without_a_file),
    ("control", the_broken_harness),
    ("premises", the_stale_premise),
    ("moves", the_gpu_that_was_cleared),
    ("attempts", the_survival_of_a_claim),
    ("publication", the_shipped_model),
)


@pytest.mark.parametrize(("rule", "case"), CASES, ids=lambda one: getattr(one, "__name__", one))
def test_what_the_history_did_is_refused(rule, case):
    """The rule that is there for it refuses what was once accepted."""
    assert rule in {one.name for one in RULES}
    with a_lab() as lab:
        action, _ = case(lab)
        said = lab.refusal(action)
    assert names_of(said) == {rule}, said


def test_the_threshold_that_moved_and_says_so():
    """With the result named, the new threshold stands beside the row, which stays FALSIFIED."""
    with a_lab() as lab:
        _, seen = the_moved_threshold(lab)
        with lab.ledger.recorder.caught_up() as state:
            head = "sha256:" + state.standing("criterion/AC-SHIP2-003")[1].hex()
        new = said_of("threshold_changed", "AC-SHIP2-003")["new"]
        declare(lab, "AC-SHIP2-003", threshold=new, supersedes=head, seen=seen)
        lab.judge()
        assert lab.status("AC-SHIP2-003") == "FALSIFIED"
