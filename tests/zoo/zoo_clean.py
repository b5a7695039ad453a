"""Clean ledgers: legitimate investigations, some of which look like a mistake and are none."""

import math

from zoo_base import Clean
from zoo_lab import AGENT, Lab

CLAIM = "claim.moved"
DIGEST = "sha256:" + "5a" * 32


def _declared_anew_first(lab: Lab) -> None:
    first = lab.row(threshold=2.4)
    lab.row(supersedes=first, metric="bits_per_byte", unit="bit", threshold=1.2, operator="<")
    lab.measured(1.12, metric="bits_per_byte", unit="bit")
    assert lab.judge()["LOSS"].status == "DISCHARGED"


def _loosened_between(lab: Lab) -> None:
    strict = lab.row(threshold=2.0)
    lab.measured(3.6)
    lab.judge()
    lab.row(supersedes=strict, threshold=3.1)  # 3.6 meets neither
    lab.measured(2.9)
    assert lab.judge()["LOSS"].status == "DISCHARGED"


def _post_hoc_named(lab: Lab) -> None:
    strict = lab.row(threshold=2.0)
    seen = lab.measured(2.7)
    lab.judge()
    lab.row(supersedes=strict, threshold=2.8, seen=seen)
    assert lab.judge()["LOSS"].post_hoc
    assert lab.status() == "FALSIFIED"


def _few_samples_then_all(lab: Lab) -> None:
    about = {"metric": "pass_rate", "unit": "percent"}
    lab.row("SOLVED", **about, operator=">=", threshold=61.0, samples=200)
    lab.measured(70.0, **about, key={"model": "tiny4", "n": 20})
    assert lab.judge()["SOLVED"].status == "PROVISIONAL"
    lab.measured(63.5, **about, key={"model": "tiny4", "n": 200})
    assert lab.judge()["SOLVED"].status == "DISCHARGED"


def _eliminated(lab: Lab) -> None:
    lab.claim("H-BIAS", text="the bias of layer 2 makes the gap")
    with_fault = lab.measured(9.0, metric="gap", unit="ratio")
    without = lab.measured(1.02, metric="gap", unit="ratio")
    test = lab.attack("H-BIAS", without, ">", 2.0, other_way=with_fault)
    lab.move("H-BIAS", "REFUTED", "ELIMINATED", test, kind=CLAIM)


def _set_reopened(lab: Lab) -> None:
    for member in ("code", "prose"):
        lab.say("member.added", set="corpora", member=member, title=f"a corpus of {member}")
    lab.claim("H-ALL", over="corpora", text="no corpus brings the loss below two")
    fault = lab.measured(1.4)

    def survives(member: str, loss: float) -> str:
        return lab.attack("H-ALL", lab.measured(loss), ">", 2.0, other_way=fault, member=member)

    survives("code", 2.6)
    lab.move("H-ALL", "UNKNOWN", "SURVIVED", survives("prose", 2.9), kind=CLAIM)
    lab.say("member.added", set="corpora", member="law", title="a corpus of law")
    lab.move("H-ALL", "UNKNOWN", "SURVIVED", survives("law", 3.3), kind=CLAIM)


def _demoted_and_judged_again(lab: Lab) -> None:
    lab.row()
    wrong = lab.measured(0.9)
    lab.judge()
    again = lab.measured(2.2, metric="loss_recomputed")
    fallen = lab.refute(wrong, again)
    lab.move("LOSS", "DISCHARGED", "DEMOTED", fallen)
    lab.measured(2.2)
    assert lab.judge()["LOSS"].status == "DISCHARGED"


def _pair(lab: Lab) -> None:
    common = {"arguments": {"lr": 0.001, "batch": 16}, "program": "train 2"}
    a = lab.measured(2.5, facts={**common, "seed": 3})
    other = {"lr": 0.002, "batch": 16}
    b = lab.measured(2.3, facts={**common, "arguments": other, "seed": 3})
    lab.say(
        "pair.compared", cites=(a, b), metric="loss_final", unit="nats", value_a=2.5,
        value_b=2.3, differs="arguments.lr", a=a, b=b,
    )  # fmt: skip


