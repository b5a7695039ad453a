"""`ledger run pass-at-k` as a user meets it."""

import json
from pathlib import Path

import pytest
from labs import MODELS, bodies

from executors.pass_at_k import sample_seed
from ledger.cli import run

SMALL = Path(__file__).parents[2] / "data" / "code_problems" / "small.jsonl"
MODEL = MODELS / "tiny4-Q8_0.gguf"


def problems():
    """The lines of the small set."""
    return [json.loads(line) for line in SMALL.read_text().splitlines()]


def write(path, lines):
    """Write objects as JSON lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def measured(ledger):
    """Measurements by metric."""
    return {body["metric"]: body for body in bodies(ledger.folder, "measurement.taken")}


def test_samples_of_a_file_are_judged(ledger, tmp_path, capsys):
    """Three of five are right; the control came first, under the same harness."""
    lines = [
        {"task_id": p["task_id"], "completion": p["canonical_solution"] if i < 3 else "    pass\n"}
        for i, p in enumerate(problems())
    ]
    samples = write(tmp_path / "samples.jsonl", lines)
    assert run(["run", "pass-at-k", str(SMALL), "--samples", samples, "--json"]) == 0
    out, err = capsys.readouterr()
    (row,) = json.loads(out)
    assert (row["quantity"], row["value"], row["interval"]) == ("pass@1", 0.6, "Wilson")
    assert "2 failed, 3 passed" in err
    found = measured(ledger)
    assert list(found)[:2] == ["known_pass_rate", "broken_pass_rate"]
    assert (found["known_pass_rate"]["value"], found["broken_pass_rate"]["value"]) == (1.0, 0.0)
    key = found["pass_at_1"]["key"]
    assert key["harness"] == found["known_pass_rate"]["key"]["harness"]
    assert (key["n"], key["samples_each"]) == (5, 1)
    assert run(["audit"]) == 0


def test_a_model_writes_the_samples(ledger, capsys):
    """Random weights solve nothing; the key says how samples were drawn."""
    words = ["run", "pass-at-k", str(MODEL), str(SMALL), "--engine", "numpy", "--max-tokens", "4"]
    words += ["--n", "2", "--temperature", "0.9", "--seed", "7", "--k", "1", "--k", "2"]
    assert run([*words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["quantity"], row["value"]) for row in rows] == [("pass@1", 0), ("pass@2", 0)]
    key = measured(ledger)["pass_at_2"]["key"]
    assert (key["temperature"], key["seed"], key["samples_each"]) == (0.9, 7, 2)
    assert bodies(ledger.folder, "run.started")[0]["seed"] == 7


def test_a_control_that_does_not_hold_ends_the_run(ledger, tmp_path, capsys):
    """A wrong answer in the file: nothing is judged, and the failure is on record."""
    lines = problems()
    lines[1]["canonical_solution"] = "    return -1\n"
    path = write(tmp_path / "problems.jsonl", lines)
    samples = [{"task_id": p["task_id"], "completion": "    pass\n"} for p in lines]
    words = ["run", "pass-at-k", path, "--samples", write(tmp_path / "samples.jsonl", samples)]
    assert run(words) == 7
    err = capsys.readouterr().err
    assert "the control does not hold: small/vowels: the canonical solution failed" in err
    assert measured(ledger)["known_pass_rate"]["value"] == 0.8
    assert "pass_at_1" not in measured(ledger)
    assert len(bodies(ledger.folder, "run.failed")) == 1


def test_a_control_from_another_file(ledger, tmp_path):
    """Problems without answers need one, and then they are judged."""
    bare = [{k: v for k, v in p.items() if k != "canonical_solution"} for p in problems()]
    path = write(tmp_path / "bare.jsonl", bare)
    samples = [{"task_id": p["task_id"], "completion": "    pass\n"} for p in bare]
    words = ["run", "pass-at-k", path, "--samples", write(tmp_path / "samples.jsonl", samples)]
    assert run(words) == 2
    assert bodies(ledger.folder, "run.started") == []
    assert run([*words, "--control", str(SMALL)]) == 0
    assert "control" in bodies(ledger.folder, "run.started")[0]["inputs"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([str(SMALL)], 2, "give MODEL and PROBLEMS"),
        ([str(MODEL), str(SMALL), "--n", "2"], 2, "2 samples at temperature 0"),
        ([str(MODEL), str(SMALL), "--k", "10"], 2, "pass@10 from 1 samples"),
        ([str(MODEL), str(SMALL), "--temperature", "-1"], 2, "temperature -1.0"),
        ([str(MODEL), str(MODEL)], 5, "is no JSON"),
        ([str(SMALL), str(SMALL)], 2, "small.jsonl"),
    ],
)
def test_what_cannot_be_judged(ledger, capsys, words, code, says):
    """A mistake of the caller: one error with a hint, and no run."""
    assert run(["run", "pass-at-k", *words]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("hint") == 1
    assert bodies(ledger.folder, "run.started") == []


def test_a_model_without_a_vocabulary(ledger, tmp_path, capsys):
    """It can write nothing, and no run begins."""
    from windowed_models import VARIANTS, write_gguf

    path = write_gguf(VARIANTS["qwen3"], tmp_path / "model.gguf")
    assert run(["run", "pass-at-k", str(path), str(SMALL)]) == 2
    assert "vocabulary" in capsys.readouterr().err
    assert bodies(ledger.folder, "run.started") == []


def test_each_sample_has_a_seed_of_its_own():
    """It depends on seed, problem and number, and on nothing else."""
    seeds = {sample_seed(s, t, i) for s in (0, 1) for t in ("a", "b") for i in range(3)}
    assert len(seeds) == 12
    assert sample_seed(0, "a", 0) == sample_seed(0, "a", 0)
