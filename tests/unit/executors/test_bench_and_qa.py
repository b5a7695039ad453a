"""`ledger run bench` and `ledger run qa` as a user meets them."""

import json

import pytest
from labs import F16, MODELS, bodies

from ledger.cli import run

Q8 = MODELS / "tiny4-Q8_0.gguf"
FAST = ["--engine", "numpy", "--least-tokens-per-second", "0.1", "--decode-tokens", "2"]
FAST += ["--repeats", "1"]


def measured(ledger):
    """Measurements by metric."""
    return {body["metric"]: body for body in bodies(ledger.folder, "measurement.taken")}


def test_a_model_is_timed(ledger, capsys):
    """Medians with the tries beside them, and the device that was observed."""
    words = ["run", "bench", str(Q8), "--engine", "numpy", "--prompt-tokens", "4"]
    assert run([*words, "--decode-tokens", "2", "--repeats", "2", "--json"]) == 0
    out, err = capsys.readouterr()
    table = {row["quantity"]: row for row in json.loads(out)}
    assert set(table) == {"prefill", "decode", "first token", "peak memory"}
    assert (
        0 < table["decode"]["smallest"] <= table["decode"]["median"] <= table["decode"]["largest"]
    )
    found = measured(ledger)
    assert found["decode_tokens_per_second"]["value"] == table["decode"]["median"]
    key = found["decode_tokens_per_second"]["key"]
    assert (key["n"], key["device"], key["decode_tokens"]) == (2, "cpu", 2)
    assert "on cpu" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bench", str(Q8), "--prompt-tokens", "2048"], "the model has 2048 positions"),
        (["bench", str(Q8), "--engine", "c"], "no engine is named"),
        (["qa", str(Q8), "--skip", "everything"], "no gate is named everything"),
        (["qa", str(Q8), "--peer-ids", "1,2"], "belong together"),
        (["qa", str(Q8), "--engine", "c"], "no engine is named"),
    ],
)
def test_what_cannot_be_asked(ledger, capsys, words, says):
    """A mistake of the caller: one error with a hint, and no run."""
    assert run(["run", *words]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("hint") == 1
    assert bodies(ledger.folder, "run.started") == []


def test_a_device_that_is_not_there_fails_the_run(ledger, capsys):
    """And no number is taken from another one."""
    assert run(["run", "bench", str(Q8), "--engine", "numpy", "--device", "cuda"]) == 7
    assert "computes on the CPU only" in capsys.readouterr().err
    assert measured(ledger) == {}


def test_gates(ledger, capsys):
    """What was not given is SKIP, and code 1 only if that is asked for."""
    words = ["run", "qa", str(Q8), *FAST, "--other", str(F16), "--skip", "gpu-speed-up", "--json"]
    assert run(words) == 0
    out, err = capsys.readouterr()
    results = {row["gate"]: row["result"] for row in json.loads(out)}
    assert results == {
        "metadata": "PASS",
        "tensor-contracts": "PASS",
        "golden-output": "SKIP",
        "format-parity": "PASS",
        "kernel-parity": "SKIP",
        "program-parity": "SKIP",
        "throughput": "PASS",
        "gpu-speed-up": "SKIP",
    }
    assert "4 PASS, 0 FAIL, 4 SKIP" in err
    found = measured(ledger)
    counts = [found[f"qa_gates_{name}"]["value"] for name in ("passed", "failed", "skipped")]
    assert counts == [4, 0, 4]
    assert found["qa_format_disagreements"]["key"]["n"] == 128
    assert "qa_peer_cosine" not in found
    assert run(["audit"]) == 0


def test_a_gate_that_fails_is_code_1(ledger, capsys):
    """So is one that was skipped, where nothing may be."""
    others = ["throughput", "gpu-speed-up", "tensor-contracts", "format-parity"]
    skip = [word for name in others for word in ("--skip", name)]
    words = ["run", "qa", str(Q8), "--engine", "numpy", *skip, "--json"]
    assert run([*words, "--require", "general.license"]) == 1
    rows = {row["gate"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["metadata"]["result"] == "FAIL"
    assert rows["metadata"]["reason"] == "general.license is missing or empty"
    assert measured(ledger)["qa_gates_failed"]["value"] == 1
    assert run(words) == 0
    assert run([*words, "--strict"]) == 1


def test_an_input_that_cannot_be_read_fails_its_gate(ledger, tmp_path, capsys):
    """A gate that was asked for and met an error is no SKIP."""
    (tmp_path / "logits").write_bytes(b"\0" * 7)
    words = ["run", "qa", str(Q8), "--engine", "numpy", "--peer-logits", str(tmp_path / "logits")]
    skip = [word for name in ("throughput", "tensor-contracts") for word in ("--skip", name)]
    assert run([*words, "--peer-ids", "1,2", *skip, "--json"]) == 1
    rows = {row["gate"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["program-parity"]["result"] == "FAIL"
    assert "7 bytes of logits" in rows["program-parity"]["reason"]
    assert bodies(ledger.folder, "run.finished")
