"""Engine b's own kernels on the CPU: the whole numbers of the graph in whose place they stand."""

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from tinygrad import Tensor

from ml.compiler import ensure_c_compiler
from ml.engines import integer_activations, integer_kernels, integer_weights
from ml.engines.integer_blocks import UNPACK
from ml.engines.integer_kernels import BLOCK, PRODUCTS, PackedProducts
from ml.points import ALL_POINTS
from ml.quant_types import QUANT_TYPES
from ml.tinygrad_devices import fixed_settings
from ml.tracing import trace

ROWS, BLOCKS = 6, 3
TYPES = {kind.name: kind for kind in QUANT_TYPES}


@pytest.fixture(params=["as it is", "without AVX2"])
def way(request, monkeypatch):
    """The kernels in the processor's own words, and as any processor takes them."""
    if request.param == "without AVX2":
        source = integer_kernels._source()
        monkeypatch.setattr(integer_kernels, "_source", lambda: f"#undef __AVX2__\n{source}")


@pytest.fixture(autouse=True)
def compiler():
    """Find the C compiler that tinygrad calls."""
    ensure_c_compiler()


def random_rows(kind, seed=5):
    """Packed rows of random bytes, with finite scales."""
    draw = np.random.default_rng(seed)
    size = TYPES[kind].block_bytes
    blocks = draw.integers(0, 256, (ROWS * BLOCKS, size), dtype=np.uint8)
    for at in {"Q4_K": (0, 2), "Q6_K": (208,)}[kind]:
        halves = draw.uniform(-0.1, 0.1, len(blocks)).astype("<f2")
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(ROWS, -1)


def activations(tokens=2, seed=6):
    """Numbers of many sizes."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((tokens, BLOCKS * BLOCK)) * 10.0 ** draw.integers(-3, 3, (tokens, 1))
    return x.astype(np.float32)


def by_kernel(kind, rows, x):
    """The product, and the blocks of activations it took."""
    with fixed_settings("CPU"):
        packed = Tensor(rows, device="CPU").realize()
        own, inputs = PackedProducts("CPU"), Tensor(x, device="CPU").realize()
        product = own.product(kind, inputs, packed).realize().numpy()
        return product, own._activations(inputs).realize().numpy()


@pytest.mark.parametrize(
    "x",
    [
        activations(),
        np.zeros((1, BLOCKS * BLOCK), np.float32),
        np.full((1, BLOCKS * BLOCK), -3.0, np.float32),
        np.where(np.arange(BLOCKS * BLOCK) == 300, np.nan, activations(1)).astype(np.float32),
        np.where(np.arange(BLOCKS * BLOCK) == 3, np.inf, activations(1)).astype(np.float32),
        (np.arange(BLOCKS * BLOCK, dtype=np.float32)[None] % 255 - 127) / 2,
    ],
    ids=["numbers", "zeros", "one value", "NaN", "infinity", "halves between whole numbers"],
)
def test_activations_are_those_of_the_graph(x):
    """Scales and quants bit for bit, ties to even, NaN for a block that is not finite."""
    _, blocks = by_kernel("Q6_K", random_rows("Q6_K"), x)
    blocks = blocks.reshape(-1, blocks.shape[-1])
    with fixed_settings("CPU"):
        wanted = integer_activations.q8_k(Tensor(x, device="CPU").realize())
        quanta, scales = wanted.values.numpy().reshape(-1, BLOCK), wanted.scale.numpy().reshape(-1)
    assert np.array_equal(np.ascontiguousarray(blocks[:, 36:]).view(np.int8), quanta)
    found = np.ascontiguousarray(blocks[:, :4]).view("<f4").reshape(-1)
    assert np.array_equal(found, scales, equal_nan=True)
    sums = np.ascontiguousarray(blocks[:, 4:36]).view("<i2")
    assert np.array_equal(sums, quanta.reshape(-1, 16, 16).sum(axis=2))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", PRODUCTS)
def test_a_product_is_that_of_the_graph(kind):
    """Within the rounding of a sum of three blocks; NaN reaches every row of its token alone."""
    rows, x = random_rows(kind), activations(3)
    x[1, 700] = np.nan
    found, _ = by_kernel(kind, rows, x)
    info = TYPES[kind]
    with fixed_settings("CPU"):
        packed = Tensor(rows, device="CPU").realize()
        inputs = integer_activations.q8_k(Tensor(x, device="CPU").realize())
        unpacked = UNPACK[kind](packed.reshape(-1, info.block_bytes))
        wanted = integer_weights.product(inputs, unpacked, ROWS).numpy()
    assert np.isnan(found[1]).all()
    kept = [0, 2]
    size = np.abs(wanted[kept]).max(axis=1, keepdims=True)
    assert (np.abs(found[kept] - wanted[kept]) <= 1e-6 * size).all()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", PRODUCTS)
def test_a_product_by_another_reading_of_the_blocks(kind):
    """The gguf package's decoder in float64, times what the activations were quantised to."""
    rows, x = random_rows(kind, seed=9), activations(2, seed=10)
    found, blocks = by_kernel(kind, rows, x)
    weights = quants.dequantize(rows, GGMLQuantizationType[kind]).astype(np.float64)
    scales = np.ascontiguousarray(blocks[..., :4]).view("<f4").astype(np.float64)
    stood_for = np.ascontiguousarray(blocks[..., 36:]).view(np.int8) * scales
    wanted = stood_for.reshape(2, -1) @ weights.reshape(ROWS, -1).T
    assert np.abs(found - wanted).max() <= 2e-6 * np.abs(wanted).max()


