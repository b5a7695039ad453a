"""`Ledger.run`: what a training loop records, however it calls."""

import json
import math
import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import lines_of, new_ledger

from ledger import Ledger
from ledger.canonical import encode
from ledger.errors import BadArguments, Conflict, Malformed
from ledger.events import KINDS
from ledger.events.form import check_body
from ledger.run import _Steps


@pytest.fixture
def ledger(tmp_path):
    """A ledger with its first entry."""
    with new_ledger(tmp_path / "lab") as ledger:
        yield ledger


def recorded(ledger, kind=None):
    """(body, actor, stream) of every entry after the first, or of one kind."""
    entries = [json.loads(line.entry) for line in lines_of(ledger.folder)[1:]]
    return [(e["body"], e["actor"], e["stream"]) for e in entries if kind in (None, e["kind"])]


def steps(ledger):
    """The bodies of all steps."""
    return [body for body, *_ in recorded(ledger, "step.taken")]


def test_the_line_of_the_readme(tmp_path):
    """One line opens a ledger and begins a run; steps are numbered; the end is recorded."""
    new_ledger(tmp_path / "lab").close()
    with Ledger.open(tmp_path / "lab").run("train", seed=7, arguments={"lr": 0.1}) as run:
        receipt = run.step(loss=2.5, lr=3e-4)
        run.step(loss=2.25)
        run.step(10, loss=2.0)
        run.step(loss=1.5)
    with Ledger.open(tmp_path / "lab") as ledger:
        (start, actor, stream), *rest = recorded(ledger)
        assert (start["run"], start["seed"], start["arguments"]) == ("train-0001", 7, {"lr": 0.1})
        assert (actor, stream) == ("executor:train", "run/train-0001")
        assert [body["step"] for body in steps(ledger)] == [0, 1, 10, 11]
        assert rest[-1][0]["entries"] == 6
        assert (receipt.position, receipt.stream_version) == (2, 1)
        assert ledger.read(bytes.fromhex(receipt.hash[7:]))[0].body["metrics"]["loss"] == 2.5


def test_every_kind_of_number(ledger):
    """Numbers of numpy and one-element tensors are kept as numbers, what is not finite by name."""
    with ledger.run("train") as run:
        run.step(
            a=1,
            b=0.5,
            c=np.float32(0.25),
            d=np.float64(1e-7),
            e=np.int64(3),
            f=np.array(2.0),
            g=math.nan,
            h=np.float32(-math.inf),
            i="Infinity",
        )
    assert steps(ledger)[0]["metrics"] == {
        "a": 1,
        "b": 0.5,
        "c": 0.25,
        "d": 1e-7,
        "e": 3,
        "f": 2.0,
        "g": "NaN",
        "h": "-Infinity",
        "i": "Infinity",
    }


@pytest.mark.parametrize(
    ("step", "metrics"),
    [
        (None, {"loss": "low"}),
        (None, {"loss": True}),
        (None, {"loss": None}),
        (None, {"loss": [1.0]}),
        (None, {"loss": 2**60}),
        (None, {"": 1.0}),
        (None, {"l\u00f6ss": 1.0}),
        (None, {"a\n": 1.0}),
        ("1", {"loss": 1.0}),
        (2**60, {"loss": 1.0}),
        (1.5, {"loss": 1.0}),
    ],
)
def test_bad_steps(ledger, step, metrics):
    """What cannot be recorded is refused with its reason, before and after good ones alike."""
    with ledger.run("train") as run:
        for _ in range(2):
            with pytest.raises(Malformed) as refused:
                run.step(step, **metrics)
            assert refused.value.reasons
            run.step(loss=1.0)
    assert [body["step"] for body in steps(ledger)] == [0, 1]


names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=6)
numbers = st.integers(-(2**54), 2**54) | st.floats() | st.sampled_from(["NaN", "x", None, True])


