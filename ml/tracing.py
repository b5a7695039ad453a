"""Tracing: one pass of a model over a prompt, and everything a comparison in another year needs.

`trace` is what other rooms call. It checks the prompt, runs an engine, and returns a frozen value:
two typed records (identity and path), statistics of each point, the blob of kept rows, the last
token's logits, and the environment it all happened in.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from ml import devices, identity
from ml import points as points_module
from ml import rows as rows_module
from ml.architectures import Model, open_model
from ml.engines import (
    BATCHINGS,
    KV_DTYPES,
    Batching,
    Capture,
    Engine,
    EngineResult,
    KvDtype,
    Request,
    choose_activation,
    find_engine,
)
from ml.engines.forced import Forced
from ml.environment import environment
from ml.errors import BadOption, DeviceDiffers
from ml.identity import Record
from ml.prompts import check_ids
from ml.statistics import WIDTH, Statistics, pool

# (stage in words, steps done, steps in all)
Progress = Callable[[str, int, int], None]


@frozen(kw_only=True)
class PointTrace:
    """Statistics of one point of one layer."""

    point: str
    """Id in `ml.points`."""
    layer: int | None
    """None for a point of the model."""
    width: int
    """Channels of a row."""
    rows: int
    """Rows (tokens) that `all` covers."""
    all: Statistics
    """The chosen rows pooled."""
    last: Statistics
    """The last of them alone."""


@frozen(kw_only=True)
class TracedModel:
    """Which model was traced."""

    sha256: str
    size_bytes: int
    architecture: str
    name: str
    parameter_count: int


@frozen(kw_only=True)
class Trace:
    """What `trace` returns."""

    identity: Record
    """Must be equal to compare (`ml.identity.identity_record`)."""
    path: Record
    """May differ; every difference is listed (`ml.identity.path_record`)."""
    points: tuple[PointTrace, ...]
    """In computation order, as in `identity["points"]`."""
    kept_rows: tuple[int, ...]
    """Positions of the rows in the blob, ascending."""
    blob: bytes = field(repr=False)
    """Little-endian float32 `[points, kept rows, 74]` (spec/formats/trace.md)."""
    logits: NDArray[np.float32] = field(repr=False, eq=False)
    """Last token's logits, `float32 [vocabulary]`."""
    environment: Mapping[str, str]
    """Every choice that depends on the machine, with its reason."""
    wall_ms: float
    """From the open file to the finished trace."""
    model: TracedModel
    generated: tuple[int, ...]
    """Ids that the pass went on with behind those it was given; the trace covers them too."""
    tensors: Mapping[tuple[str, int | None], NDArray[np.float32]] | None = field(
        repr=False, eq=False
    )
    """Full activations by (point, layer), only where they were asked for."""

    def top(self, count: int) -> tuple[tuple[int, float], ...]:
        """Return (token id, logit) of the largest logits; of equal ones the lowest id comes first.

        NaN logits come last.
        """
        order = np.argsort(-self.logits, kind="stable")[:count]
        return tuple((int(token), float(self.logits[token])) for token in order)


def trace(
    model_path: Path | str,
    ids: Sequence[int],
    *,
    engine: str = "a",
    device: str = "auto",
    kv: str = "f32",
    activation: str = "none",
    batching: str = "prefill",
    generate: int = 0,
    points: Iterable[str] | None = None,
    rows: str = rows_module.ALL,
    every: int = 1,
    keep_tensors: bool = False,
    progress: Progress | None = None,
) -> Trace:
    """Trace one pass of a model file over token ids, and over those it continues them by.

    `engine` is an id of `ml.engines`, `device` follows `ml.devices.GRAMMAR`, `kv` is f32 or f16,
    `activation` is none, or q8 where the engine can, `batching` is prefill or one by one. With
    `generate`, one by one only, the ids are continued by that many, each the most likely (of
    equals the lowest id); the trace is then one of all ids, and says which were generated. `points`
    are ids or patterns of `ml.points` (None: the seeds' ten and the model's three); `rows` is
    `all`, `last`, a row or a slice of the ids (`ml.rows.select`), and of the generated ones every
    `every`th counts. `progress` is called with (stage, done, total).

    Raises members of `ml.errors` for anything wrong with the file, the prompt, the options or the
    device; never computes on another device than was asked.
    """
    started = time.perf_counter()
    model = open_model(Path(model_path))
    chosen = rows_module.select_with_generated(
        rows, len(check_ids(ids, model.config)), generate, every
    )
    request, result = run(
        model,
        ids,
        engine=engine,
        device=device,
        kv=kv,
        activation=activation,
        batching=batching,
        generate=generate,
        points=points,
        keep_tensors=keep_tensors,
        progress=progress,
    )
    traced = _trace_of(model, request, result, chosen, find_engine(engine))
    return evolve(traced, wall_ms=(time.perf_counter() - started) * 1000)


