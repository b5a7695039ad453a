"""Decoders against the gguf package, bit for bit, and the table against GGML's."""

import gguf
import numpy as np
import pytest

from ml import quant_types
from ml.errors import UnsupportedQuantType
from ml.quant_types import DECODED, QUANT_TYPES, find
from ml.quant_types.q4_k import unpack_scales


def blocks_of(quant_type, seed, count=500):
    """Random blocks whose half-precision fields are finite (GGML never writes others)."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (count, quant_type.block_bytes), dtype=np.uint8)
    halves = {"F16": [0], "Q8_0": [0], "Q4_K": [0, 2], "Q6_K": [208]}.get(quant_type.name, [])
    for at in halves:
        scales = rng.standard_normal(count).astype("<f2")
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
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


@pytest.mark.parametrize("name", ["Q8_0", "Q4_K", "Q6_K"])
def test_every_byte_at_every_place(name):
    """Each byte of a block takes all 256 values in turn: every nibble and scale pattern."""
    quant_type = next(t for t in DECODED if t.name == name)
    base = blocks_of(quant_type, 9, 1)[0]
    blocks = np.repeat(base[None], 256 * len(base), axis=0)
    places = np.repeat(np.arange(len(base)), 256)
    blocks[np.arange(len(blocks)), places] = np.tile(np.arange(256, dtype=np.uint8), len(base))
    with np.errstate(invalid="ignore", over="ignore"):  # halves run through NaN and infinity too
        theirs = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType(quant_type.id))
        ours = quant_type.decode(blocks)
    assert np.array_equal(ours, theirs, equal_nan=True)


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
    q5_k = next(t for t in QUANT_TYPES if t.name == "Q5_K")
    with pytest.raises(UnsupportedQuantType, match=r"blk\.0\.x is stored as Q5_K") as caught:
        quant_types.decode(q5_k, np.zeros(176, np.uint8), (256,), tensor="blk.0.x")
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