@settings(max_examples=300)
@given(step=st.integers(-1, 2**53 + 1), metrics=st.dictionaries(names, numbers, max_size=5))
def test_the_short_way_says_what_the_form_check_says(step, metrics):
    """The bytes of a step are those of the form check, or both refuse it."""
    way = _Steps("train-0001", "measured", None)
    for _ in range(2):  # the second time its names are known
        plain = {
            name: str(value).replace("nan", "NaN").replace("inf", "Infinity")
            if isinstance(value, float) and not math.isfinite(value)
            else value
            for name, value in metrics.items()
        }
        body = {"run": "train-0001", "step": step, "provenance": "measured", "metrics": plain}
        try:
            wanted = check_body(KINDS["step.taken"], body)
        except Malformed:
            with pytest.raises(Malformed):
                way.encode(step, metrics)
        else:
            assert way.encode(step, metrics) == wanted == encode(json.loads(wanted))


def test_threads(ledger):
    """Threads that share one run lose no step, double none, and their numbers go on."""

    def work(run, failures):
        try:
            for _ in range(100):
                run.step(loss=0.5)
                run.measure("tokens", 1, "count", {})
        except Exception as error:
            failures.append(error)

    failures = []
    with ledger.run("train") as run:
        threads = [threading.Thread(target=work, args=(run, failures)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert [body["step"] for body in steps(ledger)] == list(range(400))
    assert len(recorded(ledger, "measurement.taken")) == 400
    assert recorded(ledger)[-1][0]["entries"] == 802


def test_threads_open_one_recorder(tmp_path):
    """Threads that use a ledger at the same time for the first time share its writer."""
    new_ledger(tmp_path / "lab").close()
    ledger, seen = Ledger.open(tmp_path / "lab"), []
    threads = [threading.Thread(target=lambda: seen.append(ledger.recorder)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, seen))) == 1
    ledger.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_goes_on(ledger):
    """A child of fork(2) records into the same run through a writer of its own."""
    with ledger.run("train") as run:
        run.step(loss=1.0)
        child = os.fork()
        if child == 0:
            try:
                for _ in range(50):
                    run.step(loss=2.0)
            finally:
                os._exit(0)
        for _ in range(50):
            run.step(loss=3.0)
        assert os.waitpid(child, 0)[1] == 0
    assert len(steps(ledger)) == 101


def test_runs_side_by_side(ledger):
    """Two runs of one ledger are two streams, whatever their order."""
    with ledger.run("train") as first, ledger.run("train") as second:
        for _ in range(3):
            first.step(loss=1.0)
            second.step(loss=2.0)
    found = [(body["run"], body["step"]) for body in steps(ledger)]
    assert found == [(name, n) for n in range(3) for name in ("train-0001", "train-0002")]


def test_before_and_after(ledger):
    """A run records within its block, and is no second one."""
    run = ledger.run("train")
    with pytest.raises(Conflict, match="not begun"):
        run.step(loss=1.0)
    with run:
        run.step(loss=1.0)
    for call in (lambda: run.step(loss=1.0), lambda: run.measure("x", 1, "count", {})):
        with pytest.raises(Conflict, match="is over"):
            call()
    with pytest.raises(Conflict, match="begun before"), run:
        pass
    assert len(steps(ledger)) == 1


@pytest.mark.parametrize("name", ["", "Train Run", "a/b", "x" * 65])
def test_bad_executor(ledger, name):
    """A name that can be no executor is refused, and no run begins."""
    with pytest.raises((Malformed, BadArguments)), ledger.run(name):
        pass
    assert recorded(ledger) == []


def test_evidence(ledger):
    """Bytes are kept by digest, and an event names them."""
    with ledger.run("train") as run:
        digest = run.keep(b"weights")
        run.record("measurement.taken", {
            "metric": "size", "value": 7, "unit": "bytes", "provenance": "measured",
            "key": {"blob": digest},
        })  # fmt: skip
    assert ledger.read_blob(digest) == b"weights"


def test_a_query_from_python(ledger):
    """Named queries answer in Python, as the record stands or stood."""
    with ledger.run("train") as run:
        for loss in (3.0, 2.0):
            run.step(loss=loss)
    assert [row["run"] for row in ledger.query("runs").objects()] == ["train-0001"]
    assert ledger.query("runs", at=0).rows == ()
    with pytest.raises(BadArguments, match="no query 'rnus'"):
        ledger.query("rnus")
