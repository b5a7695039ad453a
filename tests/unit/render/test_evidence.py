"""Folders of evidence: what is in them follows from the record, and pictures are drawn once."""

import json
import subprocess
import sys

import pytest
from labs import ask, bodies
from ledgers import EXECUTOR, HUMAN

from ledger.errors import TemplateFailed
from ledger.ledger import Ledger
from ledger.render.base import parse_template
from ledger.render.folder import check, write
from ledger.render.pages import render_pages
from ledger.store.reader import open_reader


@pytest.fixture(scope="module")
def evidence(lab, tmp_path_factory):
    """The evidence of the laboratory, rendered."""
    out = tmp_path_factory.mktemp("spec")
    write(lab, out)
    return out / "evidence"


def test_what_lies_where(evidence):
    """Each run, comparison and judged row has its folder, with what there is to be shown."""
    runs, rows = evidence / "runs", evidence / "criteria"
    assert names(runs / "train-0001") == {"curve.svg", "steps.csv", "steps.jsonl", "summary.json"}
    assert names(runs / "codeparrot-200k") == {"curve.svg", "epochs.csv", "epochs.jsonl"}
    assert names(runs / "cuda-50step") == {"curve.svg", "steps.csv", "steps.jsonl"}
    assert names(runs / "trace-0001") == {"summary.json", "trace.csv", "trace.txt"}
    assert "tensors.csv" in names(runs / "trace-0004")
    for run, pictures in (("compare-0001", {"heat.svg", "ratio.svg"}), ("compare-0002", set())):
        found = names(evidence / "comparisons" / run)
        assert {"summary.json", "findings.md"} | pictures <= found
        assert {name for name in found if name.endswith(".svg")} == pictures
    assert names(rows / "CLOSE") == {
        "discharge.json",
        "evidence.svg",
        "findings.md",
        "verdict.json",
    }
    assert names(evidence / "claims") == {"chain.svg"}
    assert names(evidence / "board") == {"own.svg", "reported.svg"}