@pytest.mark.parametrize("bits", [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x7C00, 0x7E00])
def test_halves_are_widened(bits):
    """Zeros, subnormals, the largest, infinity, NaN: as numpy widens them."""
    rows = random_rows("Q6_K")[:1, :210].copy()
    rows[:, 208:] = np.array([bits], "<u2").view(np.uint8)
    x = activations(1)[:, :BLOCK]
    found, _ = by_kernel("Q6_K", rows, x)
    scale = np.array([bits], "<u2").view("<f2").astype(np.float32)[0]
    rows[:, 208:] = np.array([1.0], "<f2").view(np.uint8)
    wanted = by_kernel("Q6_K", rows, x)[0] * scale
    assert np.allclose(found, wanted, rtol=1e-5, atol=0, equal_nan=True)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", PRODUCTS)
def test_extremes_do_not_overflow(kind):
    """Every packed byte 255 and activations at their largest: sums of bytes in pairs hold them."""
    rows = random_rows(kind)
    rows[:] = 255
    for at in {"Q4_K": (0, 2), "Q6_K": (208,)}[kind]:
        for block in range(BLOCKS):
            begin = block * TYPES[kind].block_bytes + at
            rows[:, begin : begin + 2] = np.array([1.0], "<f2").view(np.uint8)
    for sign in (1, -1):
        x = np.full((1, BLOCKS * BLOCK), 127.0 * sign, np.float32)
        found, _ = by_kernel(kind, rows, x)
        decoded = quants.dequantize(rows, GGMLQuantizationType[kind]).astype(np.float64)
        assert found[0] == pytest.approx(
            decoded.reshape(ROWS, -1).sum(axis=1) * 127 * sign, rel=1e-6
        )


def test_a_pass_is_that_of_the_graph(reference, monkeypatch):
    """Every point of tiny4 within a millionth of its std, prefill and one by one."""
    path, ids = reference / "tiny4-Q4_K_M.gguf", (319, 75, 75, 78)
    options = {"engine": "b", "device": "cpu", "activation": "q8", "points": ALL_POINTS}
    found = {
        batching: trace(path, ids, batching=batching, keep_tensors=True, **options).tensors
        for batching in ("prefill", "one by one")
    }
    monkeypatch.setattr(integer_weights, "PRODUCTS", {})
    wanted = trace(path, ids, keep_tensors=True, **options).tensors
    for tensors in found.values():
        for place, values in wanted.items():
            apart = np.sqrt(((tensors[place].astype(np.float64) - values) ** 2).mean())
            assert apart <= 2e-6 * values.astype(np.float64).std(), place
