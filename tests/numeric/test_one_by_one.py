"""One token after the other over the cache: the numbers of the prefill, and a cache that moves."""

import numpy as np
import pytest
from tinygrad import Tensor, TinyJit, dtypes
from tinygrad.helpers import getenv

from ml.architectures import open_model
from ml.engines.tinygrad_cache import Cache
from ml.engines.tinygrad_one_by_one import plain_kernels
from ml.errors import BadOption
from ml.points import ALL_POINTS
from ml.self_check import self_check
from ml.tinygrad_devices import fixed_settings
from ml.tracing import run, trace

IDS = tuple((i * 37 + i * i) % 512 for i in range(64))
# Model, engine, quantisation of activations, tokens.
WAYS = [
    ("f16", "a", "none", 64),
    ("Q8_0", "b", "none", 9),
    ("Q4_K_M", "b", "q8", 9),
    ("f16", "numpy", "none", 64),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "engine", "activation", "tokens"), WAYS)
@pytest.mark.parametrize("kv", ["f32", "f16"])
def test_the_self_check_holds(reference, model, engine, activation, tokens, kv):
    """Every point of every token: bit-equal in tinygrad on the CPU, all but equal in numpy."""
    checked = self_check(
        reference / f"tiny4-{model}.gguf",
        IDS[:tokens],
        engine=engine,
        device="cpu",
        kv=kv,
        activation=activation,
    )
    assert checked.agrees
    assert len(checked.points) == 83
    assert checked.largest.distance <= 1e-7, checked.largest
    assert checked.argmax_differences == ()


@pytest.mark.parametrize("engine", ["a", "numpy"])
def test_rows_and_tensors_are_those_of_the_prefill(reference, engine):
    """Statistics and sketch a row, full activations, logits; the path says how it was batched."""
    options = {"engine": engine, "device": "cpu", "keep_tensors": True}
    path = reference / "tiny4-f16.gguf"
    at_once = trace(path, IDS[:9], **options)
    stepped = trace(path, IDS[:9], batching="one by one", **options)
    assert stepped.identity == at_once.identity
    assert {k for k, v in stepped.path.items() if v != at_once.path[k]} == {"batching"}
    assert (at_once.path["batching"], stepped.path["batching"]) == ("prefill", "one by one")
    for place, tensor in at_once.tensors.items():
        assert np.abs(stepped.tensors[place] - tensor).max() <= 1e-6 * np.abs(tensor).max()
    for ours, theirs in zip(stepped.points, at_once.points, strict=True):
        assert ours.all.mean == pytest.approx(theirs.all.mean, abs=1e-6 * theirs.all.rms)
        assert ours.last.rms == pytest.approx(theirs.last.rms, rel=1e-6)
    assert stepped.generated == ()


@pytest.mark.parametrize("engine", ["a", "numpy"])
@pytest.mark.parametrize("kv", ["f32", "f16"])
def test_traced_and_plain_logits_are_bit_equal(reference, engine, kv):
    """As in a prefill: neither statistics nor what is captured changes a bit."""
    model = open_model(reference / "tiny4-f16.gguf")
    passes = [
        run(
            model,
            IDS[:9],
            engine=engine,
            device="cpu",
            kv=kv,
            batching="one by one",
            points=chosen,
            statistics=statistics,
        )[1].logits.tobytes()
        for chosen, statistics in ((ALL_POINTS, True), (["ffn_silu"], True), (ALL_POINTS, False))
    ]
    assert len(set(passes)) == 1


@pytest.mark.parametrize("engine", ["a", "b"])
def test_the_cache_rounds_to_halves(reference, engine):
    """What the f16 cache gives is numpy's f16 cache, and not the f32 one."""
    mixes = {}
    for name, kv in ((engine, "f16"), (engine, "f32"), ("numpy", "f16")):
        result = trace(
            reference / "tiny4-Q8_0.gguf",
            IDS[:9],
            engine=name,
            device="cpu",
            kv=kv,
            batching="one by one",
            points=["attn_mix"],
            keep_tensors=True,
        )
        mixes[name, kv] = result.tensors["attn_mix", 0].astype(np.float64)
    wanted = mixes["numpy", "f16"]
    near, far = (np.sqrt(((mixes[engine, kv] - wanted) ** 2).mean()) for kv in ("f16", "f32"))
    assert near <= 1e-5 * wanted.std()
    assert far > 1e-4 * wanted.std()


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float16])
def test_the_cache_is_written_in_place_step_by_step(dtype):
    """Each write, replayed ones too, puts its row into the same buffer and leaves the others."""
    with fixed_settings("CPU"):
        cache = Cache.empty(6, 4, dtype, "CPU")
        buffers = [t.uop.base.realized for t in (cache.keys, cache.values)]

        def write(position: Tensor, k: Tensor, v: Tensor) -> Tensor:
            cache.write(position, k, v)
            return (cache.keys + cache.values).cast(dtypes.float32).contiguous()

        step = TinyJit(write)
        wanted = np.zeros((2, 6, 4), dtype=np.float32)
        for position in (0, 1, 2, 3, 5):
            rows = [np.full((1, 4), 1 + position + 10 * part, np.float32) for part in range(2)]
            wanted[:, position] = np.concatenate(rows)
            at = Tensor(np.array([position], dtype=np.int32), device="CPU").realize()
            seen = step(at, *(Tensor(row, device="CPU").realize() for row in rows))
            assert np.array_equal(seen.numpy(), wanted.sum(axis=0)), position
            for kept, buffer, numbers in zip(cache_of(cache), buffers, wanted, strict=True):
                assert kept.uop.base.realized is buffer
                assert np.array_equal(kept.numpy().astype(np.float32), numbers)


