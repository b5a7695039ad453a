"""A training run from its first entry to its last, begun or gone on with."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from executors import base
from executors.training.asked import (
    Asked,
    batches_of,
    check_apart,
    check_plan,
    check_ratio,
    held_out_of,
    plan_of,
    prompts_of,
    settings_of,
)
from executors.training.holding import hold
from executors.training.recording import CONTRACT, GateClosed, Recording

if TYPE_CHECKING:
    from ml.corpus.reader import Corpus
    from ml.devices import DeviceChoice
    from ml.training.checkpoints import Resumption
    from ml.training.loop import Batch, BatchOf, Ended
    from ml.training.sampling import Prompts
    from ml.training.settings import Settings
    from ml.training.trainer import Trainer

NAME: Final = "pretrain"


@attrs.frozen(kw_only=True)
class Work:
    """All that a run needs, checked before it begins."""

    asked: Asked
    corpus: "Corpus"
    choice: "DeviceChoice"
    settings: "Settings"
    ratio: dict[str, float]
    held_out: "Sequence[Batch]"
    prompts: "Prompts | None"
    batch_of: "BatchOf"


def record_pretraining(
    ledger: base.Ledger, corpus: "Corpus", room: Path, asked: Asked
) -> dict[str, Any]:
    """Train and record; what came of it. Raises `BadArguments` before a run begins."""
    work = work_of(asked, corpus)
    run = base.start(ledger, NAME, facts_of(work))
    with contextlib.ExitStack() as held:
        return _record(run, work, lambda: held.enter_context(hold(room / run.name)), None)


def record_resumption(
    ledger: base.Ledger, corpus: "Corpus", room: Path, name: str
) -> dict[str, Any]:
    """Go on with a run from its latest checkpoint, or from its beginning where it has none.

    Raises `BadArguments` for another corpus or a run that is not there, `Conflict` for one that
    finished or is being trained right now.
    """
    from ml.training.checkpoints import latest
    from ml.training.trainer import first_state

    work = work_again(ledger, name, corpus)
    with hold(room / name) as folder:
        path = latest(folder)
        found = checked_checkpoint(ledger, name, work, path) if path is not None else None
        state = found.state if found is not None else first_state(work.settings)
        facts = facts_of(work)
        run = base.resume(ledger, NAME, name, state.step, f"sha256:{state.digest()}", facts)
        return _record(run, work, lambda: folder, found)


def work_again(ledger: base.Ledger, name: str, corpus: "Corpus") -> Work:
    """What a run on record was asked for. Raises `BadArguments` for another corpus."""
    _, began = base.entries_of(ledger, name, "run.started")[0]
    if began["executor"] != NAME:
        raise base.BadArguments(f"{name} is a run of {began['executor']}", hint="name a training")
    known = {f.name: f.default for f in attrs.fields(Asked)}
    asked = Asked(**{key: began["arguments"].get(key, usual) for key, usual in known.items()})
    if began["inputs"]["corpus"] != f"sha256:{corpus.digest}":
        raise base.BadArguments(
            f"{name} was trained on another corpus, {began['inputs']['corpus'][:19]}…",
            hint="give the folder that it began with",
        )
    return work_of(asked, corpus)


def checked_checkpoint(ledger: base.Ledger, name: str, work: Work, path: Path) -> "Resumption":
    """A checkpoint of a run, held against its settings and against what is on record of it.

    Raises `BadArguments` for one of other settings or another state, `Malformed` for a damaged one.
    """
    from ml.training.checkpoints import read_checkpoint

    with base.bad_input():
        found = read_checkpoint(path)
    if found.settings != work.settings:
        raise base.BadArguments(
            f"{path} has other settings than {name}", hint="give the --out that the run had"
        )
    recorded = states_of(ledger, name).get(found.state.step)
    digest = f"sha256:{found.state.digest()}"
    if recorded not in (None, digest):
        raise base.BadArguments(
            f"{path} holds the state {digest[:19]}…, on record is {recorded[:19]}…",
            hint="put the file back that the run wrote, or remove this one",
        )
    return found


def states_of(ledger: base.Ledger, name: str) -> dict[int, str]:
    """The state of each checkpoint on record by the number of steps, the latest of each."""
    try:
        written = base.entries_of(ledger, name, "checkpoint.written")
    except base.BadArguments:  # it has written none
        return {}
    return {body["step"]: body["state"] for _, body in written}


def work_of(asked: Asked, corpus: "Corpus") -> Work:
    """Everything checked: device, settings, data. Raises `BadArguments`."""
    from ml import devices

    check_plan(asked)
    with base.bad_input():
        choice = devices.resolve(asked.device)
        settings = settings_of(asked, corpus, choice.observed)
        check_apart(settings, corpus)
        ratio = check_ratio(asked, settings, corpus)
        held_out = held_out_of(asked, settings, corpus)
        prompts = prompts_of(asked, settings, corpus)
        batch_of = batches_of(asked, settings, corpus)
        batch_of(0)
    return Work(
        asked=asked,
        corpus=corpus,
        choice=choice,
        settings=settings,
        ratio=ratio,
        held_out=held_out,
        prompts=prompts,
        batch_of=batch_of,
    )


def _record(
    run: base.Run, work: Work, place: Callable[[], Path], found: "Resumption | None"
) -> dict[str, Any]:
    """The run, until its end; what came of it. `place` gives its folder once it has its name."""
    try:
        with run:
            recording = _recording(run, work)
            if found is None:
                _measure_baselines(run, work, recording.key)
            ended = _train(recording, work, place(), found)
            _measure_end(recording)
            if ended.is_failure:
                raise GateClosed(f"{ended.gate}: {ended.reason}")
    except GateClosed:
        pass  # the run says so
    return _outcome(run, recording, ended)


def _train(recording: Recording, work: Work, folder: Path, found: "Resumption | None") -> "Ended":
    """Train, record what happens, and show it; how it ended."""
    from executors.training.live import watching
    from ml.training.loop import Ended, train
    from ml.training.trainer import Trainer, first_state

    plan = plan_of(work.asked, work.settings, work.held_out, work.prompts, folder)
    state = found.state if found is not None else first_state(work.settings)
    before = found.evaluations if found is not None else ()
    with base.ml_errors(), watching(state.step, work.settings.steps) as watch:
        trainer = Trainer(work.settings, work.choice, state)
        if found is not None:
            _check_loaded(recording, work, trainer, found)
        for happening in train(trainer, work.batch_of, plan, before):
            if isinstance(happening, Ended):
                return happening
            recording.take(happening)
            watch(happening)
    raise AssertionError("a training ends with Ended")


def _check_loaded(
    recording: Recording, work: Work, trainer: "Trainer", found: "Resumption"
) -> None:
    """The fixed batch must have the losses of the checkpoint. Raises `ExecutorFailed`."""
    from ml.training.oracle import ask

    verdict = ask(trainer, work.held_out[0], found.fixed)
    recording.oracle(verdict, found.state.step)
    recording.gap(trainer.ring, found.state.step)
    if not verdict.is_met:
        raise base.ExecutorFailed(
            f"after loading, the fixed batch has {verdict.loss:.4f} nats, the checkpoint says "
            f"{verdict.recorded:.4f}: a window is off by {verdict.largest:.2g}",
            hint="the weights are not those that were saved; take an earlier checkpoint",
        )


def _recording(run: base.Run, work: Work) -> Recording:
    side = work.corpus.manifest.sides["held_out"]
    key = {
        "contract": CONTRACT,
        "data": f"sha256:{work.corpus.data_digest('held_out')}",
        "tokenizer": f"sha256:{work.corpus.manifest.tokenizer.sha256}",
        "sequence": work.settings.sequence,
    }
    return Recording(run=run, key=key, bytes_per_token=side.size_bytes / side.tokens)


def facts_of(work: Work) -> base.Facts:
    """What `run.started` says."""
    from ml.environment import environment

    settings, choice, corpus = work.settings, work.choice, work.corpus
    usual = "usual on a processor" if choice.observed == "cpu" else "usual on a card"
    return {
        "provenance": "measured",
        "arguments": {
            **attrs.asdict(work.asked),
            "settings": settings.record(),
            "data": work.ratio,
        },
        "inputs": {
            "corpus": f"sha256:{corpus.digest}",
            "train": f"sha256:{corpus.data_digest('train')}",
            "held_out": f"sha256:{corpus.data_digest('held_out')}",
        },
        "model": {
            "name": settings.preset.name,
            "architecture": "llama",
            "parameters": int(work.ratio["parameters"]),
        },
        "device_asked": work.asked.device,
        "device_observed": choice.observed,
        "device_reason": choice.reason,
        "dtype": settings.compute,
        "dtype_reason": "asked for" if work.asked.compute else f"{usual}; weights stay float32",
        "compiler": choice.compiler,
        "environment": dict(environment(choice)),
        "seed": settings.seed,
    }


def _measure_baselines(run: base.Run, work: Work, key: dict[str, Any]) -> None:
    """What the corpus says of guessing, beside the run's own losses: stated by its manifest."""
    about = {**key, "manifest": f"sha256:{work.corpus.digest}"}
    for baseline in work.corpus.manifest.baselines:
        name, value = f"{baseline.name}_loss", baseline.nats_per_token
        run.measure(name, value, "nats/token", about, provenance="asserted")


def _measure_end(recording: Recording) -> None:
    """What the whole run measured."""
    if recording.steps:
        key = {"contract": "training/1"}
        recording.run.measure("recording_share", recording.share, "ratio", key)
        mean = recording.seconds / recording.steps * 1e3
        recording.run.measure("step_mean_ms", mean, "ms", key)


def _outcome(run: base.Run, recording: Recording, ended: "Ended") -> dict[str, Any]:
    """What the command prints."""
    last, saved = recording.last, recording.checkpoint
    found = last.evaluation if last is not None else None
    low, high = found.interval if found is not None else (None, None)
    return {
        "run": run.name,
        "ended": ended.reason if ended.gate is None else f"{ended.gate}: {ended.reason}",
        "failed": ended.is_failure,
        "steps": found.step if found is not None else None,
        "val_loss": found.mean if found is not None else None,
        "val_loss_low": low,
        "val_loss_high": high,
        "checkpoint": str(saved.checkpoint.path) if saved else None,
        "state": f"sha256:{saved.checkpoint.state}" if saved else None,
        "recording_share": recording.share,
    }
