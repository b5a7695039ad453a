"""The rules: for each the case it forbids and one it allows."""

import attrs
import pytest
from ledgers import EXECUTOR, HUMAN, claim, measurement, new_recorder, note, run_failed, run_started

from ledger.entry import parse_hash
from ledger.errors import Malformed, Rejected
from ledger.events import KINDS, read_event
from ledger.events.criterion import VerdictGiven
from ledger.events.form import completed, parse_body
from ledger.recorder import Draft
from ledger.rules import RULES
from ledger.rules.threshold import holds
from ledger.rules.verdict import decide

NOWHERE = "sha256:" + "0" * 64


def criterion(**changes):
    """A demand that the loss be at most 3 nats."""
    fields = {
        "criterion": "AC-1",
        "title": "the loss is low",
        "metric": "loss_final",
        "operator": "<=",
        "threshold": 3.0,
        "unit": "nats",
        "blocking": True,
        "model": None,
        "binding": {"model": "tiny4"},
    }
    kind = KINDS["criterion.declared"]
    return Draft(event=parse_body(kind, completed(kind, {**fields, **changes})))


class Bench:
    """A recorder with a measured run, and verdicts as the ledger itself would make them."""

    def __init__(self, folder):
        self.recorder = new_recorder(folder)
        self.append(run_started("train-0001"))

    def append(self, draft, actor=EXECUTOR):
        """Record one event; its hash."""
        return self.recorder.append([draft], actor=actor)[0].hash

    def event(self, hash_):
        """The typed event with this hash."""
        with self.recorder.caught_up() as state:
            entry, _ = state.read(parse_hash(hash_))
        return read_event(entry.kind, entry.schema_version, entry.body)

    def verdict(self, declaration, evidence, /, **changes):
        """The verdict that follows, with changes typed by hand."""
        fields = decide(self.event(declaration), self.event(evidence))
        fields |= {"declaration": declaration, "evidence": evidence, "control": None}
        cites = changes.pop("cites", (declaration, evidence))
        return Draft(event=VerdictGiven(**{**fields, **changes}), cites=cites)

    def refused(self, draft, actor=HUMAN):
        """The reasons against recording this."""
        with pytest.raises(Rejected) as refused:
            self.append(draft, actor)
        return "\n".join(refused.value.reasons)


@pytest.fixture
def bench(folder):
    """A bench on a fresh ledger."""
    return Bench(folder)


def test_every_rule_says_what_it_forbids():
    """Each rule has a name of its own, a sentence and a check."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.forbids and callable(rule.check) for rule in RULES)


def test_citations(bench):
    """Citing what the ledger has is allowed; what it does not have is refused, by its hash."""
    known = bench.append(note("known"), HUMAN)
    bench.append(attrs.evolve(note("citing"), cites=(known,)), HUMAN)
    other = "sha256:" + "1" * 64
    reasons = bench.refused(attrs.evolve(note("x"), cites=(known, NOWHERE, other)))
    assert reasons == (
        f"citations: it cites {NOWHERE}, which is not in this ledger\n"
        f"citations: it cites {other}, which is not in this ledger"
    )


def test_citations_in_the_body(bench):
    """A hash in a field is a citation too."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0))
    assert f"it cites {NOWHERE}" in bench.refused(
        bench.verdict(declaration, evidence, evidence=NOWHERE)
    )
    with pytest.raises(Malformed) as refused:
        bench.append(bench.verdict(declaration, evidence, evidence="abc"), HUMAN)
    assert refused.value.reasons == ("evidence: 'abc' is not sha256: and 64 hex digits",)


def test_names_are_given_once(bench):
    """A criterion or claim of a known name is refused, another name is allowed."""
    bench.append(criterion(), HUMAN)
    bench.append(claim("H-1"), HUMAN)
    assert "AC-1 was declared at position 1" in bench.refused(criterion(threshold=4.0))
    assert "H-1 was stated at position 2" in bench.refused(claim("H-1"))
    bench.append(criterion(criterion="AC-2"), HUMAN)
    bench.append(claim("H-2"), HUMAN)


@pytest.mark.parametrize(("value", "status"), [(3.0, "DISCHARGED"), (3.1, "FALSIFIED")])
def test_verdict_that_follows(bench, value, status):
    """The verdict that the numbers give is recorded."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", value))
    given = bench.append(bench.verdict(declaration, evidence), HUMAN)
    assert bench.event(given).status == status


@pytest.mark.parametrize(
    "typed",
    [
        {"status": "DISCHARGED"},
        {"value": 2.0},
        {"threshold": 99.0},
        {"operator": ">="},
        {"unit": "bits"},
        {"metric": "other"},
    ],
)
def test_typed_verdict(bench, typed):
    """A verdict with one field typed by hand is refused, and the field is named."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 4.0))
    ((name, value),) = typed.items()
    reasons = bench.refused(bench.verdict(declaration, evidence, **typed))
    assert reasons.startswith(f"verdict: {name} is {value!r}; the numbers give ")


def test_verdict_without_criterion(bench):
    """A verdict on a row that no one declared is refused."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0))
    reasons = bench.refused(bench.verdict(declaration, evidence, criterion="AC-9"))
    assert "there is no criterion AC-9: declare it first" in reasons


def test_verdict_by_another_declaration(bench):
    """A verdict that names the declaration of another row is refused."""
    bench.append(criterion(), HUMAN)
    easier = bench.append(criterion(criterion="AC-2", threshold=99.0), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0))
    reasons = bench.refused(bench.verdict(easier, evidence, criterion="AC-1", threshold=3.0))
    assert "the declaration in force is at position 1, the verdict names another" in reasons


def test_verdict_that_cites_nothing(bench):
    """A verdict cites what it rests on."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0))
    reasons = bench.refused(bench.verdict(declaration, evidence, cites=()))
    assert reasons == "verdict: a verdict cites its declaration and its evidence"