def names(folder):
    """The names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_discharge_has_all_that_stands_behind_it(lab, evidence):
    """Its fields are those of the record: proof, evidence, command, artifact, chain."""
    found = json.loads((evidence / "criteria/CLOSE/discharge.json").read_text())
    verdict = next(v for v in bodies(lab, "verdict.given") if v["criterion"] == "CLOSE")
    assert found["evidence_id"] == verdict["evidence"]
    assert found["falsification_id"] == "CLOSE"
    assert (found["discharge_status"], found["previous_status"]) == ("FALSIFIED", "unbound")
    assert found["discharge_date"] == "2026-01-01"
    assert found["discharge_proof"]["observed"] == verdict["value"]
    assert found["discharge_proof"]["rule"]["threshold"] == 1e-3
    assert found["command"]["run"] == "compare-0001"
    assert found["upstream_blocker_resolved"] is True
    chain = found["verification_chain"]
    assert [link["kind"] for link in chain[:2]] == ["verdict.given", "criterion.declared"]
    assert {link["kind"] for link in chain} >= {"trace.captured", "run.started"}
    known = {position for (position,) in ask(lab, "select position from events")}
    assert {below for link in chain for below in link["rests_on"]} <= known


def test_steps_and_epochs_can_be_read_back(lab, evidence):
    """JSONL and CSV hold every number that was recorded, in full."""
    lines = (evidence / "runs/cuda-50step/steps.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines]
    assert [step["step"] for step in steps] == list(range(100))
    reported = {body["step"]: body["metrics"] for body in bodies(lab, "step.reported")}
    for step in steps:
        assert dict(zip(step["metrics"], step["numbers"], strict=True)) == reported[step["step"]]
    table = (evidence / "runs/cuda-50step/steps.csv").read_text().splitlines()
    assert table[0] == "step,metric,value,position"
    assert len(table) == 1 + sum(len(metrics) for metrics in reported.values())
    epochs = (evidence / "runs/codeparrot-200k/epochs.jsonl").read_text().splitlines()
    kept = [body for body in bodies(lab, "epoch.reported") if body["run"] == "codeparrot-200k"]
    losses = [json.loads(line)["val_loss"] for line in epochs]
    assert losses == [body["val_loss"] for body in kept]


def test_a_trace_as_text(evidence):
    """The raw text of a trace has a line for each point and scope."""
    lines = (evidence / "runs/trace-0001/trace.txt").read_text().splitlines()
    assert lines[0].startswith("trace trace-0001: model tiny4-f16, engine numpy")
    assert len(lines) == 1 + 2 * 43
    assert lines[1].split()[:4] == ["model", "embedding", "all", "rows=4"]
    assert lines[3].split()[:5] == ["layer", "0", "attn_norm", "all", "rows=4"]


def test_findings_of_a_comparison_say_what_to_do(evidence):
    """Where two traces cannot be compared, the field and the fix stand there."""
    text = (evidence / "comparisons/compare-0002/findings.md").read_text()
    assert "- `tokens_sha256` differs; trace both with the same token ids" in text
    text = (evidence / "comparisons/compare-0001/findings.md").read_text()
    assert "The first point further apart than 0.001 is embedding" in text
    assert "![Distances by layer and point](heat.svg)" in text


_AGAIN = """
import sys
from pathlib import Path
from ledger.folder import open_folder
from ledger.pictures.process import Drawer
from ledger.render.folder import write
drawn, draw = [], Drawer.draw
Drawer.draw = lambda *asked: drawn.append(asked) or draw(*asked)
results = write(open_folder(Path(sys.argv[1])), Path(sys.argv[2]))
print(sorted({r.change for r in results}), len(drawn))
"""


def render_again(lab, out):
    """What a new process says of rendering: the changes, and how many pictures were drawn."""
    words = [sys.executable, "-c", _AGAIN, lab.path, out]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_pictures_are_drawn_once(own_lab, tmp_path):
    """What was drawn from the same rows is taken from where it lies; nothing changes."""
    out = tmp_path / "out"
    write(own_lab, out)
    with Ledger(own_lab, actor=HUMAN) as ledger:
        ledger.record("note.added", {"text": "unrelated"})
    assert render_again(own_lab, out) == "['unchanged'] 0"


def test_a_picture_that_was_changed_is_drawn_again(own_lab, tmp_path):
    """A byte changed by hand is found by the check, and put right by the next rendering."""
    out = tmp_path / "out"
    write(own_lab, out)
    path = out / "evidence/runs/train-0001/curve.svg"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"#0b64a8", b"#0b64a9"))
    assert [found.path for found in check(own_lab, out)] == ["evidence/runs/train-0001/curve.svg"]
    assert render_again(own_lab, out) == "['unchanged', 'written'] 1"
    assert path.read_bytes() == before


def test_a_step_changes_the_files_of_its_run(own_lab, tmp_path):
    """A new step changes the curve and the steps of its run, and nothing else."""
    out = tmp_path / "out"
    write(own_lab, out)
    with Ledger(own_lab, actor=EXECUTOR) as ledger:
        ledger.record("step.taken", {
            "run": "train-0001", "step": 3, "provenance": "measured", "metrics": {"loss": 2.25},
        })  # fmt: skip
    changed = {found.path for found in write(own_lab, out) if found.change != "unchanged"}
    folder = "evidence/runs/train-0001/"
    assert changed == {folder + name for name in ("curve.svg", "steps.csv", "steps.jsonl")}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{{ picture('nothing') }}", "there is no picture 'nothing', only curve"),
        ("{{ picture('board') }}", "drawn from queries versions, too"),
    ],
)
def test_a_template_that_asks_for_no_picture(lab, body, says):
    """A template that draws names a picture and the queries that it is drawn from."""
    text = "---\noutput: page.svg\nqueries:\n  kinds: {query: kinds}\n---\n" + body
    with open_reader(lab) as db, pytest.raises(TemplateFailed, match=says) as caught:
        list(render_pages(parse_template("page.svg.j2", text), db))
    assert "line 6" in caught.value.message
