"""A replay as a run: which steps, from which checkpoint, and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from executors import base
from executors.training.running import Work, checked_checkpoint, facts_of, work_again

if TYPE_CHECKING:
    from ml.corpus.reader import Corpus
    from ml.training.checkpoints import Resumption
    from ml.training.replaying import Replayed

CONTRACT: Final = "replay/1"


def record_replay(
    ledger: base.Ledger, corpus: "Corpus", folder: Path, name: str, step: int, within: float
) -> dict[str, Any]:
    """Take steps again and record; what came of it.

    Raises `BadArguments` for a step that the run has not taken, and for checkpoints that are not
    its own.
    """
    work = work_again(ledger, name, corpus)
    recorded = _recorded(ledger, name)
    if step not in recorded:
        raise base.BadArguments(
            f"{name} has recorded no step {step}, only {min(recorded)} to {max(recorded)}",
            hint="steps count from 0",
        )
    before, after = _around(ledger, name, work, folder, step)
    last = step if after is None else after.state.step - 1
    facts: base.Facts = {
        **facts_of(work),
        "arguments": {"run": name, "step": step, "within": within},
        "inputs": {
            **facts_of(work)["inputs"],
            **({"from": f"sha256:{before.state.digest()}"} if before is not None else {}),
            **({"to": f"sha256:{after.state.digest()}"} if after is not None else {}),
        },
    }
    with base.start(ledger, "replay", facts) as run, base.ml_errors():
        found = _replay(work, before, after, last, recorded, within)
        return _measure(run, found, name, (before.state.step if before else 0, last), within)


def _recorded(ledger: base.Ledger, name: str) -> dict[int, dict[str, float]]:
    """Loss and norm of each step on record; of one that was taken twice the latest."""
    steps = base.entries_of(ledger, name, "step.taken")
    return {
        body["step"]: {metric: float(value) for metric, value in body["metrics"].items()}
        for _, body in steps
    }


def _around(
    ledger: base.Ledger, name: str, work: Work, folder: Path, step: int
) -> "tuple[Resumption | None, Resumption | None]":
    """The checkpoint at or before a step, and the first one behind it; None where there is none."""
    from ml.training.checkpoints import all_in

    found = all_in(folder)
    before = [path for steps, path in found if steps <= step]
    after = [path for steps, path in found if steps > step]
    return (
        checked_checkpoint(ledger, name, work, before[-1]) if before else None,
        checked_checkpoint(ledger, name, work, after[0]) if after else None,
    )


def _replay(
    work: Work,
    before: "Resumption | None",
    after: "Resumption | None",
    last: int,
    recorded: dict[int, dict[str, float]],
    within: float,
) -> "Replayed":
    from ml.training.replaying import hold_against, take_again
    from ml.training.trainer import Trainer, first_state

    state = before.state if before is not None else first_state(work.settings)
    with base.progress("replay"):
        trainer = Trainer(work.settings, work.choice, state)
        results = take_again(trainer, work.batch_of, last)
        found = trainer.state() if after is not None else None
    return hold_against(results, recorded, found, after.state if after else None, within)


def _measure(
    run: base.Run, found: "Replayed", name: str, steps: tuple[int, int], within: float
) -> dict[str, Any]:
    """Record the verdict and its numbers; what the command prints."""
    place = found.diverged
    verdict = "reproduced" if place is None else f"diverged at {place.where}"
    key = {
        "contract": CONTRACT,
        "replayed": name,
        "first_step": steps[0],
        "last_step": steps[1],
        "within": within,
    }
    numbers = {
        "replay_steps_held": (found.held, "count"),
        "replay_tensors_held": (found.tensors, "count"),
        "replay_step_difference": (found.largest_of_steps, "ratio"),
        "replay_tensor_difference": (found.largest_of_tensors, "ratio"),
    }
    run.measure("replay_verdict", verdict, None, key)
    for metric, (value, unit) in numbers.items():
        run.measure(metric, value if value < float("inf") else "Infinity", unit, key)
    return {
        "run": run.name,
        "replayed": name,
        "verdict": verdict,
        "difference": 0.0 if place is None else place.difference,
        "steps": f"{steps[0]} to {steps[1]}",
        "steps_held": found.held,
        "tensors_held": found.tensors,
    }
