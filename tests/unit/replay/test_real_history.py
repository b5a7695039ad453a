"""The real history, against numbers from its lines by plain Python that shares nothing."""

import collections
import math
import statistics

import pytest
from histories import history_lines

LINES = history_lines()


def lines(kind):
    """(line number, line) of a kind, from 1."""
    return [(n, each) for n, each in enumerate(LINES, 1) if each["kind"] == kind]


def of(findings, rule):
    """Findings of a rule."""
    return [found for found in findings if found.rule == rule]


def test_how_many_there_are(findings):
    """Each rule as often as the tests below say, and no other."""
    counts = collections.Counter(found.rule for found in findings)
    assert counts == {
        "board-disagrees": 35,
        "repeated-discharge": 5,
        "number-claimed-twice": 1,
        "incomparable/comparison": 7,
        "incomparable/trace": 4,
        "incomparable/scale": 2,
        "run/exhausted-data": 3,
        "run/wall-time": 1,
        "run/sentinel": 1,
        "run/generated-metric": 1,
        "run/held-out-read-again": 1,
        "run/thin-held-out": 1,
        "run/state-hash": 3,
        "run/degenerate-corpus": 1,
        "run/step-count": 4,
        "moved-threshold": 1,
        "against-declaration": 1,
        "over-limit": 1,
        "blocked-discharge": 8,
        "published-while-open": 1,
        "number-does-not-follow": 1,
        "measurement/few-valid-steps": 1,
        "measurement/worse-than-guessing": 1,
        "measurement/far-from-expected": 1,
    }


def test_boards(findings):
    """From 2.34 to 2.73 no published board is the fold of its rows: 35 of 54."""
    found = of(findings, "board-disagrees")
    boards = [n for n, _ in lines("scoreboard")]
    assert [one.events[0] for one in found] == [n for n in boards if 129 <= n <= 436]
    first = found[0].numbers
    assert first["published"] == {"partial": 18, "discharged": 3, "total": None}
    assert first["folded"] == {"partial": 17, "discharged": 3}


def rows():
    """Name → row, by every name a declaration gives."""
    names = {}
    for _, each in (
        lines("criterion_declared") + lines("gate_declared") + lines("invariant_declared")
    ):
        data = each["data"]
        row = data.get("falsifier") or each["id"]
        names |= dict.fromkeys(filter(None, (each["id"], row, data.get("alias"))), row)
    return names


def test_repeated_discharges(findings):
    """Five rows of April 25 are discharged again on May 12."""
    names, last, expected = rows(), {}, []
    for n, each in lines("verdict"):
        row = names.get(each["id"], each["id"])
        before = last.get(row)
        if before and before[1] == each["data"]["status"] == "DISCHARGED":
            expected.append((before[0], n))
        last[row] = (n, each["data"]["status"])
    found = of(findings, "repeated-discharge")
    assert sorted(one.events for one in found) == sorted(expected)
    assert len(expected) == 5
    assert {one.severity for one in found} == {"fault"}
    assert found[0].numbers == {"first": "2026-04-25", "again": "2026-05-12"}


def test_numbers_claimed_twice(findings):
    """3.18 is the version of sections 72 and 73; no other number and no section is there twice."""
    registered = lines("section_registered")
    versions = collections.Counter(each["data"]["to_version"] for _, each in registered)
    sections = collections.Counter(each["id"] for _, each in registered)
    assert {v for v, count in versions.items() if v and count > 1} == {"3.18"}
    assert max(sections.values()) == 1
    (found,) = of(findings, "number-claimed-twice")
    assert (found.subject, found.events) == ("3.18", (724, 725))


def test_comparisons_that_are_none(findings):
    """Seven ratios of all tokens to the last one, of which one was 18 and cost three weeks."""
    expected = [
        n
        for n, each in lines("trace_compare")
        if each["data"]["apr_scope"] != each["data"]["gguf_scope"]
    ]
    found = of(findings, "incomparable/comparison")
    assert [one.events for one in found] == [(n,) for n in expected]
    assert len(found) == 7
    assert {tuple(one.numbers["fields"]) for one in found} == {("scope",)}
    assert found[3].numbers["scope"] == ["all 7 tokens", "last token"]


