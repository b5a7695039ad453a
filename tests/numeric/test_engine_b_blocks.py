"""Engine b's parts: unpacking, quantised activations, products, each against another's numbers."""

import gguf
import numpy as np
import pytest

from ml.devices import resolve
from ml.engines.integer import ACTIVATION_TYPES
from ml.quant_types import QUANT_TYPES

TYPES = tuple(t for t in QUANT_TYPES if t.name in ACTIVATION_TYPES)
HALVES = {"Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
SCALES = {"Q4_K": slice(4, 16), "Q5_K": slice(4, 16), "Q6_K": slice(192, 208)}
WIDTH = 512


@pytest.fixture(scope="module", autouse=True)
def on_the_cpu():
    """The CPU through tinygrad, with its compiler chosen, under our settings."""
    resolve("cpu")
    from ml.tinygrad_devices import fixed_settings

    with fixed_settings("CPU"):
        yield


def on_device(array):
    """An array as a tensor on the CPU."""
    from tinygrad import Tensor

    return Tensor(np.ascontiguousarray(array), device="CPU").realize()


def theirs_of(quant_type, blocks):
    """What the gguf package decodes."""
    rows = blocks.reshape(256 if len(blocks) % 256 == 0 else len(blocks), -1)
    decoded = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType(quant_type.id))
    return decoded.reshape(-1, quant_type.block_size)


def every_pair(quant_type):
    """Every scale byte with every byte of numbers, at every place, under ordinary halves."""
    pairs = np.arange(65536)
    turns = (np.arange(quant_type.block_bytes) * 37 & 255).astype(np.uint8)
    blocks = (pairs & 255).astype(np.uint8)[:, None] ^ turns
    scales = SCALES.get(quant_type.name, slice(0, 0))
    blocks[:, scales] = (pairs >> 8).astype(np.uint8)[:, None] ^ turns[scales]
    rng = np.random.default_rng(quant_type.id)
    for at in HALVES.get(quant_type.name, (0,)):
        halves = rng.uniform(0.01, 2.0, len(blocks)).astype("<f2")
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(-1, 2)
    return blocks


@pytest.mark.parametrize("quant_type", TYPES, ids=lambda t: t.name)
def test_every_scale_and_nibble_unpacks_as_gguf_says(quant_type):
    """Integers and scales put together give the very bits of the gguf package."""
    from ml.engines.integer_blocks import UNPACK
    from ml.engines.integer_weights import numbers

    blocks = every_pair(quant_type)
    ours = numbers(UNPACK[quant_type.name](on_device(blocks))).numpy()
    assert np.array_equal(ours, theirs_of(quant_type, blocks))


def hard_numbers(block_size):
    """Rows with ties, near-ties, zeros, one number alone, tiny and large magnitudes."""
    rng = np.random.default_rng(7)
    rows = rng.standard_normal((64, WIDTH)).astype(np.float32)
    rows[0] = 0
    rows[1, ::block_size] = -3.5
    rows[1].reshape(-1, block_size)[:, 1:] = 0
    rows[2] = rng.integers(-254, 255, WIDTH) / np.float32(2)  # halves, once the largest is 127
    rows[2, ::block_size] = 127
    rows[3] = -rows[2]
    rows[4:8] *= np.float32(1e-30)
    rows[8:12] *= np.float32(1e4)
    # Near-halves whose side hangs on the last bit of the quotient: largest = 127 k, k odd.
    for row, k in zip(range(12, 16), (3, 7, 11, 13), strict=True):
        rows[row] = (rng.integers(-127, 127, WIDTH) + np.float32(0.5)) * np.float32(k)
        rows[row, ::block_size] = np.float32(127 * k)
    for row in range(16, 64):
        k = np.float32(rng.uniform(0.1, 9))
        rows[row] = (rng.integers(-127, 127, WIDTH) + np.float32(0.5)) * k
        rows[row, ::block_size] = np.float32(127) * k
    return rows


def test_activations_are_q8_0_as_gguf_packs_it():
    """Bit for bit, against a port of ggml's reference: scales in half, numbers in int8."""
    from ml.engines.integer_activations import q8_0

    rows = hard_numbers(32)
    ours = q8_0(on_device(rows))
    packed = gguf.quants.quantize(rows, gguf.GGMLQuantizationType.Q8_0).reshape(-1, 34)
    scales = np.ascontiguousarray(packed[:, :2]).view("<f2").astype(np.float32)
    assert np.array_equal(ours.values.numpy().reshape(-1, 32), packed[:, 2:].view(np.int8))
    assert np.array_equal(ours.scale.numpy().reshape(-1, 1), scales)


