"""`ledger demo train`: what it prints last, and what it leaves behind."""

import re
import subprocess

import pytest
from transcript import LEDGER, environment


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The demo, run once: its folder, and what it said."""
    home = tmp_path_factory.mktemp("demo") / "train"
    ended = subprocess.run(
        [LEDGER, "demo", "train", str(home)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return home, ended.stdout


@pytest.mark.slow
def test_the_model_knows_more_than_frequencies(trained):
    """The last line has both losses, and the model's is lower."""
    _, out = trained
    last = out.rstrip("\n").splitlines()[-1]
    numbers = re.fullmatch(
        r"held-out loss ([\d.]+), below the unigram baseline ([\d.]+) \(nats\)", last
    )
    assert numbers is not None, last
    assert float(numbers[1]) < float(numbers[2]) - 0.05


@pytest.mark.slow
def test_the_report_has_the_curve(trained):
    """Held-out losses of several looks, each lower than the first, beside the picture."""
    home, _ = trained
    folder = home / "spec" / "evidence" / "runs" / "pretrain-0001"
    report = (folder / "training.md").read_text()
    assert "![Losses by step](curve.svg)" in report
    losses = [float(loss) for loss in re.findall(r"^\| \d+ \| ([\d.]+) \|", report, re.MULTILINE)]
    assert len(losses) == 6
    assert all(later < losses[0] - 1 for later in losses[1:])
    assert losses[-1] == min(losses)
    assert "val_loss (held-out): 6 values" in (folder / "curve.svg").read_text()