def test_traces_taken_in_different_ways(findings):
    """Four layers of two engines; in layer 0 one took qkv after the bias, the other before."""
    found = of(findings, "incomparable/trace")
    assert [one.numbers["layer"] for one in found] == [0, 1, 2, 3]
    assert set(found[0].numbers["fields"]) == {"scope", "capture of qkv"}
    assert all(set(one.numbers["fields"]) == {"scope"} for one in found[1:])


def test_one_threshold_for_two_scales(findings):
    """Best losses of 50,257 and 151,936 tokens, of 512 and 1,024 of them in a row."""
    by = {one.numbers["field"]: one for one in of(findings, "incomparable/scale")}
    assert by["vocabulary"].numbers["losses"] == {"50257": 8.911, "151936": 4.6227}
    assert by["sequence_length"].numbers["losses"] == {"512": 4.9111676, "1024": 4.7110777}
    assert by["sequence_length"].numbers["vocabulary"] == 151936
    assert {one.subject for one in by.values()} == {"FALSIFY-SHIP-013"}


def test_invalid_runs(findings):
    """The run without data and the run of two tokens, and no other."""
    invalid = {one.subject for one in findings if one.numbers.get("mark") == "INVALID"}
    assert invalid == {"broken-5k", "5g2-broken-corpus"}
    (quick,) = of(findings, "run/wall-time")
    epochs = [each["data"] for _, each in lines("epoch") if each["data"]["run"] == "broken-5k"]
    assert quick.numbers["before"] == min(e["wall_seconds"] for e in epochs[:3])
    assert [e["train_loss"] for e in epochs[3:]] == [1.0, 1.0]
    (spent,) = [one for one in of(findings, "run/exhausted-data") if one.subject == "broken-5k"]
    assert spent.numbers["tokens_read"] == 5 * 1000 * 16 * 512
    assert spent.numbers["corpus_tokens"] == 18143273


def test_utilisation_that_looks_generated(findings):
    """A hundred values between 45.03 and 54.87 around 49.91; of no other metric."""
    values = [each["data"]["gpu_util_pct"] for _, each in lines("step")]
    (found,) = of(findings, "run/generated-metric")
    assert found.numbers["metric"] == "gpu_util_pct"
    assert (found.numbers["least"], found.numbers["greatest"]) == (min(values), max(values))
    assert found.numbers["mean"] == pytest.approx(statistics.fmean(values))
    assert (round(min(values), 2), round(max(values), 2)) == (45.03, 54.87)


def test_steps_done_and_asked(findings):
    """100 of 50; and three runs that ended early though no rule of theirs says so."""
    found = {
        one.subject: (one.numbers["done"], one.numbers["asked"])
        for one in of(findings, "run/step-count")
    }
    assert found == {
        "cuda-50step": (len(lines("step")), 50),
        "run-2500": (2500, 10000),
        "tuned-50k": (7 * 2000, 50000),
        "4x-80k": (22000, 80000),
    }


def test_states_with_one_digest(findings):
    """Ten digests stand in two or three runs, each time beside other losses."""
    digests = collections.defaultdict(set)
    for _, each in lines("epoch"):
        data = each["data"]
        if data.get("optimizer_state_sha"):
            digests[data["optimizer_state_sha"]].add(
                (data["run"], data["train_loss"], data["val_loss"])
            )
    shared = {digest: found for digest, found in digests.items() if len(found) > 1}
    per_run = collections.Counter(run for found in shared.values() for run, _, _ in found)
    assert len(shared) == 10
    found = {one.subject: one.numbers["digests"] for one in of(findings, "run/state-hash")}
    assert found == dict(per_run) == {"tuned-50k": 7, "4x-20k": 10, "4x-80k": 10}


def test_held_out_text_read_again(findings):
    """A held-out loss that was 0.296 above the training loss ends 0.556 below it."""
    (found,) = of(findings, "run/held-out-read-again")
    assert found.subject == "1x-20k"
    assert found.numbers["gap_before"] == pytest.approx(9.86 - 9.564)
    assert found.numbers["gap_after"] == pytest.approx(8.911 - 9.467)


