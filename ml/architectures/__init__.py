"""The architectures, and opening a model: file, config, and every tensor checked."""

from pathlib import Path

from ml.architectures.base import Architecture, Model, ModelConfig
from ml.architectures.metadata import required_text
from ml.architectures.qwen2 import QWEN2
from ml.containers import Container, open_container
from ml.errors import UnknownArchitecture, UnknownTensor

ARCHITECTURES: tuple[Architecture, ...] = (QWEN2,)

__all__ = ["ARCHITECTURES", "Architecture", "Model", "ModelConfig", "open_model"]


def open_model(path: Path) -> Model:
    """Open a model and check that it has the architecture's tensors, all of them and no other.

    Raises what opening the container raises, `UnknownArchitecture`, `UnsupportedModel`, or
    `UnknownTensor` naming every tensor that is missing, unexpected or of another shape.
    """
    container = open_container(path)
    name = required_text(container, "general.architecture")
    architecture = next((a for a in ARCHITECTURES if a.id == name), None)
    if architecture is None:
        raise UnknownArchitecture(
            f"{path.name} has the architecture {name!r}",
            hint=f"the known ones are: {', '.join(a.id for a in ARCHITECTURES)}",
        )
    config = architecture.read_config(container)
    _check_tensors(container, architecture, config)
    named = container.metadata.get("general.name")
    return Model(
        container=container,
        name=named if isinstance(named, str) and named else path.stem,
        config=config,
        tensors=container.tensors,
    )


def _check_tensors(container: Container, architecture: Architecture, config: ModelConfig) -> None:
    # Each layer has a tensor at the least: a hostile layer count must not build a huge table.
    if config.layers > len(container.tensors):
        raise UnknownTensor(
            f"{container.path.name} claims {config.layers} layers and has "
            f"{len(container.tensors)} tensors",
            hint="the file is damaged or only a part of a split model",
        )
    expected = architecture.expected_tensors(config)
    found = {name: tensor.shape for name, tensor in container.tensors.items()}
    problems = [f"{name} is missing" for name in expected if name not in found]
    problems += [f"{name} is not expected" for name in found if name not in expected]
    problems += [
        f"{name} has the shape {list(found[name])}, not {list(shape)}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    if problems:
        shown = "; ".join(problems[:20]) + ("; …" if len(problems) > 20 else "")
        raise UnknownTensor(
            f"{container.path.name} is no {architecture.id} model: {shown}",
            hint="the file is damaged, split, or of a variant that is not implemented",
        )
