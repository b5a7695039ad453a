"""`--engine b --activation q8` as a user meets it: recorded, measured under its key, refused."""

import json

import pytest
from labs import F16, Q4, TOKENS, bodies

from ledger.cli import run

IDS = ",".join(map(str, TOKENS))


@pytest.mark.slow
def test_the_integer_path_is_recorded(ledger, capsys):
    """Asked for in the arguments, stated in the path, part of the key of what is measured."""
    words = ["run", "trace", str(Q4), "--ids", IDS, "--device", "cpu", "--engine", "b"]
    assert run(words) == 0
    assert run([*words, "--activation", "q8"]) == 0
    plain, quantised = bodies(ledger.folder, "run.started")
    assert plain["arguments"]["activation"] == "none"
    assert quantised["arguments"]["activation"] == "q8"
    paths = [traced["path"] for traced in bodies(ledger.folder, "trace.captured")]
    assert [path["activation_quantisation"] for path in paths] == ["none", "Q8_K"]
    assert {path["engine"] for path in paths} == {"b"}
    keys = [json.dumps(body["key"]) for body in bodies(ledger.folder, "measurement.taken")]
    assert len(set(keys)) == 2
    assert ["Q8_K" in key for key in keys] == [False] * 3 + [True] * 3
    capsys.readouterr()
    run(["run", "compare", "trace-0001", "trace-0002"])
    told = capsys.readouterr()
    assert "activation_quantisation: none | Q8_K" in told.out + told.err


def test_an_engine_that_cannot_is_named_with_one_that_can(ledger, capsys):
    """A mistake of the caller, and no run begins."""
    assert run(["run", "trace", str(Q4), "--ids", IDS, "--activation", "q8"]) == 2
    assert "engine a cannot quantise activations" in (err := capsys.readouterr().err)
    assert "--engine b" in err
    assert bodies(ledger.folder, "run.started") == []


def test_a_type_that_engine_b_does_not_take(ledger, capsys):
    """The run fails, and says which tensor and which type."""
    words = ["run", "trace", str(F16), "--ids", IDS, "--device", "cpu", "--engine", "b"]
    assert run(words) == 7
    assert "token_embd.weight is stored as F16" in capsys.readouterr().err
    (end,) = bodies(ledger.folder, "run.failed")
    assert "token_embd.weight is stored as F16" in end["reason"]
