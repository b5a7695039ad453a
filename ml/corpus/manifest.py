"""The manifest of a corpus: what everything is and how it was made (spec/formats/corpus.md).

It is one JSON object, canonical, and has a digest of its own, over its bytes with that field empty,
so that a manifest that was edited is told from one that was written. A ledger keeps the digest of
the whole file.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from attrs import evolve, frozen

from ml.containers.base import legible
from ml.corpus.base import MOST_TOKENS, MOST_WINDOW
from ml.corpus.ngrams import Baseline
from ml.corpus.shards import Shard
from ml.corpus.split import SIDES
from ml.errors import FileUnreadable, MalformedFile

FORMAT: Final = "corpus/1"
MANIFEST: Final = "manifest.json"
DOCUMENTS: Final = "documents.jsonl"
TOKENIZER: Final = "tokenizer.json"
_MOST_BYTES: Final = 1 << 26
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


@frozen(kw_only=True)
class Source:
    """A folder that was read."""

    name: str
    licence: str
    files: int
    size_bytes: int
    sha256: str
    """Of lines of digest, two spaces and path, as `sha256sum` prints them."""


@frozen(kw_only=True)
class Step:
    """What became of the documents in one filter, or in a step behind them."""

    name: str
    documents: int
    """How many came in."""
    dropped: int
    changed: int


@frozen(kw_only=True)
class TokenizerFacts:
    """The tokenizer."""

    sha256: str
    tokens: int
    end_id: int
    is_trained: bool
    """Trained for this corpus, on its training side; else it was given."""


@frozen(kw_only=True)
class Side:
    """One side of the split."""

    packages: int
    documents: int
    tokens: int
    size_bytes: int
    """Of the texts."""
    distinct_ids: int
    unknown_ids: int
    entropy_bits: float
    """Of the distribution of ids, in bits a token."""


@frozen(kw_only=True)
class Windows:
    """The comparison of all windows of both sides."""

    length: int
    train: int
    held_out: int
    shared: int


@frozen(kw_only=True)
class Manifest:
    """All of it."""

    format: str
    digest: str
    inputs: str
    """Digest of what decides the corpus: settings, files, version of the tokenizer's package."""
    settings: dict[str, Any]
    versions: dict[str, str]
    sources: tuple[Source, ...]
    skipped: dict[str, int]
    steps: tuple[Step, ...]
    split_rule: str
    held_out_packages: tuple[str, ...]
    tokenizer: TokenizerFacts
    documents_sha256: str
    dtype: str
    """Of an id in the shards: `<u2` or `<u4`."""
    sides: dict[str, Side]
    shards: tuple[Shard, ...]
    windows: Windows
    baselines: tuple[Baseline, ...]
    findings: tuple[str, ...]
    """What is wrong with it, though it was built."""


@frozen(kw_only=True)
class Row:
    """One line of `documents.jsonl`: a document of the corpus, in the order of the shards."""

    path: str
    package: str
    side: str
    start: int
    """Its first id in the stream of its side."""
    tokens: int
    """Its ids, the end token among them."""
    size_bytes: int
    sha256: str
    """Of its text, in hex."""


def encode(value: object) -> bytes:
    """Return canonical JSON: keys sorted, nothing between the tokens."""
    return _ENCODER.encode(value)


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def sealed(manifest: Manifest) -> Manifest:
    """Return the manifest with its digest."""
    return evolve(manifest, digest=sha256(encode(evolve(manifest, digest=""))))


def parse(data: bytes, path: Path) -> Manifest:
    """Read a manifest's bytes; raise `MalformedFile` for what is none, or was changed."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(path, f"no manifest: {legible(str(error))}") from error
    if manifest.format != FORMAT:
        raise _malformed(path, f"format {legible(manifest.format)!r} is not {FORMAT}")
    if encode(manifest) != data:
        raise _malformed(path, "not written by this program: another form of the same JSON")
    if sealed(manifest).digest != manifest.digest:
        raise _malformed(path, "its digest does not fit: it was changed after it was written")
    if tuple(sorted(manifest.sides)) != tuple(sorted(SIDES)) or manifest.dtype not in (
        "<u2",
        "<u4",
    ):
        raise _malformed(path, "unknown sides or type of ids")
    tokens, length = manifest.tokenizer.tokens, manifest.windows.length
    if not 0 < tokens <= MOST_TOKENS or not 1 < length <= MOST_WINDOW:
        raise _malformed(path, f"{tokens} tokens, or windows of {length}, cannot be")
    for shard in manifest.shards:
        if not is_plain(shard.name) or shard.split not in SIDES or shard.tokens < 1:
            raise _malformed(path, f"shard {legible(shard.name)!r} cannot be")
    return manifest


def is_plain(name: str) -> bool:
    """Return whether a name is that of a file in this folder, and leads nowhere else."""
    return name.isascii() and name.isprintable() and "/" not in name and name.endswith(".bin")


def read(folder: Path) -> tuple[Manifest, bytes]:
    """Read the manifest of a corpus, and its bytes; raise `FileUnreadable`, `MalformedFile`."""
    path = folder / MANIFEST
    data = _content(path)
    return parse(data, path), data


def read_documents(folder: Path, manifest: Manifest) -> tuple[Row, ...]:
    """Read the list of documents; raise `MalformedFile` where it is not the manifest's."""
    path = folder / DOCUMENTS
    data = _content(path)
    if sha256(data) != manifest.documents_sha256:
        raise _malformed(path, "not the list of the manifest: its SHA-256 is another")
    try:
        rows = tuple(msgspec.json.decode(line, type=Row) for line in data.splitlines())
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _malformed(path, legible(str(error))) from error
    tokens = {side: sum(s.tokens for s in manifest.shards if s.split == side) for side in SIDES}
    for row in rows:
        is_inside = row.start >= 0 and row.tokens > 0
        if not is_inside or row.start + row.tokens > tokens.get(row.side, 0):
            raise _malformed(path, f"{legible(row.path)} lies outside the shards")
    return rows


def encode_documents(rows: tuple[Row, ...]) -> bytes:
    """Return the bytes of the list."""
    return b"".join(encode(row) + b"\n" for row in rows)


def dtype_of(manifest: Manifest) -> np.dtype[Any]:
    """Return the type of an id."""
    return np.dtype(manifest.dtype)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1 if path.name == MANIFEST else -1)
    except OSError as error:
        raise FileUnreadable(
            f"cannot read {path}: {error.strerror}",
            hint="give the folder of a corpus; `ledger run corpus build` makes one",
        ) from error
    if path.name == MANIFEST and len(data) > _MOST_BYTES:
        raise _malformed(path, "too large for a manifest")
    return data


def _malformed(path: Path, message: str) -> MalformedFile:
    return MalformedFile(message, path=path, offset=0, hint="build the corpus again")
