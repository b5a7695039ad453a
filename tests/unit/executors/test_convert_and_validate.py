"""`ledger run convert`, `quantise` and `validate` as a user meets them."""

import json

import pytest
from checkpoints import write_checkpoint
from labs import F16, Q4, ask, digest

from ledger.cli import run


@pytest.fixture
def no_ledger(tmp_path, monkeypatch):
    """A folder without a ledger, in which commands work."""
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


def measured(folder, name):
    """(metric, value, key) of a run."""
    sql = f"select metric, value, key from measurements where run = '{name}' order by position"
    return [(metric, value, json.loads(key)) for metric, value, key in ask(folder, sql)]


def test_convert_is_a_run(ledger, tmp_path, capsys):
    """Both digests are on record, and what is on stdout is the table alone."""
    target = tmp_path / "made.apr"
    assert run(["run", "convert", str(F16), str(target), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == []
    assert "convert-0001: made.apr is apr v2.0" in said.err
    found = {metric: (value, key) for metric, value, key in measured(ledger.folder, "convert-0001")}
    key = found["tensors"][1]
    assert (key["model"], key["output"]) == (digest(F16), digest(target))
    assert found["tensors"][0] == 50
    assert found["tensors_repacked"][0] == 0


def test_quantise_records_each_tensor(ledger, tmp_path, capsys):
    """The error of every packed tensor, by name and type; the file is llama.cpp's."""
    target = tmp_path / "made.gguf"
    assert run(["run", "quantise", str(F16), str(target), "--type", "q4_k_m", "--json"]) == 0
    assert target.read_bytes() == Q4.read_bytes()
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 29
    first = next(row for row in rows if row["tensor"] == "blk.0.attn_q.weight")
    assert (first["type_before"], first["type_after"], first["wanted"]) == ("F16", "Q4_K", "Q4_K")
    assert 0.05 < first["share"] < 0.09
    assert first["over_limit"] is False
    found = measured(ledger.folder, "quantise-0001")
    shares = {k["tensor"]: v for metric, v, k in found if metric == "round_trip_share"}
    assert len(shares) == 29
    assert shares["blk.0.attn_q.weight"] == pytest.approx(first["share"], rel=1e-12)


@pytest.mark.usefixtures("no_ledger")
def test_a_tensor_over_the_limit_is_named(tmp_path, capsys):
    """Four bits under one scale lose more than ggml's limit: exit code 1, and the file is there."""
    target = tmp_path / "made.apr"
    words = ["run", "convert", str(F16), str(target), "--to", "apr_q4", "--no-record"]
    assert run(words) == 1
    said = capsys.readouterr().err
    assert "blk.0.attn_q.weight: APR_Q4 is off by 0.09" in said
    assert "and 19 more, which the table marks" in said
    assert target.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["convert", str(F16), str(F16)], 2, "the input itself"),
        (["convert", str(F16), "made.onnx"], 2, "no container that is written"),
        (["convert", str(Q4), "made"], 2, "checkpoint has no type Q6_K"),
        (["convert", "none.gguf", "made.apr"], 2, "cannot read"),
        (["quantise", str(Q4), "made.gguf", "--type", "q4_0"], 2, "already"),
        (["quantise", str(F16), "made.apr"], 2, "does not end in .gguf"),
        (["validate", "none.gguf"], 2, "cannot read"),
    ],
)
def test_refusals(words, code, said, ledger, capsys):
    """What cannot be done is told before a run begins."""
    assert run(["run", *words]) == code
    assert said in capsys.readouterr().err
    assert ask(ledger.folder, "select count(*) from events where kind = 'run.started'") == [(0,)]


def test_failure_in_the_middle_is_a_failed_run(ledger, tmp_path, capsys):
    """A folder that cannot be written into ends the run as failed, with exit code 7."""
    assert run(["run", "convert", str(F16), str(tmp_path / "none" / "made.apr")]) == 7
    assert "cannot write" in capsys.readouterr().err
    kinds = ask(ledger.folder, "select kind from events where kind like 'run.%' order by position")
    assert kinds == [("run.started",), ("run.failed",)]


def test_validate_is_a_run(ledger, capsys):
    """Every check is listed, and how many passed is on record."""
    assert run(["run", "validate", str(Q4), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"header", "overlaps", "padding", "vocabulary", "finite"} <= {r["check"] for r in rows}
    assert {row["result"] for row in rows} == {"PASS", "SKIP"}
    found = {metric: value for metric, value, _ in measured(ledger.folder, "validate-0001")}
    assert found == {
        "checks_passed": len(rows) - 2,
        "checks_failed": 0,
        "checks_skipped": 2,
    }


def test_validate_finds(ledger, tmp_path, capsys):
    """A failed check has its byte, exit code 1, and a measurement of its own."""
    path = tmp_path / "longer.gguf"
    path.write_bytes(F16.read_bytes() + b"x")
    assert run(["run", "validate", str(path), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    failed = [(row["check"], row["offset"]) for row in rows if row["result"] == "FAIL"]
    assert failed == [("padding", F16.stat().st_size)]
    found = measured(ledger.folder, "validate-0001")
    assert [(value, key["check"]) for metric, value, key in found if metric == "findings"] == [
        (1, "padding")
    ]


@pytest.mark.usefixtures("no_ledger")
def test_validate_refuses_malformed_files(tmp_path, capsys):
    """Exit code 5 with the byte, and nothing on stdout."""
    path = tmp_path / "short.gguf"
    path.write_bytes(F16.read_bytes()[:5000])
    assert run(["run", "validate", str(path), "--no-record"]) == 5
    said = capsys.readouterr()
    assert said.out == ""
    assert "at byte" in said.err


@pytest.mark.usefixtures("no_ledger")
def test_checkpoint_to_gguf_and_inspect_apr(tmp_path, capsys):
    """A checkpoint becomes a GGUF file; inspect shows an APR file under both of its names."""
    write_checkpoint(F16, tmp_path / "theirs")
    assert run(["run", "convert", "theirs", "made.gguf", "--no-record"]) == 0
    assert run(["run", "convert", "made.gguf", "made.apr", "--no-record"]) == 0
    capsys.readouterr()
    assert run(["run", "inspect", "made.apr", "--json", "--tensors", "output_norm*"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["format"] == "apr v2.0"
    assert [row["stored_as"] for row in found["tensors"]] == ["model.norm.weight"]
    assert found["metadata"]["qwen2.block_count"] == 4
    assert found["metadata"]["apr.num_layers"] == 4
