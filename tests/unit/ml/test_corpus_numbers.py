"""What is computed of a corpus: windows of both sides, baselines, entropy; against slow ways."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from corpora import silent

from ml.corpus import ngrams, shards, windows
from ml.corpus.encoding import entropy, histogram
from ml.corpus.shards import Stream

U2 = np.dtype("<u2")


def stream(*parts):
    """A stream of parts."""
    return Stream([np.array(part, U2) for part in parts], U2)


def drawn(seed, count, tokens=20):
    """Ids, small ones more often than large ones."""
    generator = np.random.default_rng(seed)
    return (generator.random(count) ** 2 * tokens).astype(U2)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks so small that edges fall everywhere."""
    for module in (shards, windows, ngrams):
        monkeypatch.setattr(module, "CHUNK", 37)
    monkeypatch.setattr(Stream.chunks, "__defaults__", (0, 37))
    monkeypatch.setattr(windows, "_HELD", 23)
    monkeypatch.setattr(ngrams, "_SCORED", 41)


def slow_overlap(train, held_out, length):
    """Places in `train` of windows that `held_out` has too."""
    there = {tuple(held_out[i : i + length]) for i in range(len(held_out) - length + 1)}
    return [i for i in range(len(train) - length + 1) if tuple(train[i : i + length]) in there]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 60])
def test_shared_windows(length):
    """Every place of both sides is looked at, over the edges of chunks."""
    train, held_out = drawn(1, 500).tolist(), drawn(2, 200).tolist()
    train[200:280] = held_out[90:170]
    found = windows.overlap(stream(train[:123], train[123:]), stream(held_out), length)
    assert found.places.tolist() == slow_overlap(train, held_out, length)
    assert (found.train, found.held_out) == (501 - length, 201 - length)
    assert len(found.places) > 0


def test_no_window_to_compare():
    """A side that is shorter than a window has none, and shares none."""
    found = windows.overlap(stream([1, 2, 3]), stream([1, 2, 3, 4]), 4)
    assert (found.places.tolist(), found.train, found.held_out) == ([], 0, 1)
    assert windows.overlap(stream([]), stream([]), 2).held_out == 0


def test_windows_of_zeros():
    """Ids of 0 count like others: windows of another length or place are others."""
    assert len(windows.overlap(stream([0] * 9), stream([0] * 4), 4).places) == 6
    assert len(windows.overlap(stream([0, 0, 1, 0]), stream([0, 1, 1, 0]), 3).places) == 0


def slow_losses(train, held_out, size):
    """Sums of nats of the four models, as the page has the formulas, with Counters."""
    one, two = Counter(train), Counter(itertools.pairwise(train))
    three = Counter(zip(train, train[1:], train[2:], strict=False))
    context1 = Counter(a for a, _ in two.elements())
    context2 = Counter((a, b) for a, b, _ in three.elements())
    totals = [0.0] * 4
    for place, token in enumerate(held_out):
        p = [1 / size, (one[token] + 1) / (len(train) + size)]
        p.append(p[1])
        if place > 0:
            b = held_out[place - 1]
            p[2] = (two[b, token] + 128 * p[1]) / (context1[b] + 128)
        p.append(p[2])
        if place > 1:
            a = held_out[place - 2]
            p[3] = (three[a, b, token] + 32 * p[2]) / (context2[a, b] + 32)
        totals = [total - math.log(x) for total, x in zip(totals, p, strict=True)]
    return totals


@pytest.mark.usefixtures("small_chunks")
def test_baselines():
    """The same numbers as a slow count, in nats a token and bits a byte."""
    train, held_out = drawn(3, 1000).tolist(), drawn(4, 150).tolist()
    parts = stream(train[:77], train[77:300], train[300:])
    found = ngrams.baselines(parts, stream(held_out[:20], held_out[20:]), 25, 600, silent)
    slow = slow_losses(train, held_out, 25)
    assert [loss.name for loss in found] == ["uniform", "unigram", "bigram", "trigram"]
    for loss, nats in zip(found, slow, strict=True):
        assert loss.nats_per_token == pytest.approx(nats / 150, rel=1e-12)
        assert loss.bits_per_byte == pytest.approx(nats / math.log(2) / 600, rel=1e-12)
    assert found[0].nats_per_token == pytest.approx(math.log(25))


def test_baselines_are_distributions():
    """What a model gives all ids behind one context sums to one; for unseen contexts too."""
    train = drawn(5, 400, 9)
    whole, size = stream(train), 12
    ones = histogram(whole, size)
    for a, b in [(0, 0), (int(train[-2]), int(train[-1])), (11, 3), (11, 11)]:
        given = [
            ngrams.probabilities(whole, ones, np.array([a, b, c], U2))[:, 2] for c in range(size)
        ]
        assert np.sum(given, axis=0) == pytest.approx(1)


def test_what_is_known_costs_less():
    """On text with structure, a longer context does not hurt."""
    train = ([1, 2, 3, 4, 5, 6] * 400)[:2000]
    found = ngrams.baselines(stream(train), stream(train[:300]), 300, 900, silent)
    losses = [loss.nats_per_token for loss in found]
    assert losses == sorted(losses, reverse=True)
    assert losses[3] < 0.5 < losses[1]


@pytest.mark.parametrize(
    ("counts", "bits"), [([], 0), ([5], 0), ([1, 1], 1), ([2, 0, 2, 4], 1.5), ([3] * 256, 8)]
)
def test_entropy(counts, bits):
    """In bits; of nothing, and of one id, none."""
    assert entropy(np.array(counts, np.int64)) == pytest.approx(bits)
