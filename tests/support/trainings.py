"""A ledger beside a small corpus, and trainings of the tiny preset on it."""

import json
from pathlib import Path

from corpora import small_corpus
from ledgers import HUMAN, new_ledger

#: Twelve steps with looks, samples and checkpoints between them.
OPTIONS = {
    "preset": "tiny", "steps": 12, "batch": 4, "lr": 3e-3, "eval-every": 4, "checkpoint-every": 5,
    "sample-every": 6, "samples": 2, "held-out-windows": 8, "device": "cpu",
}  # fmt: skip


def new_training_room(folder: Path) -> Path:
    """Make a ledger and a corpus in a folder; returns it."""
    new_ledger(folder / "lab").close()
    small_corpus(folder)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What commands need to work in such a folder."""
    return {"LEDGER_DIR": str(folder / "lab" / ".ledger"), "LEDGER_ACTOR": HUMAN}


def words(folder: Path, *more: str, **changes: object) -> list[str]:
    """`ledger run pretrain` with the usual options, changed ones among them, as JSON."""
    options = OPTIONS | {name.replace("_", "-"): value for name, value in changes.items()}
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    asked = ["run", "pretrain", str(folder / "corpus"), *given, "--force-under-provisioned"]
    return [*asked, "--out", str(folder / "runs"), "--json", *more]


def answer(out: str) -> dict:
    """What a command printed."""
    return json.loads(out.strip().splitlines()[-1])
