"""Two runs held against each other: what differs between them, and by how much they differ."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from executors import base
from executors.training.running import NAME

if TYPE_CHECKING:
    from ml.training.evaluation import Evaluation

CONTRACT: Final = "training comparison/1"
#: What was asked for, but changes no number: the device is compared as it was observed.
_NO_MATTER: Final = ("device", "force_under_provisioned", "checkpoint_every", "samples",
                     "sample_every", "settings", "data")  # fmt: skip
#: Facts of `run.started` that must be equal too.
_FACTS: Final = ("device_observed", "dtype", "compiler")


def record_comparison(ledger: base.Ledger, room: Path, a: str, b: str) -> dict[str, Any]:
    """Compare two runs and record it; what came of it.

    Raises `BadArguments` where not exactly one key differs, or the windows are not the same ones.
    """
    started = [_started(ledger, name) for name in (a, b)]
    key = _only_difference(a, b, *(body for _, body in started))
    last = [_last(ledger, room / name, name) for name in (a, b)]
    _check_windows([body for _, body in started], [one for _, one in last])
    facts: base.Facts = {
        "provenance": "derived",
        "arguments": {"a": a, "b": b, "differs": key},
        "inputs": {"held_out": started[0][1]["inputs"]["held_out"]},
        "dtype": "float64",
        "dtype_reason": "differences of stored losses",
    }
    cites = [hash_ for hash_, _ in started] + [hash_ for hash_, _ in last]
    with base.start(ledger, "compare-runs", facts) as run:
        return _measure(run, (a, b), key, last[0][1], last[1][1], cites)


def _measure(
    run: base.Run,
    names: tuple[str, str],
    key: str,
    a: "Evaluation",
    b: "Evaluation",
    cites: list[str],
) -> dict[str, Any]:
    from ml.training.evaluation import half_width

    apart = b.losses - a.losses
    mean, half = float(apart.mean()), half_width(apart)
    low, high = mean - half, mean + half
    verdict = "b is lower" if high < 0 else "a is lower" if low > 0 else "no difference"
    about = {
        "contract": CONTRACT,
        "a": names[0],
        "b": names[1],
        "differs": key,
        "n": len(apart),
        **({"low": low, "high": high} if len(apart) > 1 else {}),
    }
    run.measure("val_loss_difference", mean, "nats/token", about, cites=cites)
    return {
        "run": run.name,
        "differs": key,
        "val_loss_a": a.mean,
        "val_loss_b": b.mean,
        "difference": mean,
        "low": low if len(apart) > 1 else None,
        "high": high if len(apart) > 1 else None,
        "windows": len(apart),
        "verdict": verdict,
    }


def _started(ledger: base.Ledger, name: str) -> tuple[str, dict[str, Any]]:
    hash_, body = base.entries_of(ledger, name, "run.started")[0]
    if body["executor"] != NAME:
        raise base.BadArguments(f"{name} is a run of {body['executor']}", hint="name a training")
    return hash_, body


def _only_difference(a: str, b: str, one: dict[str, Any], other: dict[str, Any]) -> str:
    """The one key that differs. Raises `BadArguments` for none or several."""
    found = differences(one, other)
    if len(found) != 1:
        what = f"{len(found)} things differ ({', '.join(found)})" if found else "nothing differs"
        raise base.BadArguments(
            f"between {a} and {b} {what}",
            hint="compare runs where exactly one thing that was asked for differs",
        )
    return found[0]


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Keys in which two `run.started` differ.

    An option that was left out in one and given as its usual value in the other does not differ;
    what follows from another option (the warm-up from the steps) is no difference of its own.
    """
    found = []
    asked = [body["arguments"] for body in (one, other)]
    for name in sorted((asked[0].keys() | asked[1].keys()) - set(_NO_MATTER)):
        values = [arguments.get(name) for arguments in asked]
        settled = [
            arguments["settings"].get(name, value)
            for arguments, value in zip(asked, values, strict=True)
        ]
        if values[0] != values[1] and settled[0] != settled[1]:
            found.append(name)
    found += [name for name in _FACTS if one[name] != other[name] and "compute" not in found]
    for role in ("train", "held_out"):
        if one["inputs"].get(role) != other["inputs"].get(role):
            found.append(f"inputs.{role}")
    return found


def _last(ledger: base.Ledger, folder: Path, name: str) -> "tuple[str, Evaluation]":
    """The last evaluation of a run, out of its last checkpoint, whose digest is on record."""
    from ml.training.checkpoints import read_checkpoint

    hash_, body = base.entries_of(ledger, name, "checkpoint.written")[-1]
    path = folder / Path(body["file"]).name
    with base.bad_input():
        found = read_checkpoint(path)
    if f"sha256:{found.state.digest()}" != body["state"]:
        raise base.BadArguments(
            f"{path} is not what {name} wrote", hint="give the --out that the run had"
        )
    if not found.evaluations:
        raise base.BadArguments(f"{name} has no evaluation", hint="train on with --resume")
    return hash_, found.evaluations[-1]


def _check_windows(started: list[dict[str, Any]], last: "list[Evaluation]") -> None:
    """Raise `BadArguments` unless both runs looked at the same held-out windows."""
    looked = [
        (body["inputs"]["held_out"], body["arguments"]["settings"]["sequence"], len(one.losses))
        for body, one in zip(started, last, strict=True)
    ]
    if looked[0] != looked[1]:
        raise base.BadArguments(
            "the two runs were evaluated on other held-out windows",
            hint="train both on one corpus with equal --sequence and --held-out-windows",
        )
