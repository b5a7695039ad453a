"""The contract of an imported trace: YAML that says which file holds which point, and how.

Everything wrong with it is told at once. The fields: spec/formats/imported_trace.md.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ml.errors import MalformedTrace
from ml.points import BY_ID, Point, Scope
from ml.rows import ALL, LAST_ROW

FORMAT = "imported-trace/1"
TENSOR, ROWS = "tensor", "rows"
MOST_LAYERS = 1024
MOST_BYTES = 1 << 20
_FIELDS = frozenset(
    ("format", "program", "ids", "rows", "values", "path", "model_sha256", "points")
)
_POINT_FIELDS = frozenset(("point", "layers", "file", "tensor", "heads", "pairs"))
_LAYERS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._{}+-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@frozen(kw_only=True)
class Mapped:
    """Where one point lies: a file, or a tensor in a safetensors file, for each of its layers."""

    point: Point
    layers: tuple[int, ...] | None
    """Layers; None for a point of the model."""
    file: str
    """Name of the file in the folder; `{layer}` stands for the layer."""
    tensor: str | None
    """Name of the tensor in it, likewise; None for a .npy file."""
    heads: int | None
    """Heads, where they come first: [heads, tokens, head_dim]."""
    is_interleaved: bool
    """Channels of a head are pairs (0, 1), (2, 3), …, not (0, d/2), (1, d/2 + 1), …"""

    def places(self) -> Iterator[tuple[int | None, str, str | None]]:
        """Yield (layer, file, tensor)."""
        for layer in (None,) if self.layers is None else self.layers:
            said = "" if layer is None else str(layer)
            tensor = None if self.tensor is None else self.tensor.replace("{layer}", said)
            yield layer, self.file.replace("{layer}", said), tensor


@frozen(kw_only=True)
class Contract:
    """What a folder of activations is."""

    program: str
    """Program and version that made them."""
    ids: tuple[int, ...]
    """Token ids, position by position."""
    rows: str
    """all tokens, or the last one alone."""
    values: str
    """tensor: activations; rows: the 74 columns of `ml.portable_sketch`."""
    path: Mapping[str, str]
    """How the numbers came about, as far as stated."""
    model_sha256: str | None
    """SHA-256 of the model file, 64 hex digits."""
    points: tuple[Mapped, ...]
    """Which file holds what."""


def read_contract(path: Path) -> Contract:
    """Read a contract. Raises `MalformedTrace` with every problem."""
    import yaml

    try:
        data = path.read_bytes()
        if len(data) > MOST_BYTES:
            raise MalformedTrace(
                f"{path} is larger than {MOST_BYTES} bytes", hint="it is no contract"
            )
        fields = yaml.safe_load(data)
    except OSError as error:
        raise MalformedTrace(
            f"cannot read {path}: {error.strerror}", hint="give the contract as --contract FILE"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise MalformedTrace(f"{path} is not YAML: {said}", hint="mend the place") from error
    problems: list[str] = []
    contract = _contract(fields, problems)
    if contract is None or problems:
        raise MalformedTrace(
            f"{path}: {'; '.join(problems)}", hint="spec/formats/imported_trace.md has an example"
        )
    return contract


def _contract(fields: Any, problems: list[str]) -> Contract | None:  # noqa: ANN401 - any YAML
    if not isinstance(fields, dict):
        problems.append("it is not a mapping")
        return None
    problems += [f"{name}: unknown field" for name in sorted(map(str, fields.keys() - _FIELDS))]
    if fields.get("format") != FORMAT:
        problems.append(f"format: {fields.get('format')!r} is not {FORMAT}")
    program, ids = fields.get("program"), fields.get("ids")
    if not isinstance(program, str) or not program.strip():
        problems.append("program: say which program and version made the files")
    if not _are_ids(ids):
        problems.append("ids: a list of token ids is needed")
    rows, values = fields.get("rows", ALL), fields.get("values", TENSOR)
    if rows not in (ALL, LAST_ROW):
        problems.append(f"rows: {rows!r} is not {ALL} or {LAST_ROW}")
    if values not in (TENSOR, ROWS):
        problems.append(f"values: {values!r} is not {TENSOR} or {ROWS}")
    path, sha256 = fields.get("path") or {}, fields.get("model_sha256")
    if not isinstance(path, dict) or not all(isinstance(v, str) for v in [*path, *path.values()]):
        problems.append("path: names with texts are needed")
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        problems.append("model_sha256: 64 hex digits are needed")
    mapped = _points(fields.get("points"), problems)
    if problems or not isinstance(ids, list):
        return None
    return Contract(
        program=str(program), ids=tuple(ids), rows=rows, values=values, path=path,
        model_sha256=sha256, points=tuple(mapped),
    )  # fmt: skip


def _are_ids(ids: object) -> bool:
    return (
        isinstance(ids, list)
        and bool(ids)
        and all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < 2**32 for i in ids)
    )


def _points(entries: object, problems: list[str]) -> list[Mapped]:
    if not isinstance(entries, list) or not entries:
        problems.append("points: a list is needed")
        return []
    found: list[Mapped] = []
    seen: set[tuple[str, int | None]] = set()
    for number, entry in enumerate(entries, 1):
        where = f"points[{number}]"
        if not isinstance(entry, dict):
            problems.append(f"{where}: not a mapping")
            continue
        mapped = _mapped(entry, where, problems)
        if mapped is None:
            continue
        for layer, _, _ in mapped.places():
            if (mapped.point.id, layer) in seen:
                problems.append(f"{where}: {mapped.point.id} of layer {layer} is named twice")
            seen.add((mapped.point.id, layer))
        found.append(mapped)
    return found


def _mapped(entry: dict[Any, Any], where: str, problems: list[str]) -> Mapped | None:
    before = len(problems)
    for name in sorted(map(str, entry.keys() - _POINT_FIELDS)):
        problems.append(f"{where}.{name}: unknown field")
    point = BY_ID.get(str(entry.get("point")))
    if point is None:
        problems.append(f"{where}.point: {entry.get('point')!r} is no capture point")
    layers = _layers(entry.get("layers"))
    if point is not None and (point.scope is Scope.LAYER) != bool(layers):
        needs = "layers, such as 0-3" if point.scope is Scope.LAYER else "no layers"
        problems.append(f"{where}.layers: {point.id} has {needs}")
    file, tensor = entry.get("file"), entry.get("tensor")
    if not isinstance(file, str) or not _NAME.fullmatch(file):
        problems.append(f"{where}.file: the name of a file in the folder is needed")
    if tensor is not None and not isinstance(tensor, str):
        problems.append(f"{where}.tensor: a name is needed")
    is_packed = isinstance(file, str) and file.endswith(".safetensors")
    if is_packed != (tensor is not None):
        problems.append(f"{where}.tensor: a .safetensors file, and no other, has named tensors")
    heads, pairs = entry.get("heads"), entry.get("pairs", "halves")
    if heads is not None and (not isinstance(heads, int) or isinstance(heads, bool) or heads < 1):
        problems.append(f"{where}.heads: {heads!r} is no number of heads")
    if pairs not in ("halves", "interleaved"):
        problems.append(f"{where}.pairs: {pairs!r} is not halves or interleaved")
    several = layers is not None and len(layers) > 1
    if several and "{layer}" not in f"{file}{tensor}":
        problems.append(f"{where}.file: one file for {len(layers or ())} layers; write {{layer}}")
    if point is None or len(problems) > before:
        return None
    return Mapped(
        point=point, layers=layers, file=str(file), tensor=tensor, heads=heads,
        is_interleaved=pairs == "interleaved",
    )  # fmt: skip


def _layers(said: object) -> tuple[int, ...] | None:
    """Layers of `3` or `0-23`; empty where it is neither."""
    if said is None:
        return None
    match = _LAYERS.fullmatch(str(said))
    if match is None or isinstance(said, bool):
        return ()
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    return tuple(range(first, last + 1)) if first <= last < MOST_LAYERS else ()
