"""Mistakes in runs, of the sort that a monitor must see in the run's own events."""

import random

from histories import line, to_bytes
from ledgers import EXECUTOR
from zoo_base import Specimen
from zoo_lab import Lab

from ledger.importers import find_importer, read_drafts, take_in


def _train(lab: Lab, rows: list[dict[str, object]], **facts: object) -> str:
    run = lab.begin(**facts)
    lab.steps(run, rows)
    lab.end(run)
    return run


def _falling(count: int, start: float = 6.0) -> list[dict[str, object]]:
    """Losses that fall, each another."""
    return [{"loss": start - 0.013 * n - 0.0071 * (n % 3)} for n in range(count)]


def _report(lab: Lab, *lines: object) -> tuple[str, ...]:
    """A run that others report, as a history has it."""
    take_in(lab.ledger, read_drafts(find_importer("ship-two"), to_bytes(*lines)))
    return lab.marks()


def _epochs(run: str, rows: list[dict[str, object]]) -> list[object]:
    return [
        line("epoch", {"run": run, "epoch": n, **row}, id=f"{run}/{n}")
        for n, row in enumerate(rows)
    ]


def _exhausted(lab: Lab) -> tuple[str, ...]:
    settings = {"corpus_tokens": 5_000, "batch_size": 8, "seq_len": 64, "wrap": False}
    _train(lab, _falling(40), arguments=settings)
    return lab.marks()


def _stands_still(lab: Lab) -> tuple[str, ...]:
    _train(lab, [*_falling(20), *({"loss": 3.14159265} for _ in range(12))])
    return lab.marks()


def _scripted_losses(lab: Lab) -> tuple[str, ...]:
    _train(lab, _falling(6), seed=1)
    _train(lab, _falling(6), seed=2)
    return lab.marks()


def _not_a_number(lab: Lab) -> tuple[str, ...]:
    _train(lab, [*_falling(9), {"loss": "NaN"}])
    return lab.marks()


def _worse_than_guessing(lab: Lab) -> tuple[str, ...]:
    rows = [{"loss": 9.0 - 0.001 * n} for n in range(520)]
    _train(lab, rows, arguments={"vocab_size": 256})
    return lab.marks()


def _no_work_done(lab: Lab) -> tuple[str, ...]:
    rows = [{"loss": 5.0 - 0.01 * n, "wall_ms": 55.0 + n % 4} for n in range(25)]
    rows += [{"loss": 4.7 - 0.01 * n, "wall_ms": 0.4} for n in range(12)]
    _train(lab, rows)
    return lab.marks()


def _sentinel(lab: Lab) -> tuple[str, ...]:
    rows = [{"loss": 5.0 - 0.01 * n, "grad_norm": 0.3 + 0.017 * (n % 7)} for n in range(22)]
    rows += [{"loss": 4.7 - 0.01 * n, "grad_norm": 99.0} for n in range(30)]
    _train(lab, rows)
    return lab.marks()


def _generated(lab: Lab) -> tuple[str, ...]:
    draw = random.Random(4)  # noqa: S311 - a generator is what is to be found
    rows = [{"loss": 6.0 - 0.01 * n, "util_pct": 50 + draw.uniform(-5, 5)} for n in range(120)]
    _train(lab, rows)
    return lab.marks()


def _same_windows(lab: Lab) -> tuple[str, ...]:
    windows = {"train_windows": [[0, 6400]], "held_out_windows": [[6000, 7000]]}
    _train(lab, _falling(10), arguments=windows)
    return lab.marks()


def _stopped_on_noise(lab: Lab) -> tuple[str, ...]:
    settings = {
        "steps_requested": 900, "steps_per_epoch": 50, "held_out_batches": 2, "patience": 1,
    }  # fmt: skip
    losses = [(4.0, 4.20), (3.6, 4.31), (3.3, 4.27)]
    rows = [{"train_loss": train, "val_loss": val} for train, val in losses]
    return _report(lab, line("run_started", settings, id="thin"), *_epochs("thin", rows))


def _one_state_for_two(lab: Lab) -> tuple[str, ...]:
    sha = "ab" * 32
    lines = []
    for run, loss in (("one", 4.5), ("two", 3.9)):
        rows = [{"train_loss": loss, "val_loss": loss + 0.2, "optimizer_state_sha": sha}]
        lines += [line("run_started", {}, id=run), *_epochs(run, rows)]
    return _report(lab, *lines)


def _other_device(lab: Lab) -> tuple[str, ...]:
    _train(lab, _falling(5), device_asked="cuda:0", device_observed="cpu")
    return lab.marks()


def _made_up(lab: Lab) -> tuple[str, ...]:
    run = lab.begin()
    lab.number(run, 2.0, provenance="synthetic", actor=EXECUTOR)
    lab.end(run)
    return lab.marks()


def _two_tokens(lab: Lab) -> tuple[str, ...]:
    corpus = {"distinct_tokens": 3, "unk_fraction": 0.97, "entropy_bits": 0.02}
    _train(lab, _falling(5), arguments=corpus)
    return lab.marks()


def _too_few_steps(lab: Lab) -> tuple[str, ...]:
    _train(lab, _falling(30), arguments={"steps": 80})
    return lab.marks()


RUNS = (
    Specimen("corpus exhausted", "exhausted-data", "20480 tokens read of 5000, beginning again "
             "ruled out", _exhausted),
    Specimen("loss stands still", "constant-loss", "one loss in each of the last twelve steps",
             _stands_still),
    Specimen("same losses, other seed", "repeated-losses", "two seeds, the same losses to the last "
             "digit", _scripted_losses),
    Specimen("loss is no number", "not-finite", "the tenth loss is NaN", _not_a_number),
    Specimen("worse than guessing", "ceiling", "after 520 steps 8.5 nats over 256 tokens, where "
             "guessing costs 5.5", _worse_than_guessing),
    Specimen("no work done", "wall-time", "steps of 0.4 ms after steps of 55 ms", _no_work_done),
    Specimen("sentinel", "sentinel", "a gradient norm that is 99 from step 22 on", _sentinel),
    Specimen("utilisation from a generator", "generated-metric", "a utilisation drawn from 50 "
             "plus or minus 5", _generated),
    Specimen("held out, and trained on", "held-out-read-again", "400 held-out tokens lie in a "
             "training window", _same_windows),
    Specimen("stopped on noise", "thin-held-out", "two held-out batches end a run after three "
             "epochs of eighteen", _stopped_on_noise),
    Specimen("one state for two losses", "state-hash", "one digest of the optimizer in two runs "
             "with other losses", _one_state_for_two),
    Specimen("another device", "device", "cuda:0 asked for, cpu computed", _other_device),
    Specimen("made up", "synthetic", "a synthetic result in a measured run", _made_up),
    Specimen("a corpus of three tokens", "degenerate-corpus", "three different tokens, 97 % "
             "unknown", _two_tokens),
    Specimen("steps missing", "step-count", "30 steps of 80, and no rule to stop",
             _too_few_steps),
)  # fmt: skip
