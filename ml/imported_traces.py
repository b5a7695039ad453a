"""Somebody else's trace: activations or ready rows in files, and a contract on what they are.

Nothing is guessed. A file that the contract does not name, a point that has no file, an array of
another shape: each is an error, and all of them are told at once (spec/formats/imported_trace.md).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml import identity, points, sketch
from ml.containers import open_container
from ml.errors import MalformedTrace, MlError
from ml.identity import Record
from ml.imported_contract import ROWS, Contract, Mapped
from ml.points import Point
from ml.quant_types import decode
from ml.rows import COLUMNS, LAST_ROW, select, to_blob
from ml.statistics import COUNT, NAN, NEG_INF, POS_INF, WIDTH, pool, row_statistics
from ml.tracing import PointTrace

#: What a path says; what a contract leaves out is "not stated", so that it shows as a difference.
PATH_FIELDS = (
    "accumulate_dtype", "activation_dtype", "activation_quantisation", "attention_form", "batching",
    "container", "device", "engine_version", "kv_dtype", "rope_angle_rule", "weight_formats",
)  # fmt: skip
NOT_STATED = "not stated"
Values = TypeVar("Values")


@frozen(kw_only=True)
class ImportedTrace:
    """What `read_trace` returns: the parts of a trace that a comparison needs."""

    identity: Record
    path: Record
    points: tuple[PointTrace, ...]
    kept_rows: tuple[int, ...]
    blob: bytes = field(repr=False)


def read_trace(folder: Path, contract: Contract) -> ImportedTrace:
    """Read every point that a contract names. Raises `MalformedTrace` with all problems."""
    return _trace(_read_all(folder, contract, _rows_of), contract)


def read_activations(
    folder: Path, contract: Contract
) -> dict[tuple[str, int | None], NDArray[np.float32]]:
    """Read the full activations `float32 [tokens, width]`, in computation order.

    Raises `MalformedTrace` with all problems, and where the contract has no full activations.
    """
    if contract.values == ROWS or contract.rows == LAST_ROW:
        raise MalformedTrace(
            f"the contract has rows: {contract.rows}, values: {contract.values}",
            hint="full activations of all tokens are needed: rows: all, values: tensor",
        )
    found = _read_all(folder, contract, _activations_of)
    return {(point.id, layer): found[point.id, layer] for point, layer in _in_order(found)}


def path_of(contract: Contract) -> Record:
    """How somebody else's numbers came about, as far as the contract states it."""
    return {
        **{name: contract.path.get(name, NOT_STATED) for name in PATH_FIELDS},
        "engine": contract.program,
        "format_version": identity.FORMAT_VERSION,
        "model_sha256": contract.model_sha256 or NOT_STATED,
    }


def _read_all(
    folder: Path,
    contract: Contract,
    read: Callable[[Path, str | None, Mapped, Contract], Values],
) -> dict[tuple[str, int | None], Values]:
    """Read each point that a contract names. Raises `MalformedTrace` with all problems."""
    problems: list[str] = []
    found: dict[tuple[str, int | None], Values] = {}
    used: set[str] = set()
    for mapped in contract.points:
        for layer, file, tensor in mapped.places():
            used.add(file)
            try:
                found[mapped.point.id, layer] = read(folder / file, tensor, mapped, contract)
            except MalformedTrace as error:
                problems.append(str(error))
    named = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    problems += [
        f"{name}: no point of the contract is in this file" for name in sorted(named - used)
    ]
    if problems:
        raise MalformedTrace(
            f"{folder} is not what the contract says: {'; '.join(problems)}",
            hint="mend the contract or the files; each file and each point is named once",
        )
    return found


def _rows_of(
    path: Path, tensor: str | None, mapped: Mapped, contract: Contract
) -> tuple[int, NDArray[np.float32]]:
    """Width and `float32 [tokens, 74]` of one point of one layer."""
    if contract.values == ROWS:
        where, wanted = _where(path, tensor), _row_count(contract)
        array = _read(path, tensor, where)
        if array.shape != (wanted, COLUMNS):
            raise _bad(where, f"has the shape {list(array.shape)}, not {[wanted, COLUMNS]}")
        widths = array[:, [COUNT, NAN, POS_INF, NEG_INF]].sum(axis=1)
        if len(set(widths.tolist())) != 1 or not widths[0] >= 1 or widths[0] % 1:
            raise _bad(where, "its rows do not have one number of channels")
        return int(widths[0]), array
    tokens = _activations_of(path, tensor, mapped, contract)
    rows = np.concatenate([row_statistics(tokens), sketch.sketch(tokens)], axis=1)
    return tokens.shape[1], rows.astype(np.float32)


