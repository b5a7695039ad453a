"""What a training run is asked for, and what follows from it: settings, data, plan."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from executors import base

if TYPE_CHECKING:
    from ml.corpus.reader import Corpus
    from ml.training.loop import Batch, Plan
    from ml.training.sampling import Prompts
    from ml.training.settings import Settings

#: A run with less data for each parameter than this must be asked for twice.
_RATIO_HINT: Final = "build more, take a smaller preset, or give --force-under-provisioned"


@attrs.frozen(kw_only=True)
class Asked:
    """The options of `ledger run pretrain`."""

    preset: str = "small"
    steps: int = 100
    batch: int = 8
    accumulate: int = 1
    sequence: int | None = None
    lr: float = 1e-3
    min_lr: float | None = None
    warmup: int | None = None
    weight_decay: float = 0.1
    clip: float = 1.0
    seed: int = 42
    device: str = "auto"
    compute: str | None = None
    evaluate_every: int = 25
    held_out_windows: int = 64
    checkpoint_every: int = 50
    checkpoints: str = "safetensors"
    samples: int = 4
    sample_every: int = 0
    wrap: bool = False
    patience: int | None = None
    target: float | None = None
    least_tokens_per_second: float | None = None
    most_tokens_per_second: float | None = None
    force_under_provisioned: bool = False


def settings_of(asked: Asked, corpus: "Corpus", observed: str) -> "Settings":
    """The settings of a run on a device. Raises `BadOption`."""
    from ml.training.presets import find_preset, padded
    from ml.training.settings import Settings

    preset = find_preset(asked.preset)
    usual = "float32" if observed == "cpu" else "bfloat16"
    compute: Any = asked.compute or usual
    return Settings(
        preset=preset,
        vocabulary=padded(corpus.vocabulary),
        steps=asked.steps,
        batch=asked.batch,
        accumulate=asked.accumulate,
        sequence=asked.sequence or preset.sequence,
        lr=asked.lr,
        min_lr=asked.lr / 10 if asked.min_lr is None else asked.min_lr,
        warmup=min(asked.steps // 10, 1000) if asked.warmup is None else asked.warmup,
        weight_decay=asked.weight_decay,
        clip=asked.clip,
        seed=asked.seed,
        compute=compute,
    )


def batches_of(asked: Asked, settings: "Settings", corpus: "Corpus") -> Any:  # noqa: ANN401
    """The training batches by the number of the pass, `int32`. Raises `BadOption`."""
    import numpy as np

    batches = corpus.batches(
        "train",
        seq=settings.sequence,
        batch_size=settings.batch,
        seed=settings.seed,
        wrap=asked.wrap,
    )
    return lambda number: batches.batch(number).astype(np.int32)


def held_out_of(asked: Asked, settings: "Settings", corpus: "Corpus") -> "list[Batch]":
    """The held-out windows in whole batches, the first ones. Raises `BadOption`."""
    import numpy as np

    from ml.errors import BadOption

    there = corpus.windows("held_out", settings.sequence)
    batches = min(asked.held_out_windows, there) // settings.batch
    if batches < 1:
        raise BadOption(
            f"held_out has {there} windows of {settings.sequence + 1} tokens, and "
            f"{asked.held_out_windows} were asked for: less than one batch of {settings.batch}",
            hint="give a smaller --batch, a shorter --sequence, or build a larger corpus",
        )
    numbers = range(batches * settings.batch)
    windows = [corpus.window("held_out", settings.sequence, n) for n in numbers]
    return list(np.stack(windows).astype(np.int32).reshape(batches, settings.batch, -1))


def prompts_of(asked: Asked, settings: "Settings", corpus: "Corpus") -> "Prompts | None":
    """The beginnings of held-out documents, half a window each; None where none was asked for.

    Raises `BadOption` for more than a batch has windows, `MalformedFile` for a damaged corpus.
    """
    import numpy as np

    from ml.corpus import vocabulary
    from ml.corpus.manifest import TOKENIZER, read_documents
    from ml.errors import BadOption
    from ml.training.sampling import Prompts

    half = settings.sequence // 2
    if not 0 <= asked.samples <= settings.batch:
        raise BadOption(
            f"{asked.samples} samples, and a batch has {settings.batch} windows",
            hint="give --samples from 0 to the --batch",
        )
    if not asked.samples or not half:
        return None
    tokenizer = vocabulary.load(corpus.folder / TOKENIZER)
    rows = [
        row
        for row in read_documents(corpus.folder, corpus.manifest)
        if row.side == "held_out" and row.tokens > settings.sequence
    ][: asked.samples]
    stream = corpus.streams["held_out"]

    def text_of(ids: "Sequence[int]") -> str:
        return tokenizer.bytes_of(np.array(ids, dtype=np.int64)).decode("utf-8", "replace")

    if not rows:
        return None
    return Prompts(
        documents=tuple(row.path for row in rows),
        ids=[tuple(stream.read(row.start, row.start + half).tolist()) for row in rows],
        known=corpus.vocabulary,
        end_id=corpus.manifest.tokenizer.end_id,
        text_of=text_of,
    )


def check_apart(settings: "Settings", corpus: "Corpus") -> None:
    """Raise `BadOption` unless no window of the run's length is on both sides of the corpus."""
    from ml.errors import BadOption

    if not corpus.is_apart(settings.sequence):
        raise BadOption(
            f"the corpus was not shown to have no {settings.sequence + 1} tokens in a row on both "
            "sides: a held-out loss would say nothing",
            hint=f"build it with --window {settings.sequence + 1}, or give a longer --sequence",
        )


