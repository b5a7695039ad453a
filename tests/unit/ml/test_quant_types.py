"""Decoders against the gguf package, bit for bit, and the table against GGML's."""

import gguf
import numpy as np
import pytest

from ml import quant_types
from ml.errors import UnsupportedQuantType
from ml.quant_types import DECODED, QUANT_TYPES, find
from ml.quant_types.q4_k import unpack_scales

# Where the half-precision fields of each type lie; MXFP4 has none.
HALVES = {
    "F16": (0,),
    "Q4_0": (0,),
    "Q4_1": (0, 2),
    "Q5_0": (0,),
    "Q5_1": (0, 2),
    "Q8_0": (0,),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
    "IQ4_NL": (0,),
    "IQ4_XS": (0,),
}
# Where the bytes of sub-block scales (and minimums) lie, in the types that have them.
SCALES = {
    "Q2_K": slice(0, 16),
    "Q3_K": slice(96, 108),
    "Q4_K": slice(4, 16),
    "Q5_K": slice(4, 16),
    "Q6_K": slice(192, 208),
    "IQ4_XS": slice(2, 8),
    "MXFP4": slice(0, 1),
}
PACKED = tuple(t for t in DECODED if t.block_size > 1)


def theirs_of(quant_type, blocks):
    """What the gguf package decodes, many blocks a row, which it does faster."""
    rows = blocks.reshape(256 if len(blocks) % 256 == 0 else len(blocks), -1)
    decoded = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType(quant_type.id))
    return np.ascontiguousarray(decoded, dtype=np.float32).reshape(-1, quant_type.block_size)