def cache_of(cache):
    """Keys, then values."""
    return (cache.keys, cache.values)


def test_the_environment_searches_for_no_kernel(monkeypatch):
    """JITBEAM would replace kernels by faster ones, which sum in another order."""
    monkeypatch.setenv("JITBEAM", "2")
    getenv.cache_clear()
    assert getenv("JITBEAM", 0) == 2
    with plain_kernels():
        assert getenv("JITBEAM", 0) == 0
    assert getenv("JITBEAM", 0) == 2
    monkeypatch.undo()
    getenv.cache_clear()


@pytest.mark.parametrize("fault", ["stale slot", "slot too late"])
def test_a_cache_that_is_wrong_is_found(reference, monkeypatch, fault):
    """The self-check names the first attention behind it, at the first token that could see it."""
    honest = Cache.write

    def stale(self: Cache, position: Tensor, k: Tensor, v: Tensor) -> None:
        honest(self, position, k, v * (position != 3).reshape(1, 1).cast(dtypes.float32))

    def late(self: Cache, position: Tensor, k: Tensor, v: Tensor) -> None:
        honest(self, position + (position == 3).cast(dtypes.int32), k, v)

    monkeypatch.setattr(Cache, "write", {"stale slot": stale, "slot too late": late}[fault])
    checked = self_check(reference / "tiny4-f16.gguf", IDS[:9], engine="a", device="cpu")
    assert not checked.agrees
    assert (checked.first_over.point, checked.first_over.layer) == ("attn_mix", 0)
    mix = [p for p in checked.points if p.point == "attn_mix"]
    assert mix[0].row >= 3


@pytest.mark.parametrize("engine", ["a", "b", "numpy"])
def test_generation_goes_on_with_the_most_likely(reference, engine):
    """Each generated id is the argmax of a prefill over all before it; the trace covers all."""
    path = reference / "tiny4-Q8_0.gguf"
    made = trace(
        path,
        IDS[:5],
        engine=engine,
        device="cpu",
        batching="one by one",
        generate=4,
        points=["logits"],
        keep_tensors=True,
    )
    whole = (*IDS[:5], *made.generated)
    again = trace(path, whole, engine=engine, device="cpu", points=["logits"], keep_tensors=True)
    assert len(made.generated) == 4
    assert again.tensors["logits", None].argmax(axis=1)[4:8].tolist() == list(made.generated)
    assert made.identity == again.identity
    assert np.abs(made.logits - again.logits).max() <= 1e-5 * np.abs(again.logits).max()


def test_what_cannot_be_generated(reference):
    """In one batch, fewer than none, and more than the model has positions for."""
    path = reference / "tiny4-f16.gguf"
    for options, says in (
        ({"generate": 2}, "batching is prefill"),
        ({"generate": -1, "batching": "one by one"}, "-1 tokens"),
        ({"generate": 2048, "batching": "one by one"}, "room for 2047"),
        ({"batching": "decode"}, "'decode' is no way of batching"),
    ):
        with pytest.raises(BadOption, match=says):
            trace(path, [1], engine="numpy", **options)


def test_values_are_forced_in_a_prefill_only(reference):
    """A step has one row, a forced value has all of them."""
    model = open_model(reference / "tiny4-f16.gguf")
    forced = {("ffn_norm", 0): np.zeros((1, 256), np.float32)}
    with pytest.raises(BadOption, match="one by one"):
        run(
            model,
            [1],
            engine="a",
            device="cpu",
            kv="f32",
            batching="one by one",
            points=None,
            forced=forced,
        )
