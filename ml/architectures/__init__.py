"""The architectures, and opening a model: file, config, and every tensor checked."""

from pathlib import Path

from ml.architectures.base import Architecture, Model, ModelConfig
from ml.architectures.llama import LLAMA
from ml.architectures.metadata import required_text
from ml.architectures.mistral import MISTRAL
from ml.architectures.qwen2 import QWEN2
from ml.architectures.qwen3 import QWEN3
from ml.containers import Container, open_container
from ml.errors import UnknownArchitecture, UnknownTensor

ARCHITECTURES: tuple[Architecture, ...] = (QWEN2, QWEN3, LLAMA, MISTRAL)

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Model",
    "ModelConfig",
    "find_architecture",
    "is_permuted_file",
    "open_model",
]


def open_model(path: Path) -> Model:
    """Open a model and check that it has the architecture's tensors, all of them and no other.

    Raises what opening the container raises, `UnknownArchitecture`, `UnsupportedModel`, or
    `UnknownTensor` naming every tensor that is missing, unexpected or of another shape.
    """
    container = open_container(path)
    architecture = find_architecture(container)
    config = architecture.read_config(container)
    _check_tensors(container, architecture, config)
    named = container.metadata.get("general.name")
    return Model(
        container=container,
        name=named if isinstance(named, str) and named else path.stem,
        config=config,
        tensors=container.tensors,
        is_permuted=is_permuted_file(container, architecture),
    )


def find_architecture(container: Container) -> Architecture:
    """Return the architecture that a file names; raise `UnknownArchitecture` or its like."""
    name = required_text(container, "general.architecture")
    for architecture in ARCHITECTURES:
        if architecture.id == name:
            return architecture
    raise UnknownArchitecture(
        f"{container.path.name} has the architecture {name!r}",
        hint=f"the known ones are: {', '.join(a.id for a in ARCHITECTURES)}",
    )


def is_permuted_file(container: Container, architecture: Architecture) -> bool:
    """Return whether the rows of q and k are permuted: in GGUF files of some architectures."""
    return architecture.is_permuted_in_gguf and container.format.startswith("gguf")


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
