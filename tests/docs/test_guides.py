"""The guides are programs: their Python blocks run, in order, in a fresh ledger."""

import ast
import contextlib
import io
import os
import subprocess
import sysconfig

import pytest
from documents import ROOT, read_blocks
from ledgers import ORIGIN

from ledger import Ledger, errors

GUIDES = sorted((ROOT / "spec" / "guides").glob("*.md"))


def blocks_of(guide, info):
    """The blocks of a guide in one language."""
    return [b for b in read_blocks(guide.read_text(encoding="utf-8")) if b.info == info]


def test_every_guide_is_run():
    """A guide has blocks of Python or of the shell."""
    assert all(blocks_of(guide, "python") or blocks_of(guide, "sh") for guide in GUIDES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "guide", [guide for guide in GUIDES if blocks_of(guide, "sh")], ids=lambda path: path.stem
)
def test_shell_guide(guide, tmp_path):
    """Every shell block of a guide runs, one after the other, and prints what it should."""
    script = "set -euo pipefail\n" + "\n".join(block.text for block in blocks_of(guide, "sh"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEDGER_")}
    environment["EXAMPLES"] = str(ROOT / "tests" / "data")
    environment["PATH"] = f"{sysconfig.get_path('scripts')}:{environment['PATH']}"
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for text in SAID[guide.stem]:
        assert text in ended.stdout + ended.stderr


#: What the shell guides print, among other things.
SAID = {
    "board": [
        "tally, reported: 3 rows: 1 DISCHARGED, 1 PARTIAL_ALGORITHM_LEVEL, 1 unbound",
        '"criterion": "AC-1"',
        "branch_row_again FALSIFY-1",
        "as tally-2: FALSIFY-1",
        "1 of 3 published boards agree",
    ],
    "contracts": [
        "wrong.yaml:2:38: form: metadata.version: expected `str`, got `float`; quote it",
        "that is log2(151643) in bits",
        "wrong.yaml:11:15: yaml: yes: programs read this in several ways",
        "there is no command `ledger run benchmark`",
        "unit: a numeric threshold needs a unit",
        "exit code 5",
        "tiny4 1.0.0 (in force)",
        "post hoc: LOSS-BELOW-UNIFORM: position",
        "tiny4 1.2.0 (in force)",
    ],
    "converting": [
        "the very file again",
        "50 tensors: 50 equal",
        "byte for byte what llama-quantize wrote",
        "round_trip_share",
        "APR_Q4 is off by 0.09",
        "over the limit: exit code 1",
        "validate-0001: 14 PASS, 2 SKIP",
        "padding of 1 bytes is not zero",
        "a check failed: exit code 1",
        "no GGUF file: exit code 5",
    ],
    "training": [
        "12 steps taken",
        "has finished",
        "exit code 4",
        "reproduced",
        "a is lower",
        "refused: exit code 2",
        "nats per token",
        "evidence/runs/pretrain-0001/training.md",
        "After step 12 it is",
    ],
    "corpus": [
        "0 of 129 tokens on both sides",
        "unigram_bits_per_byte",
        "(unchanged)",
        "licence                24        1        0",
        "secrets                23        1        0",
        "personal               22        0        1",
        "near                   22        1        0",
        "documents                     PASS    21 come back from their ids, byte for byte",
        "sha256 of train-00000.bin     FAIL",
        "something does not hold: exit code 1",
        "refused: step 90 is beyond the 90 that train has",
        "step 90 is of epoch 1",
    ],
    "files": [
        "1000: [word0, word1,",
        "model.layers.0.self_attn.q_proj.weight",
        "2 tensors: 2 equal",
        "2 tensors: 1 equal, 1 differs",
        "they differ: exit code 1",
        "not the same weights: exit code 1",
    ],
    "generating": [
        "7 tokens in, 24 out on cpu",
        "unprintable share",
        "smallest_margin",
        "no template: exit code 2",
        "no Python: exit code 1",
        "2 cases, 0 differ, 0 part at a near tie",
        "not what it was: exit code 1",
    ],
    "judgement": [
        "nothing was measured yet: exit code 1",
        "newer evidence does not count: run train-0002 was marked INVALID",
        "did not meet <= 3.0: name it in `seen`",
        "refused: exit code 3",
        "DISCHARGED at 4.0",
        "it is discharged already: nothing changes",
    ],
    "moving": [
        "made the ledger example.org/lab again",
        "example.org/other:H-1",
        "hunter2",
        "withheld",
        "integrity is sound",
    ],
    "other_programs": [
        "75 nodes of llama.cpp",
        "first node that differs: layer 0, ffn_gate (ffn_gate-0)",
        "a node differs: exit code 1",
        "no node differs by more than 0.05 of the std",
        "55 points of transformers 5.23.0, torch 2.11.0+cu130",
        "import-trace-0001 against trace-0001: no floor",
        "no point is further apart than 1e-05",
    ],
    "pictures": [
        "trace-0002 against trace-0001: no floor",
        "evidence  --row       yes",
        "val_loss (held-out): 51 values",
        "no curve: exit code 2",
        "wrote ratio.png",
        "H-QKV-BIAS REFUTED",
        "The verdict on CLOSE rests on 8 entries",
        "another position, another picture",
        "nothing drifted",
    ],
    "quality": [
        "nats per token",
        "bits per byte",
        "tokens scored, in",
        "KL p99",
        "top token agrees",
        "first token",
        "5 PASS, 0 FAIL, 3 SKIP",
        "engine numpy is the reference itself",
        "general.license is missing or empty",
        "a gate failed: exit code 1",
        "not all gates passed: exit code 1",
        "pass@1      0.4",
        "1 died, 2 failed, 2 passed",
        "control: 5 of 5 right",
        "too few: exit code 2",
    ],
    "replay": [
        "run-1: step-count, SUSPECT: 100 steps were done and 50 asked for: more",
        "moved-threshold (1)",
        "against-declaration (1)",
        "reported statements: 2 fault, 1 suspect, 0 undetermined",
    ],
    "sections": [
        "2.54 is typed; a cell has that value: [[loss_final of train-0001 | nats]]",
        "there is no heading 'Where it does not hold'",
        "findings: exit code 1",
        "§1 v0 → v1",
        "published already: exit code 3",
        "nothing drifted",
        "~~2.537 nats~~ *(refuted)*",
        "§2 v1 → v2",
        "closed: exit code 3",
        "> **Superseded** by",
    ],
    "site": [
        "the loss falls below &lt;three&gt;",
        " unchanged; open public/index.html",
        "no site of ours, and it is not empty: nothing was written",
        "refused: exit code 2",
        "<p>Laboratory of example.org/lab, internal.</p>",
    ],
    "templates": [
        "reports: no findings",
        "*As of position 2. Rendered from the ledger",
        "the tokenizer is not to blame[^1] is UNKNOWN.",
        "docs: nothing drifted",
        "Models of more than four layers.",
        "open.md.j2:8: name: 'clams' is not defined",
        "open.md.j2:9: column: criteria has no column 'nme'",
        "findings: exit code 1",
        "template failed: open.md.j2, line 5: access to attribute '__class__'",
        "refused: exit code 7",
        "open.md.j2, line 5: it took more than 0.5 s",
        "stopped: exit code 7",
    ],
    "tracing": [
        "compare-0001: trace-0002 against trace-0001: incomparable",
        "fix: trace both with the same rows (--rows all on both sides, or --rows last)",
        "rows: exit code 1",
        "after the q projection, before its bias and after the q bias, before RoPE",
        "fix: capture both at the same point: --points q_matmul on both sides, or --points q_bias",
        "bias: exit code 1",
        "compare-0003: trace-0006 against trace-0005: no floor",
        "to measure a floor: ledger run floor packed.gguf --a engine=b",
        "compare-0004: trace-0006 against trace-0005: expected",
        "layer 0 ffn_up is the first stage that differs by itself: local ",
        "a culprit: exit code 1",
        "it fails with numpy alone: exit code 1",
        "(somewhere behind layer 0 attn_residual, layer 0 ffn_norm)",
        "within a span: exit code 1",
    ],
}


@pytest.mark.parametrize(
    "guide", [guide for guide in GUIDES if blocks_of(guide, "python")], ids=lambda path: path.stem
)
def test_guide(guide, tmp_path, monkeypatch):
    """Every Python block of a guide runs where there is a ledger, one after the other."""
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    Ledger.create(tmp_path, ORIGIN, actor="human:ada").close()
    program = "\n".join(block.text for block in blocks_of(guide, "python"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.parse(program), str(guide), "exec"), {"__name__": "guide"})  # noqa: S102
    assert printed.getvalue().splitlines() == EXPECTED[guide.stem]


#: What the guides print.
EXPECTED = {
    "python": [
        "train-0002 1007",
        "train-0001 finished",
        "train-0002 finished",
        "1000 steps",
        "text: a note needs words",
        "verdict: there is no criterion AC-1: declare it first",
    ]
}


def test_errors_named():
    """The guide's table of errors names the classes of the error page."""
    page = (ROOT / "spec" / "guides" / "python.md").read_text(encoding="utf-8")
    table = page.partition("| error | it means |")[2]
    names = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert len(names) > 3
    assert all(hasattr(errors, name) for name in names)