def check_ratio(asked: Asked, settings: "Settings", corpus: "Corpus") -> dict[str, float]:
    """Tokens that the run sees, parameters, and their ratio. Raises `BadOption` below ten.

    Where a corpus is gone through more than once its tokens still count once.
    """
    from ml.errors import BadOption
    from ml.training.gates import LEAST_RATIO
    from ml.training.weights import count, shapes

    parameters = count(shapes(settings.preset, settings.vocabulary))
    seen = settings.steps * settings.step_tokens
    tokens = min(seen, len(corpus.streams["train"]))
    ratio = tokens / parameters
    if ratio < LEAST_RATIO and not asked.force_under_provisioned:
        raise BadOption(
            f"{tokens} tokens for {parameters} parameters are {ratio:.2f} a parameter, "
            f"under {LEAST_RATIO:g}",
            hint=_RATIO_HINT,
        )
    return {"tokens": tokens, "parameters": parameters, "ratio": ratio}


def plan_of(
    asked: Asked,
    settings: "Settings",
    held_out: "Sequence[Batch]",
    prompts: "Prompts | None",
    folder: Path,
) -> "Plan":
    """What is done between steps."""
    import math

    from ml.training.gates import Limits
    from ml.training.loop import Plan

    every = {"evaluate_every": asked.evaluate_every, "checkpoint_every": asked.checkpoint_every}
    limits = Limits(
        uniform=math.log(settings.vocabulary),
        patience=asked.patience,
        target=asked.target,
        least_tokens_per_second=asked.least_tokens_per_second,
        most_tokens_per_second=asked.most_tokens_per_second,
    )
    return Plan(
        limits=limits,
        folder=folder,
        held_out=held_out,
        prompts=prompts,
        sample_every=asked.sample_every,
        container=asked.checkpoints,
        **every,
    )


def check_plan(asked: Asked) -> None:
    """Raise `BadArguments` for intervals that cannot be: before a run begins."""
    least = (("evaluate_every", 1), ("checkpoint_every", 1), ("sample_every", 0))
    wrong = [f"{name} is {getattr(asked, name)}" for name, at in least if getattr(asked, name) < at]
    if wrong:
        raise base.BadArguments("; ".join(wrong), hint="give at least 1; --sample-every 0 is never")
