"""What the real history cannot decide: small histories with one fault, and the same without it."""

import math

import pytest
from histories import line
from replays import replayed

DAY, LATER, LAST = "2026-01-01", "2026-01-02", "2026-01-03"
LOSS_ROW = {
    "falsifier": "F-1",
    "alias": "A-1",
    "metric": "val_loss",
    "op": "<=",
    "threshold": 2.0,
    "unit": "nats/token",
    "ship_blocking": True,
}


def criterion(**changes):
    """The declaration of row F-1, on the first day."""
    return line("criterion_declared", {"title": "", **LOSS_ROW, **changes}, id="C-1", at=DAY)


def verdict(at, status="DISCHARGED", name="C-1", **more):
    """A verdict on a day; `version` among the rest goes around it."""
    version = more.pop("version", "1.0")
    return line("verdict", {"status": status, **more}, id=name, at=at, spec_version=version)


def section(version, name, at=DAY):
    """The registration of a version."""
    data = {"from_version": None, "to_version": version, "title": ""}
    return line("section_registered", data, id=name, at=at, spec_version=version)


def run(name, **settings):
    """The start of a run."""
    return line("run_started", settings, id=name, at=DAY)


def epoch(name, number, at=DAY, **numbers):
    """An epoch of a run."""
    return line("epoch", {"run": name, "epoch": number, **numbers}, id=f"{name}/{number}", at=at)


def found(tmp_path, *lines):
    """(rule, severity) of each finding."""
    return [(one.rule, one.severity) for one in replayed(tmp_path / "lab", *lines)]


def test_a_sound_history_has_no_findings(tmp_path):
    """Declared, run, judged, compared and published in order: nothing to say."""
    lines = [
        section("1.0", "§1"),
        criterion(),
        run("a", vocab=300, seq=8, seed=1, steps_target=30, steps_per_epoch=10, corpus_tokens=9999),
        *(epoch("a", n, train_loss=5.0 - n, val_loss=5.1 - n) for n in range(3)),
        line("run_completed", {"best": 3.1, "steps": 30}, id="a", at=DAY),
        run("b", vocab=300, seq=8, seed=2, steps_target=30, steps_per_epoch=10, corpus_tokens=9999),
        *(epoch("b", n, train_loss=4.0 - n, val_loss=4.2 - n * 1.2) for n in range(3)),
        line("run_completed", {"best": 1.8, "steps": 30}, id="b", at=DAY),
        line("edge", {"frm": "a", "to": "b", "relation": "compared_with"}, id="e", at=DAY),
        line("bench", {"passed": 1, "total": 3, "percent": 33.33}, id="m", at=DAY),
        section("1.1", "§2", at=LATER),
        verdict(LATER, version="1.1", observed=1.8, threshold=2.0),
        line("scoreboard", {"published_partial": 0, "published_discharged": 1}, id="t", at=LATER),
        line("artifact_published", {"val": 1.8}, id="art", at=LAST),
    ]
    assert found(tmp_path, *lines) == []


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"device_asked": "cuda", "device_observed": "cpu"}, "run/device"),
        ({"synthetic": True}, "run/synthetic"),
        ({"provenance": "synthetic"}, "run/synthetic"),
        (
            {"train_windows": [[0, 100]], "held_out_windows": [[99, 120]]},
            "run/held-out-read-again",
        ),
    ],
)
def test_a_run_by_its_settings(tmp_path, settings, rule):
    """Another device, made-up numbers, held-out text in the training windows."""
    assert found(tmp_path, run("a", **settings)) == [(rule, "fault")]


def test_losses_of_another_seed(tmp_path):
    """Four losses that are equal to the last digit in runs of two seeds: scripted."""
    lines = []
    for name, seed in (("a", 1), ("b", 2)):
        lines.append(run(name, seed=seed))
        for n in range(4):
            data = {"run": name, "step": n, "train_loss": 10.1 - 0.37 * n}
            lines.append(line("step", data, id=f"{name}/{n}", at=DAY))
    assert found(tmp_path, *lines) == [("run/repeated-losses", "suspect")] * 2


def test_losses_that_are_no_numbers_or_too_high(tmp_path):
    """NaN in a step, and a first held-out loss above 2 ln V."""
    lines = [
        run("a", vocab=300),
        line("step", {"run": "a", "step": 0, "train_loss": "NaN"}, id="a/0", at=DAY),
        run("b", vocab=300),
        epoch("b", 0, val_loss=2 * math.log(300) + 0.1),
    ]
    assert found(tmp_path, *lines) == [("run/not-finite", "fault"), ("run/ceiling", "fault")]


