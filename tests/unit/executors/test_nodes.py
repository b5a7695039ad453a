"""`ledger run nodes`: a pass of ours against what llama.cpp printed of the same files."""

import json
import sys

import pytest
from labs import bodies
from node_lists import IDS, REFERENCE, as_printed, nodes_of, write_nodes

from ledger.cli import run
from ml.points import POINTS, in_order

WORDS = ["--ids", ",".join(map(str, IDS)), "--kv", "f16", "--engine", "numpy"]


def model(name):
    """The path of a tiny4 model."""
    return str(REFERENCE / f"tiny4-{name}.gguf")


def test_a_whole_list(ledger, tmp_path, capsys):
    """Every point has its node; activations are quantised there and not here, which shows."""
    path = write_nodes(tmp_path / "nodes.txt", "Q8_0")
    words = ["run", "nodes", model("Q8_0"), str(path), *WORDS, "--json"]
    assert run([*words, "--threshold", "0.2"]) == 0
    rows = json.loads(capsys.readouterr().out)
    wanted = in_order(frozenset(p.id for p in POINTS if not p.derived), 4)
    assert [(row["point"], row["layer"]) for row in rows] == [(p.id, n) for p, n in wanted]
    assert rows[0]["largest"] == 0
    (made,) = bodies(ledger.folder, "nodes.compared")
    assert made["missing"] == []
    assert ledger.read_blob(made["printed"]) == path.read_bytes()
    assert run([*words, "--threshold", "1e-4"]) == 1
    assert "first node that differs: layer 0, q_matmul (Qcur-0)" in capsys.readouterr().err
    assert run(["audit"]) == 0


def test_another_model_differs_where_it_does(ledger, tmp_path, capsys):
    """The f16 file against the nodes of Q4_K_M: the embedding is where they part."""
    path = write_nodes(tmp_path / "nodes.txt", "Q4_K_M")
    words = ["run", "nodes", model("f16"), str(path), *WORDS, "--partial"]
    assert run(words) == 1
    assert "first node that differs: embedding (embd)" in capsys.readouterr().err
    (made,) = bodies(ledger.folder, "nodes.compared")
    assert made["missing"] == [["logits", None]]


def test_a_list_without_its_end(ledger, tmp_path, capsys):
    """Points without a node are an error, not a gap; --partial says which they are."""
    path = write_nodes(tmp_path / "nodes.txt", "f16")
    words = ["run", "nodes", model("f16"), str(path), *WORDS]
    assert run(words) == 5
    err = capsys.readouterr().err
    assert "1 points have no node: logits" in err
    assert "--partial" in err
    assert bodies(ledger.folder, "run.started") == []
    assert run([*words, "--partial"]) == 0


def test_a_node_that_no_point_stands_for(ledger, tmp_path, capsys):
    """A graph of another form is refused with the node's name, operation and line."""
    told = nodes_of("Q8_0")
    told[5] = {**told[5], "name": "extra-0", "op": "SIGMOID"}
    path = tmp_path / "nodes.txt"
    path.write_text(as_printed(told), encoding="utf-8")
    assert run(["run", "nodes", model("Q8_0"), str(path), *WORDS]) == 5
    assert "extra-0 = SIGMOID(Qcur-0), line " in capsys.readouterr().err
    assert bodies(ledger.folder, "run.started") == []


def test_other_tokens(ledger, tmp_path, capsys):
    """Shapes that do not fit fail the run, and it says why."""
    path = write_nodes(tmp_path / "nodes.txt", "Q8_0")
    words = ["run", "nodes", model("Q8_0"), str(path), "--ids", "319,75", "--engine", "numpy"]
    assert run(words) == 7
    assert "the same token ids" in capsys.readouterr().err
    assert len(bodies(ledger.folder, "run.failed")) == 1


def test_the_tool_is_run_again(ledger, tmp_path, capsys):
    """A program that drops its end at first is run until it does not."""
    whole = write_nodes(tmp_path / "whole.txt", "Q8_0")
    tool = tmp_path / "tool.py"
    tool.write_text(
        "import pathlib, sys\n"
        "here = pathlib.Path(__file__).parent\n"
        "tries = len(list(here.glob('try-*')))\n"
        "(here / f'try-{tries}').touch()\n"
        f"text = pathlib.Path({str(whole)!r}).read_text()\n"
        "sys.stdout.write(text if tries >= 2 else text[: len(text) * (tries + 1) // 4])\n",
        encoding="utf-8",
    )
    words = ["run", "nodes", model("Q8_0"), *WORDS, "--threshold", "0.2"]
    assert run([*words, "--command", f"{sys.executable} {tool}"]) == 0
    assert "try 2 of 5" in capsys.readouterr().err
    assert len(list(tmp_path.glob("try-*"))) == 3
    for path in tmp_path.glob("try-*"):
        path.unlink()
    assert run([*words, "--command", f"{sys.executable} {tool}", "--tries", "2"]) == 5
    assert len(bodies(ledger.folder, "run.started")) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [([], 2), (["nowhere.txt"], 2), (["--command", "no-such-program-here"], 2)],
)
def test_nothing_to_compare_with(ledger, capsys, words, code):
    """One error with a hint, and no run."""
    assert run(["run", "nodes", model("f16"), *words, *WORDS]) == code
    assert capsys.readouterr().err.count("hint") == 1
    assert bodies(ledger.folder, "run.started") == []
