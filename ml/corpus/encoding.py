"""From texts to ids: one scratch file for each side, each document followed by the end token.

Every document is turned back into bytes and held against its text; one that does not come back is
left out and counted. Ids that an earlier build of the same corpus has, by the same tokenizer, are
taken from there, after the same check.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from ml.corpus.base import Report
from ml.corpus.cleaning import Kept, Texts
from ml.corpus.manifest import Row
from ml.corpus.shards import CHUNK, Stream, open_stream
from ml.corpus.split import SIDES
from ml.corpus.vocabulary import CorpusTokenizer

#: Bytes of text that are encoded at a time: one batch of 31 MB once took 880 MB of memory.
BATCH_BYTES: Final = 4 << 20


@frozen
class Earlier:
    """What an earlier build encoded, by the SHA-256 of the text."""

    streams: Mapping[str, Stream]
    rows: Mapping[str, Row]

    def get(self, document: Kept) -> NDArray[Any] | None:
        """Return the ids of a document without its end token, or None."""
        row = self.rows.get(document.sha256)
        if row is None:
            return None
        return self.streams[row.side].read(row.start, row.start + row.tokens - 1)


@define
class Encoded:
    """The documents of one side and their ids."""

    path: Path
    dtype: np.dtype[Any]
    documents: list[tuple[Kept, int]] = field(factory=list)
    """Each with how many ids it has, the end token among them."""

    @property
    def stream(self) -> Stream:
        """The ids."""
        return open_stream([self.path], [sum(n for _, n in self.documents)], self.dtype)

    def starts(self) -> NDArray[np.int64]:
        """Return where each document begins."""
        return np.cumsum([0, *(n for _, n in self.documents)], dtype=np.int64)[:-1]

    def without(self, places: set[int], path: Path) -> "Encoded":
        """Write what is left when some documents are taken out, to another file."""
        stream, starts = self.stream, self.starts().tolist()
        left = Encoded(path, self.dtype)
        with path.open("wb") as file:
            for place, (document, count) in enumerate(self.documents):
                if place not in places:
                    begin = starts[place]
                    file.write(stream.read(begin, begin + count).tobytes())
                    left.documents.append((document, count))
        return left


@frozen
class Result:
    """Both sides, and what was done."""

    sides: dict[str, Encoded]
    not_restored: int
    """Documents that did not come back from their ids."""
    reused: int
    """Documents whose ids were there before."""


def encode(
    documents: Sequence[Kept],
    texts: Texts,
    tokenizer: CorpusTokenizer,
    folder: Path,
    earlier: Earlier | None,
    report: Report,
) -> Result:
    """Encode all documents, in their order, into `train.ids` and `held_out.ids`."""
    sides = {side: Encoded(folder / f"{side}.ids", tokenizer.dtype) for side in SIDES}
    files = {side: encoded.path.open("wb") for side, encoded in sides.items()}
    not_restored = reused = done = 0
    end = np.array([tokenizer.end_id], tokenizer.dtype)
    try:
        for batch, contents in texts.batches(documents, BATCH_BYTES):
            report("encoding", done, texts.size)
            known = [earlier.get(document) if earlier else None for document in batch]
            missing = [t.decode() for t, ids in zip(contents, known, strict=True) if ids is None]
            reused += len(batch) - len(missing)
            fresh = iter(tokenizer.encode(missing))
            for document, content, found in zip(batch, contents, known, strict=True):
                ids = next(fresh) if found is None else found
                done += len(content)
                if tokenizer.bytes_of(ids) == content:
                    files[document.side].write(ids.tobytes() + end.tobytes())
                    sides[document.side].documents.append((document, len(ids) + 1))
                else:
                    not_restored += 1
    finally:
        _close(files)
    return Result(sides, not_restored, reused)


def _close(files: Mapping[str, BinaryIO]) -> None:
    for file in files.values():
        file.close()


def histogram(stream: Stream, tokens: int) -> NDArray[np.int64]:
    """Return how often each id stands in a stream."""
    counts = np.zeros(tokens, np.int64)
    for _, ids in stream.chunks(size=CHUNK):
        counts += np.bincount(ids, minlength=tokens)
    return counts


def entropy(counts: NDArray[np.int64]) -> float:
    """Return the entropy of a distribution given by counts, in bits; 0 for an empty one."""
    shares = counts[counts > 0] / max(1, int(counts.sum()))
    return float(-(shares * np.log2(shares)).sum()) if len(shares) > 1 else 0.0