def test_the_moved_threshold(findings):
    """2.2 became 4.7 on May 18; 4.6227 was seen the day before. The strict row stays."""
    broken = {"5g2-broken-corpus"}
    seen = [
        (each["data"]["val_loss"], n)
        for n, each in lines("epoch")
        if each["data"]["run"] not in broken and each["at"] < "2026-05-18"
    ]
    best, where = min(pair for pair in seen if 2.2 < pair[0] < 4.7)
    (found,) = of(findings, "moved-threshold")
    assert (found.subject, found.severity) == ("FALSIFY-SHIP-013", "fault")
    assert found.numbers["seen"] == best == 4.6227
    assert found.numbers["strict"] == 2.2
    assert set(found.events) == {15, where, 842, 849}
    (against,) = of(findings, "against-declaration")
    assert against.numbers == {"observed": 4.6227, "declared": 2.2, "applied": 4.7}


def test_the_publication(findings):
    """Published on May 18 with 14 of 29 blocking rows open; one was discharged that very day."""
    names, blocking, done, same_day = rows(), set(), {}, set()
    for kind in ("criterion_declared", "gate_declared", "invariant_declared"):
        blocking |= {
            names[each["id"]]
            for _, each in lines(kind)
            if each["data"].get("ship_blocking") is True
        }
    for _, each in lines("verdict"):
        row, status = names.get(each["id"]), each["data"]["status"]
        if each["data"].get("branch_only"):
            continue
        if each["at"] < "2026-05-18":
            done[row] = status
        elif status == "DISCHARGED":
            same_day.add(row)
    unclosed = {row for row in blocking if done.get(row) != "DISCHARGED"}
    (found,) = of(findings, "published-while-open")
    assert found.severity == "fault"
    assert found.numbers["blocking"] == len(blocking) == 29
    assert set(found.numbers["undetermined_rows"]) == unclosed & same_day == {"FALSIFY-SHIP-013"}
    assert set(found.numbers["open_rows"]) == unclosed - same_day
    assert found.numbers["open"] == 14


def test_discharges_before_their_blockers(findings):
    """Five rows fell before the one cause they were said to share; three edges end in nothing."""
    names, first = rows(), {}
    for _, each in lines("verdict"):
        if each["data"]["status"] == "DISCHARGED":
            first.setdefault(names.get(each["id"], each["id"]), each["at"])
    expected = set()
    for n, each in lines("edge"):
        ends = [names.get(each["data"][key], each["data"][key]) for key in ("frm", "to")]
        if ends[0] in first and first.get(ends[1], "9999") > first[ends[0]]:
            expected.add((ends[0], n))
    found = of(findings, "blocked-discharge")
    assert {(one.subject, one.events[0]) for one in found} == expected
    assert len(expected) == 8


def test_a_limit_passed_by_far(findings):
    """83 times over 1e-5 on April 24, discharged on April 25, with 22 valid steps of 100."""
    (found,) = of(findings, "over-limit")
    assert found.events == (77, 219, 227)
    assert found.numbers == {"limit": 1e-5, "times_over": 83}
    (few,) = of(findings, "measurement/few-valid-steps")
    assert few.numbers == {"valid_steps": 22, "steps": 100}


def test_numbers_that_do_not_follow(findings):
    """264.74 was published; the median of the hundred steps is 264.72."""
    median = statistics.median(each["data"]["wall_ms"] for _, each in lines("step"))
    (found,) = of(findings, "number-does-not-follow")
    assert found.numbers["stated"] == 264.74
    assert found.numbers["computed"] == round(median, 2) == 264.72


def test_worse_than_guessing_and_far_from_expected(findings):
    """A loss of 19.8 where guessing costs ln 151936, and one of 8.6 where 4.62 was expected."""
    (worse,) = of(findings, "measurement/worse-than-guessing")
    assert worse.numbers["uniform"] == pytest.approx(math.log(151936), abs=1e-3)
    assert worse.numbers["loss"] == 19.80251
    (far,) = of(findings, "measurement/far-from-expected")
    assert far.numbers == {"value": 8.6, "expected": 4.62}