def _published(lab: Lab) -> None:
    lab.row()
    lab.row("SPEED", metric="speed", unit="token/s", operator=">=", threshold=25)
    lab.row("NICE", blocking=False, threshold=0.1)
    run = lab.begin(inputs={"corpus": "sha256:" + "11" * 32})
    lab.end(run)
    lab.say(
        "artifact.made", artifact="tiny4-final", digest=DIGEST, size_bytes=4096, run=run,
        inputs={"corpus": "sha256:" + "11" * 32},
    )  # fmt: skip
    on = {"inputs": {"model": DIGEST}}
    lab.measured(2.75, facts=on)
    lab.measured(31.0, facts=on, metric="speed", unit="token/s")
    lab.judge()
    lab.say(
        "artifact.published", artifact="tiny4-final", digest=DIGEST, model="tiny4",
        place="https://example.org/tiny4",
    )  # fmt: skip


def _premise_renewed(lab: Lab) -> None:
    soon = 1_767_225_600_000_000 + 5 * 3_600_000_000
    stated = lab.claim("P-1", text="the cache is warm", expires_at=soon, commit="c0ffee1")
    lab.claim("H-2", cites=(stated,))
    for _ in range(6):
        lab.note("waiting")
    fault = lab.measured(80.0, metric="misses", unit="count")
    fresh = lab.measured(2, metric="misses", unit="count")
    later = soon + 1000 * 3_600_000_000
    test = lab.attack("P-1", fresh, "<=", 10, other_way=fault, expires_at=later)
    lab.claim("H-3", cites=(stated, test))


def _control_first(lab: Lab) -> None:
    about = {"metric": "pass_rate", "unit": "percent"}
    lab.row(
        "SOLVED", **about, operator=">=", threshold=60.0,
        control_metric="known_pass_rate", control_low=78.0, control_high=82.0,
    )  # fmt: skip
    harness = {"harness": "runner-3"}
    lab.measured(80.5, metric="known_pass_rate", unit="percent", key={**harness, "model": "ref"})
    lab.measured(64.0, **about, key={**harness, "model": "tiny4"})
    assert lab.judge()["SOLVED"].status == "DISCHARGED"


def _noise_allowed(lab: Lab) -> None:
    lab.row("SCORE", metric="score", unit="percent", operator=">=", threshold=70.0, noise=1.5)
    lab.measured(68.9, metric="score", unit="percent")
    assert lab.judge()["SCORE"].status == "DISCHARGED"


def _chain_of_rows(lab: Lab) -> None:
    lab.row("LOADS", metric="loads", operator="==", threshold=True, unit=None)
    lab.row(
        "RUNS", metric="exit_code", operator="==", threshold=0, unit="count", requires=["LOADS"]
    )
    lab.row("LOSS", requires=["RUNS"])
    lab.measured(True, metric="loads", unit=None)
    lab.measured(0, metric="exit_code", unit="count")
    lab.measured(2.1)
    assert {one.status for one in lab.judge().values()} == {"DISCHARGED"}


def _retired_by_a_person(lab: Lab) -> None:
    lab.row()
    lab.row("OLD", metric="toks_per_joule", unit="token/J")
    lab.move("OLD", "unbound", "RETIRED", lab.note("no joule meter will come"))
    lab.measured(2.0)
    lab.judge()


def _replaced_by_a_stricter(lab: Lab) -> None:
    lab.row("OLD", threshold=3.0)
    new = lab.row("NEW", threshold=2.5)
    lab.move("OLD", "unbound", "SUPERSEDED", new, actor=AGENT)
    lab.measured(2.4)
    assert lab.judge("NEW")["NEW"].status == "DISCHARGED"


def _branch_merged(lab: Lab) -> None:
    lab.row()
    run = lab.begin(branch="try/a")
    lab.number(run, 2.2, branch="try/a")
    head = lab.note("the end of it", branch="try/a")
    lab.say("branch.merged", cites=(head,), name="try/a", head=head, reason="read it all")
    assert lab.judge()["LOSS"].status == "DISCHARGED"


