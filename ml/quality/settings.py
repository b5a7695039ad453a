"""Opening a model for scoring: what it is computed by, checked, and its scorer."""

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from ml import devices
from ml.architectures import Model, open_model
from ml.devices import DeviceChoice
from ml.engines import Request, Scorer, find_engine
from ml.passes import Settings
from ml.tracing import Progress, check


@frozen(kw_only=True)
class Opened:
    """A model that can be scored."""

    model: Model
    settings: Settings
    device: DeviceChoice
    scorer: Scorer


def request_for(model: Model, settings: Settings, ids: Sequence[int] = (0,)) -> Request:
    """Return a request on the host that captures nothing; raises `BadOption` and the like."""
    return check(
        model,
        ids,
        engine=settings.engine,
        kv=settings.kv,
        activation=settings.activation,
        batching="prefill",
        generate=0,
        points=["logits"],
    )


def resolve(settings: Settings) -> DeviceChoice:
    """Return the device that was asked for; raise `DeviceUnavailable`."""
    if find_engine(settings.engine).uses_tinygrad:
        return devices.resolve(settings.device)
    return devices.resolve_host(settings.device)


def open_scorer(path: Path, settings: Settings, progress: Progress | None = None) -> Opened:
    """Open a model and load its weights; raises what opening and `ml.devices` raise."""
    from attrs import evolve

    model, device = open_model(path), resolve(settings)
    request = evolve(
        request_for(model, settings),
        device=device,
        points=frozenset(),
        statistics=False,
        progress=progress,
    )
    scorer = find_engine(settings.engine).scorer(request)
    return Opened(model=model, settings=settings, device=device, scorer=scorer)