def _activations_of(
    path: Path, tensor: str | None, mapped: Mapped, contract: Contract
) -> NDArray[np.float32]:
    """`float32 [tokens, width]` of one point of one layer."""
    where, wanted = _where(path, tensor), _row_count(contract)
    tokens = _tokens_by_channels(_read(path, tensor, where), mapped, where)
    if len(tokens) != wanted:
        raise _bad(where, f"has {len(tokens)} rows, and {wanted} tokens are stated")
    return tokens


def _where(path: Path, tensor: str | None) -> str:
    return path.name if tensor is None else f"{path.name}[{tensor}]"


def _row_count(contract: Contract) -> int:
    return 1 if contract.rows == LAST_ROW else len(contract.ids)


def _read(path: Path, tensor: str | None, where: str) -> NDArray[np.float32]:
    """The numbers of a .npy file, or of a tensor in a container, as float32."""
    try:
        if tensor is None:
            array = np.load(path, allow_pickle=False)
        else:
            container = open_container(path)
            info = container.tensors[tensor]
            array = decode(
                info.quant_type, container.tensor_bytes(tensor), info.shape, tensor=tensor
            )
    except FileNotFoundError as error:
        raise _bad(where, "is not there") from error
    except KeyError as error:
        raise _bad(where, "is not in the file") from error
    except (OSError, ValueError, EOFError, TypeError, MlError) as error:
        raise _bad(where, f"cannot be read: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise _bad(where, "does not hold floating-point numbers")
    return array.astype(np.float32)


def _tokens_by_channels(
    array: NDArray[np.float32], mapped: Mapped, where: str
) -> NDArray[np.float32]:
    """An activation in the canonical layout: heads outermost, rotate-half pairs inside a head."""
    if array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if mapped.heads is not None and array.ndim == 3:  # [heads, tokens, head_dim]
        if array.shape[0] != mapped.heads:
            raise _bad(where, f"has {array.shape[0]} heads first, and {mapped.heads} are stated")
        array = array.transpose(1, 0, 2).reshape(array.shape[1], -1)
    if array.ndim != 2 or 0 in array.shape:
        raise _bad(where, f"has the shape {list(array.shape)}, not [tokens, channels]")
    if mapped.is_interleaved:
        heads = mapped.heads or 1
        if array.shape[1] % (2 * heads):
            raise _bad(where, f"{array.shape[1]} channels are no pairs in {heads} heads")
        pairs = array.reshape(len(array), heads, -1, 2)
        array = pairs.transpose(0, 1, 3, 2).reshape(len(array), -1)
    return np.ascontiguousarray(array)


def _bad(where: str, what: str) -> MalformedTrace:
    return MalformedTrace(f"{where} {what}", hint="mend the file or the contract")


def _trace(
    found: Mapping[tuple[str, int | None], tuple[int, NDArray[np.float32]]], contract: Contract
) -> ImportedTrace:
    ordered = list(_in_order(found))
    count = len(contract.ids)
    rows = select(contract.rows, count)
    chosen = [0] if contract.rows == LAST_ROW else list(rows.kept)
    stored = [found[point.id, layer][1][chosen] for point, layer in ordered]
    record: Record = {
        "boundaries": {
            point.id: {"boundary": point.boundary, "layout": point.layout} for point, _ in ordered
        },
        "format_version": identity.FORMAT_VERSION,
        "points": [[point.id, layer, found[point.id, layer][0]] for point, layer in ordered],
        "positions": {"count": count, "first": 0},
        "rows": {"kept": list(rows.kept), "selection": rows.selection},
        "sketch_version": sketch.VERSION,
        "tokens_sha256": identity.tokens_sha256(contract.ids),
    }
    return ImportedTrace(
        identity=record,
        path=path_of(contract),
        points=tuple(_point_trace(p, layer, *found[p.id, layer]) for p, layer in ordered),
        kept_rows=rows.kept,
        blob=to_blob(np.stack(stored)),
    )


def _in_order(
    found: Mapping[tuple[str, int | None], object],
) -> Iterator[tuple[Point, int | None]]:
    """The points that were read, in the order of computation."""
    layers = max((layer for _, layer in found if layer is not None), default=-1) + 1
    names = frozenset(name for name, _ in found)
    return ((p, n) for p, n in points.in_order(names, layers) if (p.id, n) in found)


def _point_trace(
    point: Point, layer: int | None, width: int, rows: NDArray[np.float32]
) -> PointTrace:
    statistics = rows[:, :WIDTH]
    return PointTrace(
        point=point.id,
        layer=layer,
        width=width,
        rows=len(rows),
        all=pool(statistics),
        last=pool(statistics[-1:]),
    )
