"""Scoring a text: cutting it, log probabilities, intervals, and when two models are comparable."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_models import small_model

from ml.architectures import open_model
from ml.errors import BadOption, BadPrompt
from ml.quality import intervals
from ml.quality.divergence import kl
from ml.quality.likelihood import likeliest, log_probabilities, losses, pieces
from ml.quality.passages import Cut, Passage, check_text, choose_cut, passages
from ml.quality.vocabularies import check_one_vocabulary, tokenizer_digest


@given(total=st.integers(2, 300), context=st.integers(2, 40), stride=st.integers(1, 40))
def test_each_token_is_scored_once_with_context(total, context, stride):
    """All but the first; with a stride as long as the context, all but the first of a passage."""
    cut = Cut(context=context, stride=min(stride, context))
    found = passages(total, cut)
    scored = [t for p in found for t in range(p.first, p.end)]
    lost = {p * context for p in range(total)} if cut.stride == context else {0}
    assert scored == [t for t in range(total) if t not in lost]
    for passage in found:
        assert passage.end - passage.begin <= context
        assert passage.begin < passage.first < passage.end
        if passage.begin:
            assert passage.first - passage.begin >= max(1, context - cut.stride)


def test_cuts_that_cannot_be(tmp_path):
    """A context beyond the model's, and a stride that would lose tokens."""
    config = open_model(small_model(tmp_path / "m.gguf")).config
    assert choose_cut(config, None, None) == Cut(context=256, stride=128)
    for context, stride in ((257, None), (1, None), (8, 9), (8, 0)):
        with pytest.raises(BadOption):
            choose_cut(config, context, stride)
    for ids in ((1,), (), (1, 96), (1, -1)):
        with pytest.raises(BadPrompt):
            check_text(ids, config)
    assert check_text([1, 95], config) == (1, 95)


def test_log_probabilities_by_hand():
    """Large logits do not overflow, -inf is a probability of 0, NaN spoils its row alone."""
    logits = np.array([[0, math.log(3)], [1000, 1000], [-np.inf, 5], [np.nan, 0]], dtype=np.float32)
    found = log_probabilities(logits)
    assert np.exp(found[0]) == pytest.approx([0.25, 0.75], rel=1e-7)
    assert found[1] == pytest.approx([math.log(0.5)] * 2)
    assert found[2].tolist() == [-math.inf, 0.0]
    assert np.isnan(found[3]).all()
    assert losses(logits[:2], [1, 0]) == pytest.approx([-math.log(0.75), math.log(2)])
    assert likeliest(logits).tolist() == [1, 0, 1, 1]


def test_pieces_are_bounded_and_cover_what_is_scored():
    """One position at a time where the vocabulary is larger than a piece may be."""
    passage = Passage(begin=4, first=7, end=12)
    assert list(pieces(passage, 1 << 25)) == [(7, 8), (8, 9), (9, 10), (10, 11), (11, 12)]
    assert list(pieces(passage, 512)) == [(7, 12)]


def test_divergence_by_hand():
    """0 for equal rows, and infinite where b rules out what a holds possible, not the reverse."""
    with np.errstate(divide="ignore"):
        a, b = np.log([[0.5, 0.5], [0.5, 0.5], [1, 0]]), np.log([[0.5, 0.5], [1, 0], [0.5, 0.5]])
    assert kl(a, b).tolist() == [0.0, math.inf, pytest.approx(math.log(2))]


def test_blocks_do_not_cross_passages():
    """Up to 64 neighbours each."""
    sums, counts = intervals.block_sums(np.ones(200), np.array([0, 100]))
    assert counts.tolist() == [64, 36, 64, 36]
    assert sums.tolist() == counts.tolist()


def test_the_interval_covers_as_often_as_it_says():
    """Of 400 samples of correlated noise, some 95 % of the intervals hold the true mean."""
    random, covered = np.random.default_rng(3), 0
    for _ in range(400):
        noise = random.normal(size=64 * 30 + 7)
        values = np.convolve(noise, np.ones(8), "valid") + 2.0  # neighbours are alike
        found = intervals.of_mean(*intervals.block_sums(values, np.array([0])))
        assert found is not None
        covered += found[0] <= 2.0 <= found[1]
    assert 0.90 <= covered / 400 <= 0.98


def test_drawing_tokens_one_by_one_would_cover_too_seldom():
    """The reason for blocks: with blocks of one, under four in five of the same samples."""
    random, covered = np.random.default_rng(3), 0
    for _ in range(100):
        values = np.convolve(random.normal(size=64 * 30 + 7), np.ones(8), "valid") + 2.0
        found = intervals.of_mean(values, np.ones_like(values))
        assert found is not None
        covered += found[0] <= 2.0 <= found[1]
    assert covered / 100 < 0.8


def test_where_there_is_no_interval():
    """Too few blocks, or a loss that is infinite."""
    few = np.ones(7)
    assert intervals.of_mean(few, few) is None
    assert intervals.of_mean(np.array([*few, math.inf]), np.ones(8)) is None
    assert intervals.of_mean(np.ones(8), np.ones(8)) == (1.0, 1.0)


@given(n=st.integers(1, 2000), share=st.floats(0, 1))
def test_wilson_stays_within_0_and_1_and_holds_the_share(n, share):
    """Also where all or none of them hit."""
    hits = round(n * share)
    low, high = intervals.wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
    assert low < high


def test_wilson_of_no_share():
    """More hits than tries, or no try at all."""
    for hits, n in ((2, 1), (-1, 3), (0, 0)):
        with pytest.raises(ValueError, match="no share"):
            intervals.wilson(hits, n)


def test_vocabularies_that_differ(tmp_path, monkeypatch):
    """Other sizes, or one size and other tokens; a change of weights changes no digest."""
    one = open_model(small_model(tmp_path / "one.gguf"))
    other = open_model(small_model(tmp_path / "other.gguf", quant_type="Q8_0"))
    digest = tokenizer_digest(one.container)
    assert digest is not None
    assert digest == tokenizer_digest(other.container)
    check_one_vocabulary(one, other)
    monkeypatch.setattr("small_models.VOCABULARY", 95)
    smaller = open_model(small_model(tmp_path / "smaller.gguf"))
    with pytest.raises(BadOption, match="incomparable: vocabularies of 96 and 95"):
        check_one_vocabulary(one, smaller)
    data = (tmp_path / "one.gguf").read_bytes()
    (tmp_path / "renamed.gguf").write_bytes(data.replace(b"t17", b"T17"))
    with pytest.raises(BadOption, match="incomparable: tokenizers"):
        check_one_vocabulary(one, open_model(tmp_path / "renamed.gguf"))
