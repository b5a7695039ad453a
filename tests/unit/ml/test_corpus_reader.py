"""Reading a corpus as a trainer does: windows, batches, epochs."""

import numpy as np
import pytest
from corpora import small_corpus

from ml.corpus.reader import Corpus, permuted
from ml.errors import BadOption, CorpusExhausted

SEQ = 16


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A corpus in several shards."""
    built = small_corpus(tmp_path_factory.mktemp("corpus"), shard_tokens=1009)
    return Corpus.open(built.corpus.folder)


def batches(corpus, split="train", **changes):
    """Batches of four windows."""
    given = {"seq": SEQ, "batch_size": 4, "seed": 1}
    return corpus.batches(split, **(given | changes))


def test_windows_are_the_stream(corpus):
    """One after the other, over the edges of shards, without overlap."""
    stream = corpus.streams["train"]
    count = corpus.windows("train", SEQ)
    assert count == len(stream) // (SEQ + 1)
    joined = np.concatenate([corpus.window("train", SEQ, n) for n in range(count)])
    assert joined.tolist() == stream.read(0, len(joined)).tolist()
    assert joined.dtype == np.int64
    assert len(stream.parts) > 3


def test_an_epoch_has_every_window_once(corpus):
    """But for those that fill no batch; the next epoch has another order."""
    steps = batches(corpus, wrap=True)
    epochs = [
        [n for step in range(e * steps.steps, (e + 1) * steps.steps) for n in steps.numbers(step)]
        for e in range(2)
    ]
    for numbers in epochs:
        assert len(set(numbers)) == len(numbers) == steps.steps * 4
        assert 0 <= min(numbers) <= max(numbers) < steps.windows
    assert epochs[0] != epochs[1]
    assert epochs[0] != sorted(epochs[0])
    assert [steps.epoch_of(s) for s in (0, steps.steps - 1, steps.steps)] == [0, 0, 1]


def test_a_step_depends_on_its_number_alone(corpus):
    """A reader that has just been opened gives the batch that another one gave."""
    first = batches(corpus)
    assert first.batch(5).shape == (4, SEQ + 1)
    again = batches(Corpus.open(corpus.folder))
    assert again.batch(5).tolist() == first.batch(5).tolist()
    assert again.batch(5).tolist() != batches(corpus, seed=2).batch(5).tolist()
    numbers = first.numbers(5).tolist()
    expected = [corpus.window("train", SEQ, n).tolist() for n in numbers]
    assert first.batch(5).tolist() == expected


def test_the_end_is_an_error(corpus):
    """The step behind the last one is refused; asked for, it begins the next epoch."""
    steps = batches(corpus)
    assert steps.batch(steps.steps - 1).shape == (4, SEQ + 1)
    with pytest.raises(CorpusExhausted, match="beyond"):
        steps.batch(steps.steps)
    assert batches(corpus, wrap=True).batch(steps.steps).shape == (4, SEQ + 1)


@pytest.mark.parametrize(
    ("split", "changes"),
    [
        ("test", {}),
        ("train", {"seq": 0}),
        ("train", {"batch_size": 0}),
        ("train", {"batch_size": 10**6}),
        ("held_out", {"seq": 10**6}),
    ],
)
def test_what_gives_no_batches(corpus, split, changes):
    """A side that is none, no windows, more than there are."""
    with pytest.raises(BadOption):
        batches(corpus, split, **changes)
    with pytest.raises(BadOption):
        batches(corpus).batch(-1)


def test_sides_have_digests_of_their_own(corpus):
    """What a held-out loss is comparable by."""
    digests = [corpus.data_digest(side) for side in ("train", "held_out")]
    assert len({*digests, corpus.digest}) == 3
    assert corpus.vocabulary == 400


def test_what_was_proved_of_windows(corpus):
    """Sides are apart for the sequence that was asked for, and for longer ones."""
    assert [corpus.is_apart(seq) for seq in (31, 32, 33, 500)] == [False, True, True, True]


def test_the_order_is_the_same_for_ever():
    """A run of another day resumes where it was."""
    places = np.arange(10, dtype=np.uint64)
    assert permuted(places, 10, 42, 0).tolist() == GOLDEN[0]
    assert permuted(places, 10, 42, 1).tolist() == GOLDEN[1]


GOLDEN = ([5, 7, 6, 1, 2, 4, 3, 0, 9, 8], [4, 1, 2, 5, 8, 6, 0, 3, 7, 9])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16, 17, 1000, 4096])
def test_an_order_is_a_permutation(count):
    """Of any size, and far from the order of the places."""
    places = np.arange(count, dtype=np.uint64)
    for epoch in range(3):
        assert sorted(permuted(places, count, 7, epoch).tolist()) == list(range(count))
    if count > 100:
        moved = permuted(places, count, 7, 0)
        assert abs(np.corrcoef(places, moved)[0, 1]) < 0.1
        assert np.mean(np.abs(np.diff(moved)) == 1) < 0.01
