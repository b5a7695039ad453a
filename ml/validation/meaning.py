"""What the metadata say, held against the tensors: architecture, vocabulary, types."""

from collections.abc import Iterator
from typing import Final

from ml.architectures import find_architecture, open_model
from ml.containers import Container
from ml.errors import MlError
from ml.quantise.mixtures import BY_MIXTURE
from ml.validation.base import Examined, Finding, NotApplicable

_TOKENS: Final = "tokenizer.ggml.tokens"
#: One entry a token, where they are there.
_PER_TOKEN: Final = ("tokenizer.ggml.token_type", "tokenizer.ggml.scores")
_SPECIAL: Final = ("bos", "eos", "unknown", "padding", "separator", "eot")


def architecture(examined: Examined) -> Iterator[Finding]:
    """The tensors are those of the architecture, with the shapes that the metadata give."""
    container = examined.container
    if "general.architecture" not in container.metadata:
        raise NotApplicable("the file does not say what model it is")
    try:
        find_architecture(container)
    except MlError as error:
        raise NotApplicable(str(error)) from None
    try:
        open_model(container.path)
    except MlError as error:
        yield Finding(detail=str(error))


def vocabulary(examined: Examined) -> Iterator[Finding]:
    """As many tokens as the embedding has rows, and one entry a token wherever there is a list."""
    container = examined.container
    count = _length(container, _TOKENS)
    if count is None:
        raise NotApplicable("the file has no vocabulary")
    embedding = container.tensors.get("token_embd.weight")
    if embedding is not None and embedding.shape[0] != count:
        detail = f"{count} tokens, and token_embd.weight has {embedding.shape[0]} rows"
        yield Finding(detail=detail, where=_TOKENS)
    for key in _PER_TOKEN:
        length = _length(container, key)
        if length is not None and length != count:
            yield Finding(detail=f"{length} entries for {count} tokens", where=key)
    for name in _SPECIAL:
        key = f"tokenizer.ggml.{name}_token_id"
        value = container.metadata.get(key)
        if isinstance(value, int) and not 0 <= value < count:
            yield Finding(detail=f"{value} is no token: there are {count}", where=key)


def file_type(examined: Examined) -> Iterator[Finding]:
    """`general.file_type` names a type that the matrices have."""
    container = examined.container
    value = container.metadata.get("general.file_type")
    known = {mixture.file_type: mixture for mixture in BY_MIXTURE.values()}
    if not isinstance(value, int) or value not in known:
        raise NotApplicable("the file says no type of its own that is known here")
    if not container.format.startswith("gguf"):
        raise NotApplicable("it is said of the GGUF file that this one came from")
    wanted = known[value].base
    matrices = [one for one in container.tensors.values() if len(one.shape) > 1]
    kinds = {one.quant_type.name for one in matrices}
    if matrices and wanted not in kinds:
        detail = f"{value} means {wanted}, and the matrices are {', '.join(sorted(kinds))}"
        yield Finding(detail=detail, where="general.file_type")


def _length(container: Container, key: str) -> int | None:
    """How many elements an array has; None where there is no such array."""
    if key not in container.metadata:
        return None
    return container.preview(key, 0)[1]