def blocks_of(quant_type, seed, count=500):
    """Random blocks whose half-precision fields are finite (GGML never writes others)."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (count, quant_type.block_bytes), dtype=np.uint8)
    for at in HALVES.get(quant_type.name, ()):
        scales = rng.standard_normal(count).astype("<f2")
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
    if quant_type.name == "MXFP4":  # an exponent that does not run out of float32
        blocks[:, 0] = rng.integers(1, 252, count)
    if quant_type.name in {"F32", "BF16"}:  # likewise: no NaN
        numbers = rng.standard_normal(count).astype("<f4").view(np.uint8).reshape(count, 4)
        blocks[:] = numbers[:, -quant_type.block_bytes :]
    return blocks


@pytest.mark.parametrize("quant_type", DECODED, ids=lambda t: t.name)
@pytest.mark.parametrize("seed", range(4))
def test_random_blocks_decode_as_gguf_does(quant_type, seed):
    """Same bits as gguf.quants on random blocks."""
    blocks = blocks_of(quant_type, seed)
    theirs = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType(quant_type.id))
    ours = quant_type.decode(blocks)
    assert ours.dtype == np.float32
    assert ours.tobytes() == np.ascontiguousarray(theirs, dtype=np.float32).tobytes()


@pytest.mark.parametrize("quant_type", PACKED, ids=lambda t: t.name)
def test_every_byte_at_every_place(quant_type):
    """Each byte of a block takes all 256 values in turn: every nibble and scale pattern."""
    base = blocks_of(quant_type, 9, 1)[0]
    blocks = np.repeat(base[None], 256 * len(base), axis=0)
    places = np.repeat(np.arange(len(base)), 256)
    blocks[np.arange(len(blocks)), places] = np.tile(np.arange(256, dtype=np.uint8), len(base))
    with np.errstate(invalid="ignore", over="ignore"):  # halves run through NaN and infinity too
        theirs = theirs_of(quant_type, blocks)
        ours = quant_type.decode(blocks)
    assert np.array_equal(ours, theirs, equal_nan=True)


@pytest.mark.parametrize("quant_type", PACKED, ids=lambda t: t.name)
def test_every_scale_byte_with_every_byte_of_numbers(quant_type):
    """All 65,536 pairs, in every place at once: neighbours differ, so that no two are mistaken."""
    pairs = np.arange(65536)
    scale, number = (pairs >> 8).astype(np.uint8), (pairs & 255).astype(np.uint8)
    turns = (np.arange(quant_type.block_bytes) * 37 & 255).astype(np.uint8)
    blocks = number[:, None] ^ turns
    scales = SCALES.get(quant_type.name, slice(0, 0))
    blocks[:, scales] = scale[:, None] ^ turns[scales]
    for at, half in zip(HALVES.get(quant_type.name, ()), (0.37, -1.9), strict=False):
        blocks[:, at : at + 2] = np.array([half], dtype="<f2").view(np.uint8)
    with np.errstate(over="ignore"):  # the largest powers of two of MXFP4
        assert quant_type.decode(blocks).tobytes() == theirs_of(quant_type, blocks).tobytes()


@pytest.mark.parametrize("quant_type", PACKED, ids=lambda t: t.name)
def test_every_half_precision_scale(quant_type):
    """All 65,536 halves in each field, NaN, infinities and subnormals with them."""
    for at in HALVES.get(quant_type.name, ()):
        blocks = np.repeat(blocks_of(quant_type, 5, 1), 65536, axis=0)
        halves = np.arange(65536, dtype="<u2").view(np.uint8).reshape(-1, 2)
        blocks[:, at : at + 2] = halves
        with np.errstate(invalid="ignore", over="ignore"):
            ours, theirs = quant_type.decode(blocks), theirs_of(quant_type, blocks)
        assert np.array_equal(ours, theirs, equal_nan=True)


def test_every_field_is_listed_here():
    """Each packed type has a scale of its own, in a half or in a byte."""
    assert {t.name for t in PACKED} == (HALVES.keys() | SCALES.keys()) - {"F16"}


def test_all_scale_patterns_of_q4_k():
    """The six-bit packing, against its statement in words, for every pair of bytes that meet."""
    scales = np.zeros((65536, 12), dtype=np.uint8)
    pairs = np.arange(65536)
    scales[:, 0] = scales[:, 4] = pairs & 255
    scales[:, 8] = pairs >> 8
    sc, mn = unpack_scales(scales)
    first, third = pairs & 255, pairs >> 8
    assert np.array_equal(sc[:, 0], first & 63)
    assert np.array_equal(mn[:, 0], first & 63)
    assert np.array_equal(sc[:, 4], (third & 15) + 16 * (first >> 6))
    assert np.array_equal(mn[:, 4], (third >> 4) + 16 * (first >> 6))


def test_the_table_is_ggmls():
    """Names, ids, block sizes and bytes as the gguf package has them; no id or name twice."""
    for quant_type in QUANT_TYPES:
        known = gguf.GGMLQuantizationType(quant_type.id)
        assert known.name == quant_type.name
        assert gguf.GGML_QUANT_SIZES[known] == (quant_type.block_size, quant_type.block_bytes)
        assert find(quant_type.id) is quant_type
    assert (
        len({t.name for t in QUANT_TYPES}) == len({t.id for t in QUANT_TYPES}) == len(QUANT_TYPES)
    )


def test_an_undecoded_type_names_tensor_and_type():
    """And says what can be decoded instead."""
    iq2_s = next(t for t in QUANT_TYPES if t.name == "IQ2_S")
    with pytest.raises(UnsupportedQuantType, match=r"blk\.0\.x is stored as IQ2_S") as caught:
        quant_types.decode(iq2_s, np.zeros(82, np.uint8), (256,), tensor="blk.0.x")
    assert "Q4_K" in caught.value.hint


def test_real_blocks_decode_as_gguf_does(reference):
    """Every tensor of the reference models."""
    from ml.containers import open_container

    for path in sorted(reference.glob("*.gguf")):
        ours = open_container(path)
        for theirs in gguf.GGUFReader(path).tensors:
            info = ours.tensors[theirs.name]
            decoded = quant_types.decode(
                info.quant_type, ours.tensor_bytes(theirs.name), info.shape, tensor=theirs.name
            )
            expected = gguf.quants.dequantize(theirs.data, theirs.tensor_type)
            assert np.array_equal(decoded, expected), (path.name, theirs.name)


@pytest.mark.parametrize("name", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"])
def test_real_weights_packed_by_gguf(reference, name):
    """Types that the gguf package can write: a real tensor comes back as it says, and near."""
    from ml.containers import open_container

    model = open_container(reference / "tiny4-f16.gguf")
    weights = model.tensor_bytes("blk.0.ffn_up.weight").view("<f2").astype(np.float32)
    number = gguf.GGMLQuantizationType[name]
    packed = gguf.quants.quantize(weights.reshape(-1, 256), number)
    decoded = quant_types.decode(
        find(int(number)), packed.reshape(-1), (len(weights) // 256, 256), tensor="x"
    )
    assert np.array_equal(decoded, gguf.quants.dequantize(packed, number))
    error = np.sqrt(np.mean((decoded.reshape(-1) - weights) ** 2)) / weights.std()
    assert error < (0.01 if name == "Q8_0" else 0.2)


def test_numbers_beyond_float32_are_infinite_without_a_warning():
    """A file may hold any bytes: what overflows is counted where it is traced, not printed."""
    mxfp4 = next(t for t in DECODED if t.name == "MXFP4")
    block = np.full(17, 0x77, dtype=np.uint8)  # 12 · 2^127
    block[0] = 255
    assert np.isposinf(quant_types.decode(mxfp4, block, (32,), tensor="x")).all()
