"""Scorers: logits of some positions are those of a prefill, and losses are other people's."""

from pathlib import Path

import numpy as np
import pytest
from windowed_models import VARIANTS, write_gguf

from ml.passes import Settings
from ml.quality.divergence import divergence
from ml.quality.passages import Cut
from ml.quality.perplexity import perplexity
from ml.quality.settings import open_scorer
from ml.tracing import trace

FILE = Path(__file__).parents[1] / "data" / "hugging_face" / "windows_and_norms.npz"
IDS = tuple((i * 37 + i * i) % 512 for i in range(40))


def scorer_of(path, engine, **settings):
    """A scorer on the CPU."""
    return open_scorer(path, Settings(engine=engine, device="cpu", **settings)).scorer


@pytest.mark.parametrize(("engine", "activation"), [("a", "none"), ("b", "q8"), ("numpy", "none")])
def test_logits_are_those_of_a_prefill(reference, engine, activation):
    """Bit for bit, for one text after another; on the device that was observed."""
    path = reference / "tiny4-Q8_0.gguf"
    scorer = scorer_of(path, engine, activation=activation)
    for ids in (IDS[:9], IDS[5:14]):
        scorer.read(ids)
        wanted = trace(
            path, ids, engine=engine, device="cpu", activation=activation, points=["logits"],
            keep_tensors=True,
        ).tensors["logits", None]  # fmt: skip
        found = np.concatenate([scorer.logits(0, 4), scorer.logits(4, 9)])
        assert np.abs(found - wanted).max() <= 1e-6 * np.abs(wanted).max()
        assert np.array_equal(scorer.logits(0, 9), wanted)
    assert scorer.device == "cpu"


def test_transformers_says_the_same_losses(tmp_path):
    """A perplexity worked out from transformers' own logits, to 1e-6."""
    with np.load(FILE, allow_pickle=False) as vectors:
        ids, logits = vectors["ids"].tolist(), vectors["qwen3 window/logits"].astype(np.float64)
    wanted = [
        np.log(np.exp(row).sum()) - row[token] for row, token in zip(logits, ids[1:], strict=False)
    ]
    path = write_gguf(VARIANTS["qwen3 window"], tmp_path / "model.gguf")
    for engine in ("numpy", "a"):
        found = perplexity(scorer_of(path, engine), ids, Cut(context=24, stride=12), 96)
        assert found.losses == pytest.approx(wanted, abs=1e-5)
        assert found.perplexity == pytest.approx(np.exp(np.mean(wanted)), rel=1e-6)
        assert found.scored == 23


def test_passages_are_scored_with_their_own_context(reference):
    """The losses of a strided text are those of each passage read by itself."""
    scorer = scorer_of(reference / "tiny4-f16.gguf", "numpy")
    whole = perplexity(scorer, IDS, Cut(context=16, stride=8), 512)
    first = perplexity(scorer, IDS[:16], Cut(context=16, stride=8), 512)
    second = perplexity(scorer, IDS[8:24], Cut(context=16, stride=8), 512)
    assert np.array_equal(whole.losses[:15], first.losses)
    assert np.array_equal(whole.losses[15:23], second.losses[7:])
    assert (whole.scored, whole.passages) == (39, 4)
    assert whole.bits_per_byte(80) == pytest.approx(
        whole.nats_per_token * 39 / np.log(2) / (80 * 39 / 40)
    )


def test_a_model_does_not_part_from_itself(reference):
    """Divergence 0 and agreement 1; from a coarser packing of itself it parts further."""
    f16, q8, q4 = (
        scorer_of(reference / f"tiny4-{name}.gguf", "numpy") for name in ("f16", "Q8_0", "Q4_K_M")
    )
    cut = Cut(context=40, stride=20)
    same = divergence((f16, f16), IDS, cut, 512)
    assert (same.mean, same.largest[0], same.agreement) == (0.0, 0.0, 1.0)
    assert same.agreement_interval[0] < 1.0
    near, far = (divergence((f16, other), IDS, cut, 512) for other in (q8, q4))
    assert 0 < near.mean < far.mean / 10
    assert near.agreement >= far.agreement
    assert far.quantile(0.5) <= far.quantile(0.99) <= far.largest[0]
    lost = (
        perplexity(q4, IDS, cut, 512).nats_per_token - perplexity(f16, IDS, cut, 512).nats_per_token
    )
    assert far.differences.mean() == pytest.approx(lost, abs=1e-9)