@pytest.mark.parametrize(
    ("said", "differs"),
    [
        (line("edge", {"frm": "a", "to": "b", "relation": "ab_pair"}, id="e"), True),
        (line("trace_compare", {"run_a": "a", "run_b": "b"}, id="e"), True),
        (line("verdict", {"status": "REFUTED", "runs": ["a", "b"]}, id="e"), True),
        (line("edge", {"frm": "a", "to": "b", "relation": "resumes"}, id="e"), False),
        (line("verdict", {"status": "REFUTED", "reason": "a against b"}, id="e"), False),
    ],
)
def test_an_ab_pair_needs_an_event(tmp_path, said, differs):
    """Two runs are held against one another when an event says so, and never by prose."""
    lines = [run("a", vocab=300, seq=512, lr=1e-3), run("b", vocab=300, seq=1024, lr=1e-3), said]
    findings = replayed(tmp_path / "lab", *lines)
    assert [one.rule for one in findings] == (["incomparable/pair"] if differs else [])
    for one in findings:
        assert one.subject == "a, b"
        assert one.numbers == {"fields": ["sequence_length"], "sequence_length": [512, 1024]}


def test_one_setting_may_differ(tmp_path):
    """That is what an A/B pair is; two make it none."""
    pair = line("edge", {"frm": "a", "to": "b", "relation": "ab_pair"}, id="e")
    one = [run("a", vocab=300, lr=1e-3, seed=1), run("b", vocab=300, lr=1e-4, seed=1), pair]
    two = [run("a", vocab=300, lr=1e-3, seed=1), run("b", vocab=300, lr=1e-4, seed=2), pair]
    assert found(tmp_path, *one) == []
    assert replayed(tmp_path / "two", *two)[0].numbers["fields"] == ["seed", "lr"]


def test_another_vocabulary_is_another_scale(tmp_path):
    """One differing setting is no A/B pair where it is the tokenizer's."""
    pair = line("edge", {"frm": "a", "to": "b", "relation": "ab_pair"}, id="e")
    lines = [run("a", vocab=50257), run("b", vocab=151936), pair]
    assert found(tmp_path, *lines) == [("incomparable/pair", "fault")]


@pytest.mark.parametrize("condition", ["capture", "count", "shape", "bias", "stage"])
def test_a_comparison_before_and_after_something(tmp_path, condition):
    """Sides with another capture point, count or shape are not comparable; equal ones are."""
    sides = {"capture": ("before bias", "after bias"), "count": (25088, 3584), "shape": (1, 2)}
    a, b = sides.get(condition, ("x", "y"))
    unequal = line("tensor_compared", {f"{condition}_a": a, f"{condition}_b": b}, id="c")
    equal = line("tensor_compared", {f"{condition}_a": a, f"{condition}_b": a}, id="d")
    (one,) = replayed(tmp_path / "lab", unequal, equal)
    assert (one.rule, one.subject) == ("incomparable/comparison", "c")
    assert one.numbers["fields"] == [condition]


def moved(*, at=LAST, version=None, new=4.7):
    """The threshold of C-1, moved."""
    data = {"old": 2.0, "new": new}
    return line("threshold_changed", data, id="C-1", at=at, spec_version=version)


@pytest.mark.parametrize(
    ("seen", "moved_", "expected"),
    [
        (epoch("a", 0, at=LATER, val_loss=4.6), moved(), [("moved-threshold", "fault")]),
        (epoch("a", 0, at=LATER, val_loss=4.8), moved(), []),  # does not meet the new one either
        (epoch("a", 0, at=LATER, val_loss=1.9), moved(), []),  # meets the strict one
        (epoch("a", 0, at=LATER, val_loss=4.6), moved(new=1.5), []),  # made stricter
        (epoch("a", 0, at=LAST, val_loss=4.6), moved(), [("moved-threshold", "undetermined")]),
        (epoch("a", 0, at=LAST, val_loss=4.6), moved(at=LATER), []),  # seen afterwards
    ],
)
def test_a_threshold_is_post_hoc_only_after_a_value(tmp_path, seen, moved_, expected):
    """Seen on an earlier day it is; on the same day nobody knows; later it is not."""
    assert found(tmp_path, criterion(), run("a"), seen, moved_) == expected


@pytest.mark.parametrize(
    ("seen_in", "moved_in", "severity"),
    [("1.0", "0.9", "fault"), ("0.9", "1.0", None), ("1.0", "1.0", "undetermined")],
)
def test_versions_sort_by_registration(tmp_path, seen_in, moved_in, severity):
    """On one day the version that was registered first is before, whatever its number."""
    seen = line(
        "epoch", {"run": "a", "epoch": 0, "val_loss": 4.6}, id="x", at=DAY, spec_version=seen_in
    )
    lines = [
        section("1.0", "§1"),
        section("0.9", "§2"),
        criterion(),
        run("a"),
        seen,
        moved(at=DAY, version=moved_in),
    ]
    assert found(tmp_path, *lines) == ([("moved-threshold", severity)] if severity else [])