def test_evidence_that_is_no_measurement(bench):
    """A note is no evidence."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0))
    remark = bench.append(note("2.0 nats"), HUMAN)
    draft = bench.verdict(declaration, evidence, evidence=remark, cites=(declaration, remark))
    assert "its evidence is not a measurement of this ledger" in bench.refused(draft)


def derived_from(bench, *hashes, **changes):
    """A number derived from others."""
    return bench.append(
        measurement("train-0001", 2.0, provenance="derived", cites=hashes, **changes)
    )


def test_derived_from_measured(bench):
    """What derives from measured numbers alone discharges."""
    declaration = bench.append(criterion(), HUMAN)
    measured = [bench.append(measurement("train-0001", value)) for value in (1.0, 3.0)]
    evidence = derived_from(bench, derived_from(bench, *measured), measured[0])
    bench.append(bench.verdict(declaration, evidence), HUMAN)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda b: b.append(measurement(None, 2.0, provenance="asserted"), HUMAN),
            "(measurement.taken) is asserted, not measured",
        ),
        (
            lambda b: b.append(measurement("train-0001", 2.0, provenance="synthetic")),
            "(measurement.taken) is synthetic, not measured",
        ),
        (lambda b: derived_from(b), "is derived, but cites nothing it came from"),
        (
            lambda b: derived_from(
                b,
                b.append(measurement("train-0001", 2.0)),
                b.append(measurement(None, 2.0, provenance="asserted"), HUMAN),
            ),
            "is asserted, not measured",
        ),
        (lambda b: derived_from(b, NOWHERE), "is not in this ledger"),
        (
            lambda b: derived_from(b, b.append(note("I saw 2.0"), HUMAN)),
            "(note.added) is not a measurement",
        ),
        (
            lambda b: b.append(measurement("train-0099", 2.0)),
            "names run train-0099, which this ledger has no start of",
        ),
    ],
)
def test_evidence_that_carries_nothing(bench, make, says):
    """Asserted or synthetic numbers, and what derives from them, give no verdict."""
    declaration = bench.append(criterion(), HUMAN)
    assert says in bench.refused(bench.verdict(declaration, make(bench)))


def test_failed_run(bench):
    """A number of a run that failed gives no verdict."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0))
    bench.append(run_failed("train-0001"))
    reasons = bench.refused(bench.verdict(declaration, evidence))
    assert "run train-0001 failed at position 3" in reasons


def test_synthetic_run(bench):
    """A run that was started as synthetic measures nothing, whatever its numbers say."""
    declaration = bench.append(criterion(), HUMAN)
    bench.append(run_started("train-0002", "synthetic"))
    evidence = bench.append(measurement("train-0002", 2.0))
    reasons = bench.refused(bench.verdict(declaration, evidence))
    assert "run train-0002 was started as synthetic at position 2" in reasons


def test_long_derivation(bench):
    """A derivation of seventeen steps is more than anyone reads."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0))
    for _ in range(17):
        evidence = derived_from(bench, evidence)
    reasons = bench.refused(bench.verdict(declaration, evidence))
    assert "is derived over more than 16 steps" in reasons


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unit": "bits"}, "the evidence is in bits, the criterion in nats"),
        ({"metric": "loss_best"}, "measures loss_best, the criterion asks for loss_final"),
        ({"key": {}}, "is not about what the criterion is bound to: {'model': 'tiny4'}"),
        ({"key": {"model": "tiny5"}}, "bound to: {'model': 'tiny4'}"),
    ],
)
def test_evidence_about_something_else(bench, changes, says):
    """Another unit, metric or key is no evidence for this criterion."""
    declaration = bench.append(criterion(), HUMAN)
    evidence = bench.append(measurement("train-0001", 2.0, **changes))
    assert says in bench.refused(bench.verdict(declaration, evidence))


def test_wider_key(bench):
    """A key that says more than the binding asks for is evidence."""
    declaration = bench.append(criterion(), HUMAN)
    key = {"model": "tiny4", "device": "cpu"}
    evidence = bench.append(measurement("train-0001", 2.0, key=key))
    bench.append(bench.verdict(declaration, evidence), HUMAN)


def test_second_discharge(bench):
    """Discharging a discharged row changes nothing and is refused; a new status is recorded."""
    declaration = bench.append(criterion(), HUMAN)
    low, high = (bench.append(measurement("train-0001", value)) for value in (2.0, 4.0))
    bench.append(bench.verdict(declaration, low), HUMAN)
    assert "it is DISCHARGED since position 4" in bench.refused(bench.verdict(declaration, low))
    bench.append(bench.verdict(declaration, high), HUMAN)
    bench.append(bench.verdict(declaration, low), HUMAN)


@pytest.mark.parametrize(
    ("value", "operator", "threshold", "met"),
    [
        (1, "<=", 1, True),
        (1, "<", 1, False),
        (2, ">", 1.5, True),
        (1.5, ">=", 2, False),
        (1, "==", 1.0, True),
        (1, "!=", 2, True),
        ("NaN", "<=", 1, False),
        ("NaN", "!=", 1, False),
        ("Infinity", ">", 1, False),
        ("-Infinity", "<", 1, False),
        ("2", ">", 1, False),
        (True, "==", 1, False),
        (1, "==", True, False),
        (True, "==", True, True),
        (False, "!=", True, True),
        ("PASS", "==", "PASS", True),
        ("PASS", "==", "FAIL", False),
        (1, "==", "1", False),
        (None, "<=", 1, False),
    ],
)
def test_threshold(value, operator, threshold, met):
    """A value meets a threshold of its own kind; what is no number meets no number."""
    assert holds(value, operator, threshold) is met
