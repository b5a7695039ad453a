"""The JSON of an APR file: walked once, decoded value by value; and its keys as GGUF calls them.

A file that this program wrote has GGUF's own pairs with it (`gguf_pairs`), and they are what an
architecture reads. Of other files the keys in `_ROWS` are mapped; the rest stands under `apr.`.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from ml.containers.base import shortened
from ml.containers.gguf_pairs import CARRIED, LARGEST_CARRIED, Pair, read_carried
from ml.containers.gguf_values import LazyArray, LazyText
from ml.containers.json_text import JsonCursor
from ml.errors import MalformedFile

LONGEST_KEY: Final = 4096
#: Bytes of JSON of one value that is decoded when it is only to be shown.
LARGEST_SHOWN: Final = 1 << 16
#: Members of the whole: a real file has some fifty.
MOST_KEYS: Final = 4096

#: APR's key -> (GGUF's, {} for the architecture; its type there).
ROWS: Final[Mapping[str, tuple[str, str]]] = {
    "architecture": ("general.architecture", "string"),
    "name": ("general.name", "string"),
    "description": ("general.description", "string"),
    "author": ("general.author", "string"),
    "license": ("general.license", "string"),
    "version": ("general.version", "string"),
    "hidden_size": ("{}.embedding_length", "u32"),
    "num_layers": ("{}.block_count", "u32"),
    "num_heads": ("{}.attention.head_count", "u32"),
    "num_kv_heads": ("{}.attention.head_count_kv", "u32"),
    "vocab_size": ("{}.vocab_size", "u32"),
    "intermediate_size": ("{}.feed_forward_length", "u32"),
    "max_position_embeddings": ("{}.context_length", "u32"),
    "rope_theta": ("{}.rope.freq_base", "f32"),
    "rms_norm_eps": ("{}.attention.layer_norm_rms_epsilon", "f32"),
    "head_dim": ("{}.attention.key_length", "u32"),
    "num_experts": ("{}.expert_count", "u32"),
    "chat_template": ("tokenizer.chat_template", "string"),
}
#: Kept by the reader, and no metadata of the model.
_INNER: Final = (CARRIED, "gguf_tensor_order")
PREFIX: Final = "apr."


@frozen
class Document(Mapping[str, Any]):
    """The members of the JSON object; a value is decoded each time it is asked for."""

    path: Path
    data: memoryview
    spans: Mapping[str, tuple[int, int]]

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - JSON of any form
        start, end = self.spans[key]
        try:
            return json.loads(bytes(self.data[start:end]))
        except (ValueError, RecursionError) as error:
            raise MalformedFile(
                f"metadata, {key[:80]!r}: {error}", path=self.path, offset=start, hint=HINT
            ) from None

    def size(self, key: str) -> int:
        """Return how many bytes the JSON of a value has."""
        start, end = self.spans[key]
        return end - start

    def __iter__(self) -> Iterator[str]:
        return iter(self.spans)

    def __len__(self) -> int:
        return len(self.spans)


HINT: Final = "the file is damaged or no APR file: fetch or convert it again and compare its digest"


def read_document(path: Path, data: memoryview, start: int, size: int) -> Document:
    """Walk the metadata, and check that it is one JSON object."""
    cursor = JsonCursor(path, data, start, start + size, HINT)
    spans: dict[str, tuple[int, int]] = {}
    for _, key in cursor.members("the metadata", LONGEST_KEY, MOST_KEYS):
        cursor.peek()
        at = cursor.offset
        if key == CARRIED:
            cursor.text(f"metadata, {key}", LARGEST_CARRIED)
        else:
            cursor.skip(f"metadata, {key[:80]!r}", LONGEST_KEY)
        spans[key] = at, cursor.offset
    if cursor.peek():
        raise cursor.fail("the metadata goes on after its last '}'")
    return Document(path, data, spans)


@frozen
class AprMetadata(Mapping[str, object]):
    """Metadata under GGUF's keys: carried ones, or those mapped from the document."""

    document: Document
    carried: Mapping[str, object]
    """Values as GGUF has them, long ones undecoded; empty where the file has none."""
    pairs: tuple[Pair, ...]
    mapped: Mapping[str, str]
    """By key: the document's own."""

    def __getitem__(self, key: str) -> object:
        if key in self.carried:
            value = self.carried[key]
            return value.decode() if isinstance(value, LazyArray | LazyText) else value
        value = self.document[self.mapped[key]]
        is_single = ROWS.get(self.mapped[key], ("", ""))[1] == "f32"
        return _float32(value) if is_single else value

    def preview(self, key: str, most: int) -> tuple[object, int | None]:
        """Return a value, of an array its first elements and its length."""
        value = self.carried.get(key)
        if isinstance(value, LazyArray):
            return tuple(value.decode(most)), value.count
        if key not in self.carried and self.document.size(self.mapped[key]) > LARGEST_SHOWN:
            return f"{self.document.size(self.mapped[key])} bytes of JSON", None
        return shortened(self[key], most)

    def __iter__(self) -> Iterator[str]:
        yield from self.carried
        yield from self.mapped

    def __len__(self) -> int:
        return len(self.carried) + len(self.mapped)


def to_metadata(document: Document) -> AprMetadata:
    """Return the metadata of a document; raise `MalformedFile` where carried pairs are damaged."""
    carried: Mapping[str, object] = {}
    pairs: list[Pair] = []
    if CARRIED in document:
        text = document[CARRIED]
        carried, pairs = read_carried(document.path, text if isinstance(text, str) else "")
    mapped: dict[str, str] = {}
    architecture = _architecture(document)
    for key in document:
        if key in _INNER or _is_absent(document, key):
            continue
        row = ROWS.get(key)
        ours = f"{PREFIX}{key}" if row is None or carried else row[0].format(architecture)
        if ours not in carried:
            mapped[ours] = key
    if not carried and architecture and "architecture" not in document:
        mapped["general.architecture"] = "model_type"
    return AprMetadata(document, carried, tuple(pairs), mapped)


def _architecture(document: Document) -> str:
    """Return what the file says it is; empty where it says nothing."""
    for key in ("architecture", "model_type"):
        if key in document and document.size(key) < LONGEST_KEY:
            value = document[key]
            if isinstance(value, str) and value:
                return value
    return ""


def _is_absent(document: Document, key: str) -> bool:
    return document.size(key) == len(b"null") and document[key] is None


def _float32(value: object) -> object:
    """A number as float32 has it, as GGUF keeps it; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return float("inf")
    return float(rounded)