def _trace_of(
    model: Model, request: Request, result: EngineResult, chosen: rows_module.Rows, engine: Engine
) -> Trace:
    """Return what came of a pass; its time is still to be told."""
    sha256 = model.container.digest()
    stored = [_rows(capture)[list(chosen.kept)] for capture in result.captures]
    ids = (*request.ids, *result.generated)
    return Trace(
        identity=identity.identity_record(ids, result.captures, chosen),
        path=identity.path_record(
            model,
            sha256,
            engine,
            request.kv,
            result.device,
            request.activation,
            request.batching,
        ),
        points=tuple(_point_trace(capture, chosen) for capture in result.captures),
        kept_rows=chosen.kept,
        blob=rows_module.to_blob(np.stack(stored)),
        logits=result.logits,
        environment=environment(request.device),
        wall_ms=0.0,
        model=TracedModel(
            sha256=sha256,
            size_bytes=model.container.size_bytes,
            architecture=model.config.architecture,
            name=model.name,
            parameter_count=model.parameter_count,
        ),
        generated=result.generated,
        tensors=_tensors(result) if request.keep_tensors else None,
    )


def run(
    model: Model,
    ids: Sequence[int],
    *,
    engine: str,
    device: str,
    kv: str,
    points: Iterable[str] | None,
    activation: str = "none",
    batching: str = "prefill",
    generate: int = 0,
    keep_tensors: bool = False,
    statistics: bool = True,
    forced: Forced | None = None,
    progress: Progress | None = None,
) -> tuple[Request, EngineResult]:
    """Check everything that was asked, run the engine, and check where it ran.

    `statistics=False` is the plain pass: the same graph, no rows. `forced` are the values to go on
    with behind points (`Request.forced`). Otherwise as `trace`.
    """
    chosen = find_engine(engine)
    asked = check(
        model,
        ids,
        engine=engine,
        kv=kv,
        activation=activation,
        batching=batching,
        generate=generate,
        points=points,
    )
    request = evolve(
        asked,
        device=(devices.resolve(device) if chosen.uses_tinygrad else devices.resolve_host(device)),
        statistics=statistics,
        keep_tensors=keep_tensors,
        forced=forced or {},
        progress=progress,
    )
    result = chosen.run(request)
    if result.device != request.device.observed:
        raise DeviceDiffers(
            f"{request.device.observed} was chosen, and the logits lie on {result.device}",
            hint="the result was thrown away: this is a fault of the engine, please report it",
        )
    return request, result


def check(
    model: Model,
    ids: Sequence[int],
    *,
    engine: str,
    kv: str,
    activation: str,
    batching: str,
    generate: int,
    points: Iterable[str] | None,
) -> Request:
    """Return what an engine would be asked, on the host; raise for what none can be asked.

    A caller that looks before it begins gets every error here that does not depend on a device.
    """
    return Request(
        model=model,
        ids=_check_generated(check_ids(ids, model.config), generate, model),
        batching=_check_batching(batching),
        generate=generate,
        kv=_check_kv(kv),
        activation=choose_activation(find_engine(engine), activation),
        points=points_module.select(points),
        device=devices.resolve_host("cpu"),
    )


def _check_kv(kv: str) -> KvDtype:
    for known in KV_DTYPES:
        if kv == known:
            return known
    raise BadOption(f"{kv!r} is no type of the cache", hint=f"use {' or '.join(KV_DTYPES)}")


def _check_batching(batching: str) -> Batching:
    for known in BATCHINGS:
        if batching == known:
            return known
    raise BadOption(
        f"{batching!r} is no way of batching", hint=f"use one of: {', '.join(BATCHINGS)}"
    )


def _check_generated(ids: tuple[int, ...], generate: int, model: Model) -> tuple[int, ...]:
    """Return the ids, if as many can be generated behind them; raise `BadOption`."""
    room = model.config.context_length - len(ids)
    if not 0 <= generate <= room:
        raise BadOption(
            f"{generate} tokens to generate, and the model has room for {room} behind the prompt",
            hint="generate fewer, or give a shorter prompt",
        )
    return ids


def _rows(capture: Capture) -> NDArray[np.float32]:
    if capture.rows is None:
        raise ValueError("a plain pass has no rows")
    return capture.rows


def _point_trace(capture: Capture, rows: rows_module.Rows) -> PointTrace:
    statistics = _rows(capture)[list(rows.chosen), :WIDTH]
    return PointTrace(
        point=capture.point.id,
        layer=capture.layer,
        width=capture.width,
        rows=len(statistics),
        all=pool(statistics),
        last=pool(statistics[-1:]),
    )


def _tensors(result: EngineResult) -> Mapping[tuple[str, int | None], NDArray[np.float32]]:
    return {
        (capture.point.id, capture.layer): capture.tensor
        for capture in result.captures
        if capture.tensor is not None
    }
