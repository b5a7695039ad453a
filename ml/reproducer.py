"""The smallest thing that still shows a difference: one operation, its input, both outputs.

A folder with `operation.json`, arrays as .npy files, and `test_reproducer.py`, which is
`ml.one_operation` word for word and needs numpy alone.
"""

import hashlib
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml import one_operation, rope
from ml.architectures import Model
from ml.bisection import Evidence, Stage
from ml.errors import BadOption
from ml.operations import OPERATIONS, inputs_of, weights_of
from ml.passes import Side
from ml.points import Place
from ml.quant_types import decode

#: Decoded bytes of one tensor that are written; of a larger one the name and digest have to do.
MOST_BYTES = 64 << 20
TEST = "test_reproducer.py"
CASE = "operation.json"


@frozen(kw_only=True)
class Reproducer:
    """What `write_reproducer` wrote."""

    folder: Path
    files: tuple[str, ...]
    words: str
    """What numpy makes of the two outputs."""


def write_reproducer(
    folder: Path, stage: Stage, evidence: Evidence, ids: tuple[int, ...], a: Side | None, b: Side
) -> Reproducer:
    """Write one stage as a reproducer into a new or empty folder.

    `a` is None where the reference is a folder of activations: then no weights of it are known.
    Raises `BadOption` where the folder holds something, or where the stage is more than one
    operation.
    """
    if stage.since is not None:
        raise BadOption(
            f"{stage.name} is no single operation: its input was not in the reference",
            hint=f"import {_names(stage.place, b.model.config.layers)} as well",
        )
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOption(
            f"cannot make {folder}: {error.strerror}", hint="choose another --reproducer"
        ) from error
    _write_case(folder, stage, evidence, ids, {"a": a, "b": b})
    (folder / TEST).write_text(inspect.getsource(one_operation), encoding="utf-8")
    _, _, words = one_operation.report(folder)
    files = tuple(sorted(path.name for path in folder.iterdir()))
    return Reproducer(folder=folder, files=files, words=words)


def check_folder(folder: Path) -> None:
    """Check that a reproducer can be written there; raise `BadOption`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadOption(f"{folder} is not an empty folder", hint="give a new one as --reproducer")


def _write_case(
    folder: Path,
    stage: Stage,
    evidence: Evidence,
    ids: tuple[int, ...],
    sides: Mapping[str, Side | None],
) -> None:
    place, operation = stage.place, OPERATIONS[stage.place[0]]
    some = sides["b"] or sides["a"]
    layers = some.model.config.layers if some else 0
    inputs = {role: evidence.reference[at] for role, at in inputs_of(place, layers).items()}
    arrays: dict[str, NDArray[Any]] = dict(inputs) or {"ids": np.array(ids, dtype=np.int64)}
    case = {
        "place": stage.name,
        "operation": operation.name,
        "limit": stage.crossed[2],
        "measure": "channel" if stage.crossed[0] == "channel" else "row",
        "inputs": {role: _save(folder, f"input_{role}", array) for role, array in arrays.items()},
        "outputs": {
            "a": _save(folder, "output_a", evidence.reference[place]),
            "b": _save(folder, "output_b", evidence.local[place]),
        },
        "weights": {
            name: None if side is None else _weights(folder, place, name, side, len(ids))
            for name, side in sides.items()
        },
        "numbers": {name: _numbers(side or some, place) for name, side in sides.items()},
        "paths": {
            name: None
            if side is None
            else {"model": side.model.name, "settings": str(side.settings)}
            for name, side in sides.items()
        },
    }
    text = json.dumps(case, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / CASE).write_text(text + "\n", encoding="utf-8")


def _weights(
    folder: Path, place: Place, name: str, side: Side, tokens: int
) -> dict[str, dict[str, object]]:
    """Write the weights of one side as float32; return files, names and digests by role."""
    model = side.model
    found: dict[str, dict[str, object]] = {}
    for role, tensor in weights_of(place, model).items():
        info = model.tensors[tensor]
        data = model.tensor_bytes(tensor)
        file = None
        if info.elements * 4 <= MOST_BYTES:
            array = decode(info.quant_type, data, info.shape, tensor=tensor)
            file = _save(folder, f"{role}_{name}", array)
        found[role] = {
            "file": file,
            "tensor": tensor,
            "quant_type": info.quant_type.name,
            "shape": list(info.shape),
            "sha256": hashlib.sha256(data.tobytes()).hexdigest(),
        }
    if OPERATIONS[place[0]].name == "rotate":
        for role, table in zip(("cos", "sin"), _rope_tables(model, tokens), strict=True):
            found[role] = {"file": _save(folder, f"{role}_{name}", table)}
    return found


def _rope_tables(model: Model, tokens: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    config = model.config
    positions = np.arange(tokens, dtype=np.int64)
    return rope.tables(positions, config.head_dim, config.rope_theta, config.rope_scaling)


def _numbers(side: Side | None, place: Place) -> dict[str, object]:
    """Return the numbers of a side at a place that are no tensors."""
    if side is None:
        return {}
    config = side.model.config
    return {
        "epsilon": config.norm_epsilon,
        "head_dim": config.head_dim,
        "kv": side.settings.kv,
        "window": 0 if place[1] is None else config.window(place[1]),
    }


def _save(folder: Path, name: str, array: NDArray[Any]) -> str:
    np.save(folder / f"{name}.npy", np.ascontiguousarray(array))
    return f"{name}.npy"


def _names(place: Place, layers: int) -> str:
    return ", ".join(name for name, _ in inputs_of(place, layers).values())
