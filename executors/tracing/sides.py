"""Two paths through models: what `floor` and `bisect` are asked to hold against each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from executors import base

if TYPE_CHECKING:
    from ml.devices import DeviceChoice
    from ml.passes import Side


def read_sides(
    model_a: Path, model_b: Path | None, a: str, b: str
) -> "tuple[Side, Side, list[DeviceChoice]]":
    """Open both sides and choose their devices.

    Raises `BadArguments` or `Malformed` for what was asked, `ExecutorFailed` for a device that is
    not there.
    """
    from ml.passes import check_alike, open_side, parse_settings

    with base.bad_input():
        settings = [parse_settings(text) for text in (a, b)]
        sides = [
            open_side(model, asked)
            for model, asked in zip((model_a, model_b or model_a), settings, strict=True)
        ]
        check_alike(sides[0].model, sides[1].model)
    if settings[0] == settings[1] and sides[0].model_sha256 == sides[1].model_sha256:
        raise base.BadArguments(
            "both sides are the same model along the same path",
            hint="give a second model, or let --a and --b differ, such as --b engine=numpy",
        )
    return sides[0], sides[1], [choose_device(side) for side in sides]


def choose_device(side: "Side") -> "DeviceChoice":
    """The device that a side will compute on. Raises `ExecutorFailed` where it is not there."""
    from ml import devices
    from ml.engines import find_engine

    with base.ml_errors():
        is_tinygrad = find_engine(side.settings.engine).uses_tinygrad
        return (devices.resolve if is_tinygrad else devices.resolve_host)(side.settings.device)


def facts(
    sides: "dict[str, Side]", choices: "list[DeviceChoice]", arguments: dict[str, Any]
) -> base.Facts:
    """What `run.started` says of a run over several sides, by their names (`a`, `b`)."""
    from ml.environment import environment

    compilers = [choice.compiler for choice in choices if choice.compiler]
    last = list(sides.values())[-1]
    return {
        "provenance": "measured",
        "arguments": arguments,
        "inputs": {f"model_{name}": f"sha256:{side.model_sha256}" for name, side in sides.items()},
        "model": {
            "name": last.model.name,
            "architecture": last.model.config.architecture,
            "container": last.model.container.format,
            "size_bytes": last.model.container.size_bytes,
            "parameters": last.model.parameter_count,
        },
        "device_asked": _joined(side.settings.device for side in sides.values()),
        "device_observed": _joined(choice.observed for choice in choices),
        "device_reason": _joined(choice.reason for choice in choices),
        "dtype": _joined(choice.dtype for choice in choices),
        "dtype_reason": _joined(choice.dtype_reason for choice in choices),
        "compiler": _joined(compilers) or None,
        "environment": dict(environment(choices[-1])),
    }


def _joined(texts: Any) -> str:  # noqa: ANN401 - any iterable of texts
    return "; ".join(dict.fromkeys(texts))
