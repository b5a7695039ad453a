"""A run of training, step by step: what happens is yielded as it happens.

The loop computes and writes checkpoints; whoever iterates over it records. It ends with `Ended`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.errors import CorpusExhausted
from ml.training.checkpoints import Checkpoint, write_checkpoint
from ml.training.evaluation import Evaluation
from ml.training.gates import GATES, Gate, History, Limits, closed
from ml.training.sampling import Prompts, Sample, sample
from ml.training.trainer import StepResult, Trainer

Batch = NDArray[np.int32]
#: The windows of pass `n`, counted from 0 over the whole run.
BatchOf = Callable[[int], Batch]


@frozen(kw_only=True)
class Plan:
    """What is done between steps."""

    limits: Limits
    folder: Path
    """Where checkpoints go."""
    evaluate_every: int
    """Steps between evaluations; the last step is always followed by one."""
    checkpoint_every: int
    """Steps between checkpoints; the last step is always followed by one."""
    held_out: Sequence[Batch] = field(repr=False)
    """The held-out windows, the same at each evaluation."""
    prompts: Prompts | None = None
    """What is continued; None for no samples."""
    sample_every: int = 0
    """Steps between samples; 0 for those at the end alone."""
    container: str = "safetensors"
    """What checkpoints are written as."""


@frozen(kw_only=True)
class Took:
    """A step was taken."""

    result: StepResult
    seconds: float
    """Wall time; where steps were read together, the mean of these."""
    tokens: int
    together: int = 1
    """Steps that were read together, this one included."""


@frozen(kw_only=True)
class Evaluated:
    """The held-out windows were looked at."""

    evaluation: Evaluation
    seconds: float


@frozen(kw_only=True)
class Sampled:
    """Prompts were continued."""

    step: int
    """Steps taken before."""
    samples: Sequence[Sample]


@frozen(kw_only=True)
class Saved:
    """A checkpoint was written."""

    checkpoint: Checkpoint
    seconds: float


@frozen(kw_only=True)
class Ended:
    """The run is over: at its last step, or because a gate closed, or the data came to its end."""

    reason: str
    gate: str | None
    is_failure: bool


Happening = Took | Evaluated | Sampled | Saved | Ended


def train(
    trainer: Trainer, batch_of: BatchOf, plan: Plan, before: Sequence[Evaluation] = ()
) -> Iterator[Happening]:
    """Train to the last step, and yield what happens.

    `before` are the evaluations of the run so far, where it was resumed.
    """
    settings, evaluations = trainer.settings, list(before)
    steps: list[StepResult] = []
    seconds: list[float] = []

    def verdict() -> tuple[Gate, str] | None:
        history = History(
            limits=plan.limits,
            steps=steps,
            seconds=seconds,
            step_tokens=settings.step_tokens,
            evaluations=evaluations,
        )
        return closed(history)

    if trainer.step == 0:
        evaluated = evaluate(trainer, plan)
        evaluations.append(evaluated.evaluation)
        yield evaluated
    while trainer.step < settings.steps:
        taken, exhausted = _take(trainer, batch_of, plan)
        steps += [took.result for took in taken]
        seconds += [took.seconds for took in taken]
        yield from taken
        if exhausted is not None:
            yield from _end(trainer, plan, evaluations, exhausted)
            return
        is_last = trainer.step == settings.steps
        if is_last or trainer.step % plan.evaluate_every == 0:
            evaluated = evaluate(trainer, plan)
            evaluations.append(evaluated.evaluation)
            yield evaluated
        found = verdict()
        if found is not None:
            gate, reason = found
            ended = Ended(reason=reason, gate=gate.name, is_failure=gate.is_failure)
            yield from _end(trainer, plan, evaluations, ended)
            return
        if plan.sample_every and not is_last and trainer.step % plan.sample_every == 0:
            yield from sampled(trainer, plan)
        if not is_last and trainer.step % plan.checkpoint_every == 0:
            yield save(trainer, plan, evaluations)
    ended = Ended(reason=f"{settings.steps} steps taken", gate=None, is_failure=False)
    yield from _end(trainer, plan, evaluations, ended)


def _take(trainer: Trainer, batch_of: BatchOf, plan: Plan) -> tuple[list[Took], Ended | None]:
    """Take steps until they are read together: at most a ring, and up to what is done between.

    Where the data comes to its end, those before it, and that it did.
    """
    began, settings = time.perf_counter(), trainer.settings
    exhausted = None
    while trainer.waiting < trainer.ring:
        first = trainer.step * settings.accumulate
        try:
            batches = [batch_of(first + n) for n in range(settings.accumulate)]
        except CorpusExhausted as error:
            exhausted = Ended(reason=str(error), gate="exhausted", is_failure=True)
            break
        trainer.enqueue(batches)
        if trainer.step == settings.steps or any(
            every and trainer.step % every == 0
            for every in (plan.evaluate_every, plan.checkpoint_every, plan.sample_every)
        ):
            break
    results = trainer.read()
    each = (time.perf_counter() - began) / max(len(results), 1)
    taken = [
        Took(result=result, seconds=each, tokens=settings.step_tokens, together=len(results))
        for result in results
    ]
    return taken, exhausted


def evaluate(trainer: Trainer, plan: Plan) -> Evaluated:
    """Look at the held-out windows; nothing changes."""
    began = time.perf_counter()
    losses = np.concatenate([trainer.evaluate(batch) for batch in plan.held_out])
    evaluation = Evaluation(step=trainer.step, losses=losses)
    return Evaluated(evaluation=evaluation, seconds=time.perf_counter() - began)


def sampled(trainer: Trainer, plan: Plan) -> Iterator[Sampled]:
    """Continue the prompts, if there are any."""
    if plan.prompts is not None:
        yield Sampled(step=trainer.step, samples=sample(trainer, plan.prompts))


def save(trainer: Trainer, plan: Plan, evaluations: Sequence[Evaluation]) -> Saved:
    """Write a checkpoint of the state as it is."""
    began = time.perf_counter()
    known = evaluations[-1] if evaluations and evaluations[-1].step == trainer.step else None
    fixed = trainer.evaluate(plan.held_out[0]) if known is None else known.losses
    fixed = fixed[: trainer.settings.batch]
    state = trainer.state()
    written = write_checkpoint(
        plan.folder, trainer.settings, state, evaluations, fixed.tolist(), plan.container
    )
    return Saved(checkpoint=written, seconds=time.perf_counter() - began)


def _end(
    trainer: Trainer, plan: Plan, evaluations: Sequence[Evaluation], ended: Ended
) -> Iterator[Happening]:
    """The end, after a last checkpoint; numbers that are not finite are not worth one."""
    if ended.gate != GATES[0].name:
        yield from sampled(trainer, plan)
        yield save(trainer, plan, evaluations)
    yield ended