def test_activations_are_q8_k():
    """Against ggml's reference in numpy, one sign for both factors: 255 of 256 levels are used."""
    from ml.engines.integer_activations import q8_k

    rows = hard_numbers(256)
    ours = q8_k(on_device(rows))
    blocks = rows.reshape(-1, 256)
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        scale = np.where(largest > 0, np.float32(127) / largest, np.float32(0))
        inverse = np.where(scale > 0, np.float32(1) / scale, np.float32(0))
    expected = np.minimum(127, np.rint(blocks * scale)).astype(np.int8)  # rint: halves to even
    values = ours.values.numpy().reshape(-1, 256)
    assert np.array_equal(values, expected)
    assert np.array_equal(ours.scale.numpy().reshape(-1, 1), inverse)
    assert (values.min(), values.max()) == (-127, 127)


@pytest.mark.parametrize("name", ["q8_0", "q8_k"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so(name, bad):
    """One such value makes its whole block NaN, and no other block."""
    from ml.engines import integer_activations

    rows = hard_numbers(256)[16:18]
    rows[1, 300] = bad
    ours = getattr(integer_activations, name)(on_device(rows)).scale.numpy()
    block = 300 * ours.shape[1] // WIDTH
    expected = np.zeros(ours.shape, dtype=bool)
    expected[1, block] = True
    assert np.array_equal(np.isnan(ours), expected)


@pytest.mark.parametrize("quant_type", TYPES, ids=lambda t: t.name)
@pytest.mark.parametrize("quantised", [True, False], ids=["q8", "none"])
def test_products_are_those_of_the_decoded_numbers(quant_type, quantised):
    """Random blocks times random rows: as decoded weights by decoded activations in float64."""
    from ml.engines import integer_activations
    from ml.engines.integer_blocks import UNPACK
    from ml.engines.integer_weights import product

    rows = hard_numbers(quant_type.block_size)[:16]
    chosen = np.random.default_rng(3).choice(65536, 24 * WIDTH // quant_type.block_size)
    blocks = every_pair(quant_type)[chosen]
    matrix = theirs_of(quant_type, blocks).reshape(24, WIDTH).astype(np.float64)
    if quantised:
        kind = ACTIVATION_TYPES[quant_type.name].lower()
        inputs = getattr(integer_activations, kind)(on_device(rows))
        scale = inputs.scale.numpy()[:, :, None].astype(np.float64)
        decoded = (inputs.values.numpy() * scale).reshape(16, WIDTH)
    else:
        inputs = integer_activations.plain(on_device(rows), quant_type.block_size)
        decoded = rows.astype(np.float64)
    ours = product(inputs, UNPACK[quant_type.name](on_device(blocks)), 24).numpy()
    expected = decoded @ matrix.T
    magnitude = np.abs(decoded) @ np.abs(matrix).T  # rounding is relative to what was added up
    assert (np.abs(ours - expected) <= 1e-6 * magnitude).all()


def test_integer_sums_are_exact():
    """Beyond 2^24, where float32 loses units: one block is the exact sum, rounded once."""
    from ml.engines.integer_activations import Activations
    from ml.engines.integer_blocks import UNPACK
    from ml.engines.integer_weights import product

    rng = np.random.default_rng(11)
    blocks = rng.integers(0, 256, (64, 210), dtype=np.uint8)
    blocks[:, :192] |= 0x88  # large numbers under large scales, all of one sign
    blocks[:, 128:192] = 0xFF
    blocks[:, 192:208] = rng.integers(100, 128, (64, 16))
    blocks[:, 208:] = np.array([1.0], dtype="<f2").view(np.uint8)
    x = rng.integers(100, 128, (64, 1, 256)).astype(np.int8)
    inputs = Activations(values=on_device(x), scale=on_device(np.ones((64, 1), dtype=np.float32)))
    decoded = theirs_of(next(t for t in TYPES if t.name == "Q6_K"), blocks).astype(np.int64)
    exact = x[:, 0].astype(np.int64) @ decoded.T
    assert exact.min() > 2**24
    ours = product(inputs, UNPACK["Q6_K"](on_device(blocks)), 64).numpy()
    assert np.array_equal(ours, exact.astype(np.float32))


def test_weights_lie_packed_on_the_device(reference):
    """Exactly the bytes of the file, matrices as bytes: no float32 copy of a matrix stands."""
    from tinygrad import dtypes

    from ml.architectures import open_model
    from ml.engines import Request
    from ml.engines.integer_weights import IntegerWeights
    from ml.points import ALL_POINTS

    model = open_model(reference / "tiny4-Q4_K_M.gguf")
    request = Request(model=model, ids=(0,), kv="f32", points=ALL_POINTS, device=resolve("cpu"))
    loaded = IntegerWeights.load(request, "CPU")
    for name, info in model.tensors.items():
        packed = loaded.packed[name]
        assert packed.dtype == (dtypes.float32 if len(info.shape) == 1 else dtypes.uint8), name
        assert packed.nbytes() == info.size_bytes, name
