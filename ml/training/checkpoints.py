"""Checkpoints: the state of a training as one file, safetensors or APR v2, its hash, and back.

Tensors are `weights/NAME`, `first/NAME` and `second/NAME` (AdamW's moments), float32; the metadata
has the format, the steps taken, the settings as canonical JSON, the digest of the state, which
covers every one of these, the held-out losses so far, which the gates of the run go by, and the
losses of one fixed batch under this state: what is loaded must give them again. A file is written
beside and renamed over, so one that has its name is whole; reading it computes the digest again.
Nothing else is needed to go on: the order of the data follows from the seed and the number of the
step.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from ml.containers.apr import AprFile, open_apr
from ml.containers.apr_writing import write_apr
from ml.containers.dtypes import DTYPES
from ml.containers.safetensors import SafetensorsFile, open_safetensors
from ml.containers.safetensors_writing import write_safetensors
from ml.containers.writing import OutgoingTensor, whole_file
from ml.errors import MalformedFile, MlError
from ml.training.evaluation import Evaluation
from ml.training.presets import Preset
from ml.training.settings import Settings
from ml.training.trainer import PARTS, State

_Write = Callable[[BinaryIO, Mapping[str, str], list[OutgoingTensor]], None]
FORMAT: Final = "research-ledger/training-state/1"
_NAME: Final = re.compile(r"step-(\d{8})\.(safetensors|apr)")
#: What a checkpoint can be, by the ending of its name, and what writes it.
CONTAINERS: Final[Mapping[str, _Write]] = {"safetensors": write_safetensors, "apr": write_apr}
_HINT: Final = "take another checkpoint of the run; this file is not as it was written"


@frozen(kw_only=True)
class Checkpoint:
    """A checkpoint as a file."""

    path: Path
    step: int
    """Steps taken."""
    digest: str
    """SHA-256 of the file, hex."""
    state: str
    """SHA-256 of the state, hex (`State.digest`)."""
    size_bytes: int


def path_of(folder: Path, step: int, container: str = "safetensors") -> Path:
    """Return where the checkpoint after so many steps lies."""
    return folder / f"step-{step:08d}.{container}"


@frozen(kw_only=True)
class Resumption:
    """What a checkpoint holds: all that a run needs to go on."""

    settings: Settings
    state: State
    evaluations: tuple[Evaluation, ...]
    """The evaluations of the run up to there."""
    fixed: tuple[float, ...] = ()
    """Losses of the fixed batch's windows under this state; empty where none were kept."""


def write_checkpoint(
    folder: Path,
    settings: Settings,
    state: State,
    evaluations: Sequence[Evaluation] = (),
    fixed: Sequence[float] = (),
    container: str = "safetensors",
) -> Checkpoint:
    """Write the state into a folder of checkpoints; raise `FileUnwritable`.

    The same state gives the same bytes, and one that is there already is written over. The
    container is one of `CONTAINERS`.
    """
    path = path_of(folder, state.step, container)
    metadata = {
        "fixed_batch": json.dumps(list(fixed)),
        "format": FORMAT,
        "held_out": json.dumps([[e.step, *e.losses.tolist()] for e in evaluations]),
        "settings": settings_text(settings),
        "state": state.digest(),
        "step": str(state.step),
    }
    tensors = [
        _outgoing(f"{part}/{name}", array)
        for part in PARTS
        for name, array in state.parts[part].items()
    ]
    with whole_file(path, is_forced=True) as (file, _):
        CONTAINERS[container](file, metadata, tensors)
    return Checkpoint(
        path=path,
        step=state.step,
        digest=_digest(path),
        state=metadata["state"],
        size_bytes=path.stat().st_size,
    )


def read_checkpoint(path: Path) -> Resumption:
    """Read a checkpoint and verify its state.

    Raises `MalformedFile` for one that is not as it was written, and what opening it raises.
    """
    opened: AprFile | SafetensorsFile
    metadata: Mapping[str, object]
    if path.suffix == ".apr":
        opened = open_apr(path)
        metadata = opened.document
        opened.digest()  # a large file's footer is checked here
    else:
        opened = open_safetensors(path)
        metadata = opened.metadata
    if metadata.get("format") != FORMAT:
        raise _damaged(path, f"its format is {metadata.get('format')!r}, not {FORMAT}")
    parts: dict[str, dict[str, NDArray[np.float32]]] = {part: {} for part in PARTS}
    for name, info in opened.tensors.items():
        part, _, weight = name.partition("/")
        if part not in parts or info.quant_type.name != "F32":
            raise _damaged(path, f"a tensor {name} of type {info.quant_type.name}")
        raw = opened.tensor_bytes(name)
        parts[part][weight] = np.array(raw).view("<f4").reshape(info.shape)
    try:
        settings = read_settings(str(metadata["settings"]))
        state = State(step=int(str(metadata["step"])), parts=parts)
        digest = state.digest()
        evaluations = tuple(_evaluation(row) for row in json.loads(str(metadata["held_out"])))
        fixed = tuple(float(loss) for loss in json.loads(str(metadata["fixed_batch"])))
    except (KeyError, TypeError, ValueError, MlError) as error:
        raise _damaged(path, f"its metadata: {error}") from error
    if digest != metadata["state"]:
        raise _damaged(path, f"the state is {digest[:12]}, the file says {metadata['state']!s:.12}")
    return Resumption(settings=settings, state=state, evaluations=evaluations, fixed=fixed)


def _evaluation(row: list[float]) -> Evaluation:
    step, *losses = row
    return Evaluation(step=int(step), losses=np.array(losses, dtype=np.float64))


def all_in(folder: Path) -> list[tuple[int, Path]]:
    """Return the checkpoints in a folder, each with its steps, by steps."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.glob("step-*"))
    return sorted((int(name[1]), path) for name, path in found if name is not None)


def latest(folder: Path) -> Path | None:
    """Return the checkpoint of the most steps in a folder, or None."""
    found = all_in(folder)
    return found[-1][1] if found else None


def settings_text(settings: Settings) -> str:
    """Return settings as canonical JSON."""
    return json.dumps(settings.record(), sort_keys=True, separators=(",", ":"))


def read_settings(text: str) -> Settings:
    """Read settings back. Raises `TypeError`, `ValueError` or `BadOption` for others."""
    fields: dict[str, Any] = json.loads(text)
    return Settings(**{**fields, "preset": Preset(**fields["preset"])})


def _outgoing(name: str, array: NDArray[np.float32]) -> OutgoingTensor:
    data = np.ascontiguousarray(array, dtype="<f4")
    return OutgoingTensor(
        name=name,
        shape=data.shape,
        quant_type=DTYPES["F32"],
        pieces=lambda: [data.tobytes()],
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: Path, what: str) -> MalformedFile:
    return MalformedFile(what, path=path, offset=0, hint=_HINT)
