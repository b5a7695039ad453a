"""How a run that scores models begins: its facts, the device, and why there may be none."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from executors import base

if TYPE_CHECKING:
    from ml.architectures import Model
    from ml.devices import DeviceChoice
    from ml.passes import Settings

#: Ids that a run says as they are; of more, the digest alone.
KEPT_IDS: Final = 4096


@attrs.frozen(slots=True, kw_only=True)
class Beginning:
    """What `run.started` says, and the device or what is wrong with it."""

    facts: base.Facts
    choice: "DeviceChoice | base.LedgerError"

    def check_device(self) -> None:
        """Raise for a device that is not there: within the run, so that it fails on record."""
        if isinstance(self.choice, base.LedgerError):
            raise self.choice


def begin(
    models: Mapping[str, "Model"],
    settings: "Settings",
    *,
    arguments: Mapping[str, Any],
    inputs: Mapping[str, str],
    seed: int | None = None,
) -> Beginning:
    """Say how a run begins. The first of the models is the run's; each is an input by its role."""
    from ml.environment import environment

    choice = choose(settings)
    found = None if isinstance(choice, base.LedgerError) else choice
    first = next(iter(models.values()), None)
    facts: base.Facts = {
        "provenance": "measured",
        "arguments": {**attrs.asdict(settings), **arguments},
        "inputs": {
            **{role: f"sha256:{model.container.digest()}" for role, model in models.items()},
            **inputs,
        },
        "model": {} if first is None else _described(first),
        "device_asked": settings.device,
        "device_observed": found.observed if found else None,
        "device_reason": found.reason if found else str(choice),
        "dtype": found.dtype if found else None,
        "dtype_reason": found.dtype_reason if found else None,
        "compiler": found.compiler if found else None,
        "environment": dict(environment(found)) if found else {},
        "seed": seed,
    }
    return Beginning(facts=facts, choice=choice)


def choose(settings: "Settings") -> "DeviceChoice | base.LedgerError":
    """The device of these settings, or why there is none."""
    from ml.quality.settings import resolve

    try:
        with base.ml_errors():
            return resolve(settings)
    except base.ExecutorFailed as error:
        return error


def settings_of(asked: Mapping[str, Any]) -> "Settings":
    """The settings of a pass from the options of a command. Raises `BadArguments`."""
    from ml.passes import SETTINGS, Settings, parse_settings

    settings = Settings(**{name: asked[name] for name in SETTINGS})
    with base.bad_input():
        return parse_settings(str(settings))


def open_file(path: Path) -> "Model":
    """Open a model before a run begins. Raises `BadArguments` or `Malformed`."""
    from ml.architectures import open_model

    with base.bad_input():
        return open_model(path)


def settings_key(settings: "Settings", device: str) -> dict[str, str]:
    """What a number depends on of how it was computed, for its key."""
    key = {"engine": settings.engine, "device": device, "kv_dtype": settings.kv}
    return key if settings.activation == "none" else {**key, "activation": settings.activation}


def _described(model: "Model") -> dict[str, Any]:
    return {
        "name": model.name,
        "architecture": model.config.architecture,
        "container": model.container.format,
        "size_bytes": model.container.size_bytes,
        "parameters": model.parameter_count,
    }