def _edge_refuted_and_turned(lab: Lab) -> None:
    lab.row("A")
    lab.row("B", metric="speed", unit="token/s")
    for name in ("H-AB", "H-BA"):
        lab.claim(name, text="the one waits for the other")
    lab.say("edge.stated", edge="E-1", from_name="A", relation="blocks", to_name="B", claim="H-AB")
    lab.attack("H-AB", lab.measured(0.4, metric="share", unit="ratio"), ">", 0.5)
    edge = lab.say(
        "edge.stated", edge="E-2", from_name="B", relation="blocks", to_name="A", claim="H-BA"
    )
    lab.move("A", "unbound", "BLOCKED", edge)


def _honest_training(lab: Lab) -> None:
    run = lab.begin(
        arguments={"vocab_size": 512, "steps": 120, "batch_size": 4, "seq_len": 32,
                   "corpus_tokens": 400_000},
        device_asked="cpu", device_observed="cpu", seed=11,
    )  # fmt: skip
    lab.steps(
        run,
        [
            {
                "loss": 6.2 * math.exp(-n / 90) + 0.07 * math.sin(n * n),
                "lr": 0.001 * min(1.0, n / 20),
                "wall_ms": 40.0 + 3 * math.sin(5 * n) ** 2,
            }
            for n in range(120)
        ],
    )
    lab.number(run, 1.63)
    lab.end(run)
    lab.row()
    lab.judge()


def _constants(lab: Lab) -> None:
    lab.say(
        "constant.declared", constant="uniform", formula="ln(32000)", value=10.3735, unit="nats"
    )
    lab.say(
        "constant.declared", constant="bits", formula="ln(32000)/ln(2)", value=14.966, unit="bits"
    )
    lab.say("constant.declared", constant="rows", formula="7*2816", value=19712, unit="count")


def _falsifier_first(lab: Lab) -> None:
    lab.row(test="pytest -k loss", prediction="below three", if_fails="retrain")
    planted = lab.measured(8.8, key={"model": "tiny4", "fault": "weights zeroed"})
    lab.move("LOSS", "unbound", "PARTIAL", planted)
    lab.measured(2.6)
    assert lab.judge()["LOSS"].status == "DISCHARGED"


CLEAN = (
    Clean("declared anew before any result", "a row changes its metric before anything was "
          "measured for it", _declared_anew_first),
    Clean("loosened with nothing in between", "2.0 becomes 3.1 after a 3.6 that meets neither",
          _loosened_between),
    Clean("post hoc, and named", "2.0 becomes 2.8 after 2.7, which is named: the row stays "
          "FALSIFIED", _post_hoc_named),
    Clean("twenty samples, then all", "PROVISIONAL by 20 of 200 problems, DISCHARGED by 200",
          _few_samples_then_all),
    Clean("a suspect eliminated", "a claim refuted by a test that comes out the other way on the "
          "planted cause", _eliminated),
    Clean("a set reopened", "all members tested, a new one added, tested too", _set_reopened),
    Clean("demoted and judged again", "evidence refuted, the row DEMOTED, measured anew",
          _demoted_and_judged_again),
    Clean("a pair", "two runs that differ in the learning rate alone", _pair),
    Clean("published", "every blocking row met by the file that goes out; one that does not block "
          "is open", _published),
    Clean("a premise renewed", "it ran out, was tested again, and is rested on again",
          _premise_renewed),
    Clean("control first", "the known score first, on the same harness", _control_first),
    Clean("noise allowed", "68.9 meets 70 with an allowance of 1.5", _noise_allowed),
    Clean("a chain of rows", "three rows, each requires the one before, judged in one round",
          _chain_of_rows),
    Clean("retired by a person", "a row that will not be measured", _retired_by_a_person),
    Clean("replaced by a stricter row", "an agent lets a row of 2.5 take the place of one of 3.0",
          _replaced_by_a_stricter),
    Clean("a branch merged", "measured on a branch, which then counts", _branch_merged),
    Clean("an edge turned round", "the first direction was refuted, so the other closes no circle",
          _edge_refuted_and_turned),
    Clean("an honest training", "120 steps that learn, with noise and a warmup", _honest_training),
    Clean("constants", "nats by ln, bits by a quotient of two, a count to the last digit",
          _constants),
    Clean("falsifier first", "PARTIAL by a planted fault, then DISCHARGED", _falsifier_first),
)  # fmt: skip
