"""The demo of training: command lines from a corpus to a report, and what they must come to."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.commands.tour import Step

if TYPE_CHECKING:
    from ledger.ledger import Ledger

ORIGIN: Final = "research-ledger/demo-train"
RUN: Final = "pretrain-0001"
#: About 1.3 million parameters, and as many steps as two processors take in two minutes.
_TRAINING: Final = (
    "--preset", "small", "--steps", "70", "--batch", "8", "--lr", "6e-3", "--warmup", "6",
    "--eval-every", "14", "--held-out-windows", "64", "--samples", "2", "--device", "cpu",
    "--force-under-provisioned",
)  # fmt: skip


def steps() -> tuple[Step, ...]:
    """The tour; it starts in an empty folder."""
    return (
        Step("Make a ledger.", ("init", "--origin", ORIGIN)),
        Step(
            "Make a corpus of Python's standard library: filtered, split, and what guessing costs.",
            ("run", "corpus", "build", "corpus"),
            is_long=True,
        ),
        Step(
            "Train a small model from nothing, every step an event.",
            ("run", "pretrain", "corpus", *_TRAINING),
            is_long=True,
        ),
        Step("Do the monitors see anything wrong with it?", ("runs",), is_long=True),
        Step("Render the report, with its curve.", ("render",), is_long=True),
        Step("Audit everything from the raw journal.", ("audit",)),
    )


def verdict(ledger: "Ledger") -> tuple[bool, str]:
    """Whether the last held-out loss is below the unigram baseline, and both in words."""
    loss, unigram = (_last(ledger, metric) for metric in ("val_loss", "unigram_loss"))
    is_below = loss < unigram
    said = "below" if is_below else "not below"
    return is_below, f"held-out loss {loss:.4f}, {said} the unigram baseline {unigram:.4f} (nats)"


def _last(ledger: "Ledger", metric: str) -> float:
    table = ledger.query("measurements", run=RUN, metric=metric)
    return float(table.rows[-1][table.columns.index("value")])


def report_of(home: Path) -> Path:
    """The training report that `render` wrote."""
    return home / "spec" / "evidence" / "runs" / RUN / "training.md"
