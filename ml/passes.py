"""One pass as somebody asks for it in words, with its full activations and its path record.

Floors and bisection run several passes and hold their activations against each other; what a pass
is computed by is said in one line, such as `engine=b,activation=q8`.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import asdict, evolve, field, fields, frozen
from numpy.typing import NDArray

from ml import devices, identity
from ml.architectures import Model, open_model
from ml.distances import channel_distance, full_row_distances, lower_median
from ml.engines import KV_DTYPES, choose_activation, find_engine
from ml.engines.forced import Forced, place
from ml.errors import BadOption
from ml.identity import Record
from ml.points import ALL_POINTS, Place
from ml.tracing import Progress, run

Activations = Mapping[Place, NDArray[np.float32]]


@frozen(kw_only=True)
class Settings:
    """How a pass is computed: what may be asked for, one word each."""

    engine: str = "a"
    activation: str = "none"
    device: str = "auto"
    kv: str = "f32"

    def __str__(self) -> str:
        """Return what `parse_settings` reads."""
        return ",".join(f"{name}={value}" for name, value in asdict(self).items())


SETTINGS = tuple(attribute.name for attribute in fields(Settings))


def parse_settings(text: str) -> Settings:
    """Return the settings of `NAME=VALUE,NAME=VALUE`; what is left out has its default.

    Raises `BadOption` for a name that is no setting, and for a value that its setting cannot have.

    >>> parse_settings("engine=b,activation=q8").engine
    'b'
    """
    given: dict[str, str] = {}
    for part in text.split(","):
        name, separator, value = (word.strip() for word in part.partition("="))
        if not separator or name not in SETTINGS or not value or name in given:
            raise BadOption(
                f"{text!r}: {part!r} sets nothing, or sets it twice",
                hint=f"write NAME=VALUE,NAME=VALUE with the names {', '.join(SETTINGS)}",
            )
        given[name] = value
    settings = evolve(Settings(), **given)
    choose_activation(find_engine(settings.engine), settings.activation)
    devices.parse(settings.device)
    if settings.kv not in KV_DTYPES:
        raise BadOption(
            f"{settings.kv!r} is no type of the cache", hint=f"use kv={' or kv='.join(KV_DTYPES)}"
        )
    return settings


@frozen(kw_only=True)
class Pass:
    """What came of a pass."""

    activations: Activations = field(repr=False)
    """Full activations in computation order, `float32 [tokens, width]`."""
    path: Record
    """How they came about (`ml.identity.path_record`)."""


def run_pass(
    model: Model,
    model_sha256: str,
    ids: Sequence[int],
    settings: Settings,
    *,
    points: Iterable[str] | None = None,
    forced: Forced | None = None,
    progress: Progress | None = None,
) -> Pass:
    """Compute one pass and keep its activations; no statistics are taken.

    Raises members of `ml.errors`, as `ml.tracing.run` does.
    """
    request, result = run(
        model,
        ids,
        engine=settings.engine,
        device=settings.device,
        kv=settings.kv,
        activation=settings.activation,
        points=points,
        keep_tensors=True,
        statistics=False,
        forced=forced,
        progress=progress,
    )
    path = identity.path_record(
        model,
        model_sha256,
        find_engine(settings.engine),
        request.kv,
        result.device,
        request.activation,
    )
    values = {(c.point.id, c.layer): c.tensor for c in result.captures if c.tensor is not None}
    return Pass(activations=values, path=path)


@frozen(kw_only=True)
class Side:
    """One of two paths: a model and how it is computed."""

    model: Model
    model_sha256: str
    settings: Settings

    def run(
        self, ids: Sequence[int], *, forced: Forced | None = None, progress: Progress | None = None
    ) -> Pass:
        """Compute one pass with all points."""
        return run_pass(
            self.model,
            self.model_sha256,
            ids,
            self.settings,
            points=ALL_POINTS,
            forced=forced,
            progress=progress,
        )


def open_side(path: Path, settings: Settings) -> Side:
    """Open a model file for a path. Raises what `ml.architectures.open_model` raises."""
    model = open_model(path)
    return Side(model=model, model_sha256=model.container.digest(), settings=settings)


#: What two models must have in common for their activations to be held against each other.
SHAPE = ("layers", "hidden", "feed_forward", "heads", "kv_heads", "head_dim", "vocabulary")


def check_alike(a: Model, b: Model) -> None:
    """Check that two models have one shape; raise `BadOption` with everything that differs."""
    unequal = [
        f"{name} {getattr(a.config, name)} and {getattr(b.config, name)}"
        for name in SHAPE
        if getattr(a.config, name) != getattr(b.config, name)
    ]
    if unequal:
        raise BadOption(
            f"the two models are not of one shape: {', '.join(unequal)}",
            hint="give two files of one model",
        )


@frozen(kw_only=True)
class Score:
    """How far the activations of two passes are apart at one point."""

    largest: float
    """Largest d_row; infinite where one side is not finite and the other is not alike."""
    median: float
    """Lower median of d_row."""
    row: int
    """Position of the row with the largest (the first of equals)."""
    channel: float
    """Distance of the channel that is furthest apart (`ml.distances.channel_distance`)."""


def scores(a: Activations, b: Activations) -> dict[Place, Score]:
    """Return the score at each place of `a`, in its order; distances are relative to `a`.

    Raises `BadOption` where `b` has no activation of the same shape there.
    """
    found = {}
    for at, values in a.items():
        other = b.get(at)
        if other is None or other.shape != values.shape:
            seen = "none" if other is None else list(other.shape)
            raise BadOption(
                f"{place(*at)} is {list(values.shape)} on one side, and {seen} on the other",
                hint="give two models of one shape, and the same token ids",
            )
        distances = full_row_distances(values, other)
        found[at] = Score(
            largest=float(distances.max()),
            median=lower_median(distances),
            row=int(distances.argmax()),
            channel=channel_distance(values, other),
        )
    return found
