"""What of a pass is looked at: points, rows, generated tokens, whole activations, files of ids."""

import io
import json

import numpy as np
import pytest
from labs import F16, TOKENS, ask, bodies

from ledger.cli import run
from ledger.entry import parse_hash
from ml.containers import open_container

IDS = ",".join(map(str, TOKENS))
WORDS = ["run", "trace", str(F16), "--engine", "numpy"]


def test_points_by_pattern(ledger):
    """Patterns, several in one option or in several."""
    words = [*WORDS, "--ids", IDS, "--points", "q_*, output", "--points", "logits"]
    assert run(words) == 0
    (traced,) = bodies(ledger.folder, "trace.captured")
    names = {point for point, *_ in traced["points"]}
    assert names == {"q_matmul", "q_bias", "q_rope", "output", "logits"}
    (start,) = bodies(ledger.folder, "run.started")
    assert start["arguments"]["points"] == ["q_*", "output", "logits"]


def test_the_last_row_and_all_rows_do_not_compare(ledger, capsys):
    """The statistics of `--rows last` are the last row's alone, and its identity says so."""
    assert run([*WORDS, "--ids", IDS]) == 0
    assert run([*WORDS, "--ids", IDS, "--rows", "last"]) == 0
    every, last = bodies(ledger.folder, "trace.captured")
    assert last["all_rows"] == last["last_row"] == every["last_row"]
    assert last["all_rows"] != every["all_rows"]
    assert (last["kept_rows"], last["identity"]["rows"]["selection"]) == ([3], "last")
    assert run(["run", "compare", "trace-0001", "trace-0002"]) == 1
    err = capsys.readouterr().err
    assert "not comparable: rows" in err
    assert "fix: trace both with the same rows" in err


def test_generated_tokens(ledger, capsys):
    """The likeliest tokens follow the prompt one by one; every second of them is looked at."""
    words = [*WORDS, "--ids", IDS, "--generate", "5", "--every", "2", "--rows", "last"]
    assert run(words) == 0
    told = capsys.readouterr().err
    (traced,) = bodies(ledger.folder, "trace.captured")
    assert traced["path"]["batching"] == "one by one"
    assert traced["kept_rows"] == [3, 5, 7]
    assert traced["identity"]["positions"] == {"count": 9, "first": 0}
    (line,) = [line for line in told.splitlines() if line.startswith("generated: ")]
    tokens = [int(part) for part in line.removeprefix("generated: ").split(",")]
    # The same ids given at once lead to the same activations.
    whole = ",".join(map(str, [*TOKENS, *tokens]))
    assert run([*WORDS, "--ids", whole, "--batching", "one-by-one", "--rows", "3::2"]) == 0
    assert bodies(ledger.folder, "trace.captured")[1]["last_row"] == traced["last_row"]


def test_whole_activations(ledger, capsys, tmp_path):
    """Each is a NumPy file among the blobs, listed by a query, and can be taken out."""
    words = [*WORDS, "--ids", IDS, "--points", "output,logits", "--tensors"]
    assert run(words) == 0
    capsys.readouterr()
    assert run(["query", "tensors", "--run", "trace-0001", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["point"], row["layer"]) for row in rows] == [
        *(("output", layer) for layer in range(4)),
        ("logits", None),
    ]
    for row in rows:
        tensor = np.load(io.BytesIO(ledger.read_blob(row["blob"])))
        assert tensor.shape == (row["tokens"], row["width"])
        assert tensor.dtype == np.float32
    (traced,) = bodies(ledger.folder, "trace.captured")
    assert tensor[-1].max() == traced["last_row"][-1][traced["columns"].index("max")]
    assert run(["blobs", "get", rows[0]["blob"], str(tmp_path / "x.npy")]) == 0
    assert np.load(tmp_path / "x.npy").shape == (4, 256)
    assert run(["audit"]) == 0


def test_a_blob_that_cannot_be_taken_out(ledger, capsys, tmp_path):
    """No digest, no such blob, a file that is there: one error each, nothing written over."""
    held = tmp_path / "held"
    held.write_text("mine", encoding="utf-8")
    digest = ledger.write_blob(b"evidence")
    for words, code in (
        (["sha256:12", str(tmp_path / "a")], 2),
        (["sha256:" + "0" * 64, str(tmp_path / "a")], 6),
        ([digest, str(held)], 2),
        ([digest, str(tmp_path / "none" / "a")], 2),
    ):
        assert run(["blobs", "get", *words]) == code
        assert capsys.readouterr().err.count("hint") == 1
    assert held.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "a").exists()
    assert parse_hash(digest)


@pytest.mark.parametrize("text", ["[319, 75, 75]", "319,75,75\n", "319 75\n75"])
def test_ids_from_a_file(ledger, tmp_path, text):
    """JSON, commas or white space."""
    path = tmp_path / "ids"
    path.write_text(text, encoding="utf-8")
    assert run([*WORDS, "--ids-file", str(path), "--points", "logits"]) == 0
    (start,) = bodies(ledger.folder, "run.started")
    assert start["arguments"]["ids"] == [319, 75, 75]


@pytest.mark.parametrize(
    "words",
    [
        ["--ids", IDS, "--points", "q_*,nowhere"],
        ["--ids", IDS, "--rows", "9:"],
        ["--ids", IDS, "--rows", "first"],
        ["--ids", IDS, "--generate", "2", "--batching", "prefill"],
        ["--ids", IDS, "--generate", "100000"],
        ["--ids", IDS, "--bos"],
        ["--ids", IDS, "--prompt", "hello"],
        ["--ids-file", "nowhere"],
        ["--ids", "[]"],
        [],
    ],
)
def test_what_cannot_be_looked_at(ledger, capsys, words):
    """A mistake of the caller: one error with a hint, and no run begins."""
    assert run([*WORDS, *words]) == 2
    assert capsys.readouterr().err.count("hint") == 1
    assert ask(ledger.folder, "select count(*) from runs") == [(0,)]


def test_bos(ledger, capsys):
    """The vocabulary's BOS token comes first, where it names one."""
    assert run([*WORDS, "--prompt", "hello the", "--bos", "--points", "logits"]) == 0
    (start,) = bodies(ledger.folder, "run.started")
    bos = open_container(F16).metadata["tokenizer.ggml.bos_token_id"]
    assert start["arguments"]["ids"] == [bos, 319, 75, 75, 78, 220, 272, 68]
    assert capsys.readouterr().err
