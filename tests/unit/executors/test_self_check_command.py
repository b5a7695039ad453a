"""`ledger run self-check` as a user meets it."""

import json

import pytest
from labs import F16, Q4, ask, bodies

from ledger.cli import run
from ml import self_check

WORDS = ["run", "self-check", str(F16), "--ids", "319,75,75,78"]


def test_an_engine_that_agrees_with_itself(ledger, capsys):
    """The reference is bit-equal; the numbers are measured, under a key that says how."""
    assert run([*WORDS, "--engine", "numpy", "--json"]) == 0
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert {row["point"] for row in rows} >= {"k_rope", "attn_mix", "logits"}
    assert max(row["distance"] for row in rows) < 1e-6
    assert "self-check-0001: largest distance" in err
    measured = {body["metric"]: body for body in bodies(ledger.folder, "measurement.taken")}
    assert measured["self_check_decided_argmax_differences"]["value"] == 0
    assert measured["self_check_distance"]["key"]["engine"] == "numpy"
    assert run(["audit"]) == 0


def test_a_check_that_does_not_hold(ledger, capsys, monkeypatch):
    """Over the bar: code 1, and the place where the two ways part."""
    monkeypatch.setitem(self_check.BARS, ("none", "f16"), -1.0)
    assert run([*WORDS, "--engine", "numpy", "--kv", "f16"]) == 1
    assert "the two ways part at embedding, token 0: 0, and -1" in capsys.readouterr().err
    assert ask(ledger.folder, "select count(*) from measurements") == [(3,)]


@pytest.mark.slow
@pytest.mark.usefixtures("ledger")
def test_the_cache_of_an_engine(capsys):
    """Engine b over packed weights, keys and values in f16."""
    words = ["run", "self-check", str(Q4), "--ids", "319,75,75", "--engine", "b", "--kv", "f16"]
    assert run([*words, "--device", "cpu"]) == 0
    assert "within 0.003" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--engine", "none"], ["--activation", "q8"], ["--bos"], ["--prompt", "x"]]
)
def test_what_cannot_be_checked(ledger, capsys, words):
    """A mistake of the caller: one error with a hint, and no run."""
    assert run([*WORDS, *words]) == 2
    assert capsys.readouterr().err.count("hint") == 1
    assert bodies(ledger.folder, "run.started") == []
