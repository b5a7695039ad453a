"""What a trainer reads a corpus with: windows of ids, in an order that needs no memory.

    corpus = Corpus.open("corpus")
    batches = corpus.batches("train", seq=128, batch_size=16, seed=1)
    inputs_and_targets = batches.batch(step)     # int64 [16, 129]

Windows follow one another without overlap; what is left at the end is too short for one. Each epoch
goes through all of them in another order, which is a function of seed and epoch: a run that resumes
needs the number of its step and nothing else. Windows that fill no batch are left out of an epoch,
each time others.
"""

from pathlib import Path
from typing import Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.containers.base import is_folder
from ml.corpus.manifest import Manifest, dtype_of, encode, read, sha256
from ml.corpus.shards import Stream, open_stream
from ml.corpus.shingles import mixed
from ml.corpus.split import SIDES
from ml.errors import BadOption, CorpusExhausted, FileUnreadable

_ROUNDS: Final = 6
_GOLDEN: Final = 0x9E3779B97F4A7C15


@frozen(kw_only=True)
class Corpus:
    """A corpus on disk, its shards mapped and of the size that the manifest says.

    Their bytes are not hashed on opening: that is `ledger run corpus check`.
    """

    folder: Path
    manifest: Manifest
    digest: str
    """SHA-256 of the manifest's bytes in hex."""
    streams: dict[str, Stream] = field(repr=False)

    @classmethod
    def open(cls, folder: Path | str) -> "Corpus":
        """Open a corpus; raise `FileUnreadable` or `MalformedFile`."""
        folder = Path(folder)
        if not is_folder(folder):
            raise FileUnreadable(f"{folder} is no folder", hint="give the folder of a corpus")
        manifest, data = read(folder)
        streams = {}
        for side in SIDES:
            shards = [shard for shard in manifest.shards if shard.split == side]
            paths = [folder / shard.name for shard in shards]
            streams[side] = open_stream(paths, [s.tokens for s in shards], dtype_of(manifest))
        return cls(folder=folder, manifest=manifest, digest=sha256(data), streams=streams)

    @property
    def vocabulary(self) -> int:
        """How many ids the tokenizer has."""
        return self.manifest.tokenizer.tokens

    def data_digest(self, split: str) -> str:
        """Return the digest of one side's shards, in hex: what a loss is comparable by."""
        names = [(s.name, s.sha256) for s in self.manifest.shards if s.split == split]
        return sha256(encode(names))

    def is_apart(self, seq: int) -> bool:
        """Return whether the build proved that no window of seq + 1 ids is on both sides.

        What holds for windows of one length holds for longer ones, not for shorter ones.
        """
        windows = self.manifest.windows
        compared = windows.train > 0 and windows.held_out > 0
        return compared and windows.shared == 0 and seq + 1 >= windows.length

    def windows(self, split: str, seq: int) -> int:
        """Return how many windows of seq + 1 ids a side has; raise `BadOption`."""
        if split not in SIDES:
            raise BadOption(f"there is no side {split!r}", hint=f"it is {' or '.join(SIDES)}")
        if seq < 1:
            raise BadOption(f"a sequence of {seq} tokens", hint="give at least 1")
        return len(self.streams[split]) // (seq + 1)

    def window(self, split: str, seq: int, number: int) -> NDArray[np.int64]:
        """Return window `number`, counted from 0: int64 [seq + 1]."""
        begin = number * (seq + 1)
        return self.streams[split].read(begin, begin + seq + 1).astype(np.int64)

    def batches(
        self, split: str, *, seq: int, batch_size: int, seed: int, wrap: bool = False
    ) -> "Batches":
        """Return batches of a side; `wrap` allows more than one epoch.

        Raises `BadOption`, also for a side with fewer windows than a batch has.
        """
        windows = self.windows(split, seq)
        if not 1 <= batch_size <= windows:
            raise BadOption(
                f"batches of {batch_size}, and {split} has {windows} windows of {seq + 1} tokens",
                hint="give a smaller batch, a shorter sequence, or more text",
            )
        return Batches(
            corpus=self,
            split=split,
            seq=seq,
            batch_size=batch_size,
            seed=seed,
            wrap=wrap,
            windows=windows,
        )


@frozen(kw_only=True)
class Batches:
    """Windows of one side, a batch a step."""

    corpus: Corpus = field(repr=False)
    split: str
    seq: int
    batch_size: int
    seed: int
    wrap: bool
    windows: int

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return self.windows // self.batch_size

    def epoch_of(self, step: int) -> int:
        """Return the epoch of a step, both counted from 0."""
        return step // self.steps

    def batch(self, step: int) -> NDArray[np.int64]:
        """Return the windows of a step: int64 [batch_size, seq + 1].

        Raises `CorpusExhausted` beyond the first epoch, unless wrapping was asked for.
        """
        rows = [self.corpus.window(self.split, self.seq, n) for n in self.numbers(step).tolist()]
        return np.stack(rows)

    def numbers(self, step: int) -> NDArray[np.int64]:
        """Return which windows a step has: int64 [batch_size]; raise `CorpusExhausted`."""
        if step < 0:
            raise BadOption(f"step {step}", hint="steps are counted from 0")
        epoch = self.epoch_of(step)
        if epoch > 0 and not self.wrap:
            raise CorpusExhausted(
                f"step {step} is beyond the {self.steps} that {self.split} has",
                hint="ask for wrapping around, or train for fewer steps",
            )
        first = (step - epoch * self.steps) * self.batch_size
        places = np.arange(first, first + self.batch_size, dtype=np.uint64)
        return permuted(places, self.windows, self.seed, epoch)


def permuted(places: NDArray[np.uint64], count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return where each place below `count` goes in the permutation of seed and epoch.

    A Feistel network of six rounds over the next power of four; what lands beyond the count goes
    through again until it does not. The same on every machine and in every version.
    """
    half = max(1, ((count - 1).bit_length() + 1) // 2)
    keys = _round_keys(seed, epoch)
    done = places.copy()
    outside = np.ones(len(places), bool)
    while outside.any():
        done[outside] = _once(done[outside], half, keys)
        outside = done >= count
    return done.astype(np.int64)


def _round_keys(seed: int, epoch: int) -> NDArray[np.uint64]:
    words = [seed & (1 << 64) - 1, epoch, *range(_ROUNDS)]
    base = mixed(np.array(words[:2], np.uint64) + np.array([1, 2], np.uint64) * np.uint64(_GOLDEN))
    start = base[:1] ^ (base[1:] * np.uint64(3))
    return mixed(start + np.array(words[2:], np.uint64) * np.uint64(_GOLDEN))


def _once(values: NDArray[np.uint64], half: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits, low = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = values >> bits, values & low
    for key in keys:
        left, right = right, left ^ (mixed(right + key) & low)
    return (left << bits) | right