def test_values_of_invalid_runs_are_no_values(tmp_path):
    """A loss near nothing on a corpus of two tokens was not the value that moved the threshold."""
    lines = [
        criterion(op=">=", metric="val_loss", threshold=9.0),
        run("a", corpus_distinct_tokens=2),
        epoch("a", 0, at=LATER, val_loss=5.0),
        line("threshold_changed", {"old": 9.0, "new": 4.7}, id="A-1", at=LAST),
    ]
    assert found(tmp_path, *lines) == [("run/degenerate-corpus", "fault")]


def test_a_publication_and_a_discharge_of_one_day(tmp_path):
    """Which came first nobody said: undetermined; the day before it is in order."""
    published = line("artifact_published", {}, id="art", at=LAST)
    same = [criterion(), verdict(LAST, version=None), published]
    before = [criterion(), verdict(LATER, version=None), published]
    never = [criterion(), published]
    assert found(tmp_path, *same) == [("published-while-open", "undetermined")]
    assert [one.rule for one in replayed(tmp_path / "before", *before)] == []
    (one,) = replayed(tmp_path / "never", *never)
    assert (one.severity, one.numbers["open_rows"]) == ("fault", ["F-1"])


def test_a_discharge_on_a_branch_opens_no_door(tmp_path):
    """What stands on an unmerged branch does not count for a publication."""
    lines = [
        criterion(),
        verdict(LATER, branch_only=True),
        line("artifact_published", {}, id="art", at=LAST),
    ]
    assert found(tmp_path, *lines) == [("published-while-open", "fault")]


def test_discharged_again_after_it_had_gone_back(tmp_path):
    """A row that was demoted in between is discharged anew; its alias is the same row."""
    anew = [criterion(), verdict(DAY), verdict(LATER, "DEMOTED"), verdict(LAST)]
    again = [criterion(), verdict(DAY), verdict(LATER, name="A-1")]
    tied = [criterion(), verdict(DAY), verdict(DAY, name="F-1")]
    assert found(tmp_path, *anew) == []
    assert [one.severity for one in replayed(tmp_path / "again", *again)] == ["fault"]
    assert [one.severity for one in replayed(tmp_path / "tied", *tied)] == ["undetermined"]


def test_a_section_number_claimed_twice(tmp_path):
    """Two sections of one name, and two versions of one number."""
    lines = [section("1.0", "§1"), section("1.1", "§2"), section("1.1", "§2")]
    findings = replayed(tmp_path / "lab", *lines)
    assert [(one.subject, one.events) for one in findings] == [("§2", (2, 3)), ("1.1", (2, 3))]


@pytest.mark.parametrize(
    ("numbers", "found_"),
    [
        ({"passed": 56, "total": 164, "percent": 34.15}, []),
        ({"passed": 56, "total": 164, "percent": 87.2}, ["number-does-not-follow"]),
        ({"median_ms": 264.72, "published_median_ms": 264.7}, []),
        ({"median_ms": 264.72, "published_median_ms": 264.8}, ["number-does-not-follow"]),
        ({"max_abs_dloss": 8.27e-4, "limit": 1e-5, "times_over": 83}, []),
    ],
)
def test_rounding_is_no_fault(tmp_path, numbers, found_):
    """A number as published may have fewer digits, and no others."""
    assert [
        one.rule for one in replayed(tmp_path / "lab", line("bench", numbers, id="m"))
    ] == found_


def test_a_limit_met_since(tmp_path):
    """A measurement under the limit, between the one over it and the discharge, settles it."""
    over = line("bench", {"limit": 2.0, "times_over": 3}, id="m", at=DAY)
    under = line("bench", {"limit": 2.0, "times_over": 0.5}, id="n", at=LATER)
    assert found(tmp_path, criterion(), over, verdict(LAST)) == [("over-limit", "suspect")]
    assert replayed(tmp_path / "met", criterion(), over, under, verdict(LAST)) == []


def test_a_blocker_that_fell_first(tmp_path):
    """Resolved before the row was discharged, the edge was right and so was the discharge."""
    edge = line("edge", {"frm": "C-1", "to": "B", "relation": "blocked_by"}, id="e", at=DAY)
    fell = [criterion(), edge, verdict(LATER, name="B"), verdict(LAST)]
    stood = [criterion(), edge, verdict(LATER)]
    assert found(tmp_path, *fell) == []
    assert [one.rule for one in replayed(tmp_path / "stood", *stood)] == ["blocked-discharge"]
