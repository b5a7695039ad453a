"""`ledger run import-trace`: a stranger's activations beside a trace of ours."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from documents import ROOT
from ledgers import new_ledger

from ledger.cli import run
from ml.tracing import trace

MODEL = ROOT / "tests" / "data" / "reference" / "tiny4-f16.gguf"
IDS = [319, 75, 75]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder with a ledger, activations of tiny4 in acts/ and their contract beside them."""
    new_ledger(tmp_path / "lab").close()
    monkeypatch.chdir(tmp_path / "lab")
    monkeypatch.setenv("LEDGER_ACTOR", "human:ada")
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    traced = trace(MODEL, IDS, engine="numpy", keep_tensors=True)
    (tmp_path / "lab" / "acts").mkdir()
    points = {}
    for (point, layer), values in traced.tensors.items():
        name = point if layer is None else f"{point}.{layer}"
        np.save(f"acts/{name}.npy", values)
        entry = {"point": point, "file": f"{point}.npy"}
        if layer is not None:
            entry = {"point": point, "file": f"{point}.{{layer}}.npy", "layers": "0-3"}
        points[point] = entry
    write_contract(list(points.values()))
    return tmp_path / "lab"


def write_contract(points, **changes):
    """The contract of the folder acts/."""
    fields = {"format": "imported-trace/1", "program": "stranger 2.0", "ids": IDS}
    text = yaml.safe_dump(fields | {"points": points} | changes)
    Path("trace.yaml").write_text(text, encoding="utf-8")


def points():
    """The points of the contract."""
    return yaml.safe_load(Path("trace.yaml").read_text(encoding="utf-8"))["points"]


def bodies(kind, capsys):
    """The bodies of all entries of a kind."""
    capsys.readouterr()
    assert run(["query", "events", "--kind", kind, "--format", "json"]) == 0
    return [row["body"] for row in json.loads(capsys.readouterr().out)]


@pytest.mark.usefixtures("lab")
def test_taken_in_and_compared(capsys):
    """Their numbers are on record as asserted, and held against ours point by point."""
    assert run(["run", "import-trace", "acts", "--contract", "trace.yaml", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["point"] for row in rows} >= {"embedding", "output", "logits"}
    ids = ",".join(map(str, IDS))
    assert run(["run", "trace", str(MODEL), "--ids", ids, "--engine", "numpy"]) == 0
    assert run(["run", "compare", "trace-0001", "import-trace-0001"]) == 0
    _, said = capsys.readouterr()
    assert "engine: numpy | stranger 2.0" in said
    assert "no point is further apart" in said
    (start, *_) = bodies("run.started", capsys)
    start = json.loads(start) if isinstance(start, str) else start
    assert (start["provenance"], start["arguments"]["program"]) == ("asserted", "stranger 2.0")
    assert sorted(start["inputs"]) == ["contract", "files", "tokens"]


@pytest.mark.usefixtures("lab")
def test_a_planted_fault_is_found(capsys):
    """One row of one layer that is off: the first divergence names it."""
    values = np.load("acts/ffn_up.2.npy")
    values[1] *= 1.5
    np.save("acts/ffn_up.2.npy", values)
    assert run(["run", "import-trace", "acts", "--contract", "trace.yaml"]) == 0
    ids = ",".join(map(str, IDS))
    assert run(["run", "trace", str(MODEL), "--ids", ids, "--engine", "numpy"]) == 0
    capsys.readouterr()
    run(["run", "compare", "trace-0001", "import-trace-0001"])
    assert "first divergence: layer 2, ffn_up, token 1" in capsys.readouterr().err


def test_the_last_row_alone(lab, capsys):
    """One row against all of them: incomparable, with the fix, and exit code 1."""
    for path in (lab / "acts").iterdir():
        np.save(path, np.load(path)[-1:])
    write_contract(points(), rows="last")
    assert run(["run", "import-trace", "acts", "--contract", "trace.yaml"]) == 0
    ids = ",".join(map(str, IDS))
    assert run(["run", "trace", str(MODEL), "--ids", ids, "--engine", "numpy"]) == 0
    assert run(["run", "compare", "trace-0001", "import-trace-0001"]) == 1
    said = capsys.readouterr().err
    assert "incomparable" in said
    assert "fix: trace both with the same rows" in said


def test_bad_input_records_nothing(lab, capsys):
    """A missing folder, a bad contract and a stray file: one clear error, no run."""
    (lab / "acts" / "stray.txt").write_text("x")
    for folder, contract, says in (
        ("acts", "trace.yaml", "stray.txt: no point of the contract is in this file"),
        ("none", "trace.yaml", "is not there"),
        ("acts", "none.yaml", "cannot read none.yaml"),
    ):
        assert run(["run", "import-trace", folder, "--contract", contract]) == 5
        assert says in capsys.readouterr().err
    assert bodies("run.started", capsys) == []
