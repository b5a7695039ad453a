"""Quantisers against llama.cpp's own bytes, the gguf package, ggml's test and plain loops."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gguf
import numpy as np
import pytest
from attrs import evolve

from ml import quant_types
from ml.containers import open_container
from ml.quant_types.q4_k import unpack_scales
from ml.quantise import BY_NAME, LIMIT, QUANTISERS, encode
from ml.quantise.apr import OF_SHAPE
from ml.quantise.base import round_half_away
from ml.quantise.scale_search import search_scale, search_scale_and_minimum
from ml.quantise.scales_and_minimums import pack_scales

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
PACKED = tuple(one for one in QUANTISERS if one.quant_type.block_size > 1)
#: What the gguf package can pack.
OF_PACKAGE = ("F32", "F16", "BF16", "Q4_0", "Q5_0", "Q5_1", "Q8_0")


def numbers_of(container, name):
    """A tensor of plain numbers as float32."""
    info = container.tensors[name]
    return quant_types.decode(
        info.quant_type, container.tensor_bytes(name), info.shape, tensor=name
    )


def back(quantiser, packed):
    """What is read of packed bytes."""
    kind = quantiser.quant_type
    count = len(packed) // kind.block_bytes * kind.block_size
    return quant_types.decode(kind, packed, (count,), tensor="x")


@pytest.mark.parametrize("name", ["Q8_0", "Q4_K_M"])
def test_bytes_of_llama_cpp(name):
    """Every tensor that llama-quantize packed of tiny4 (Q8_0, Q4_K, Q6_K) comes out the same."""
    source = open_container(REFERENCE / "tiny4-f16.gguf")
    packed = open_container(REFERENCE / f"tiny4-{name}.gguf")
    kinds = set()
    for info in packed.tensors.values():
        made = encode(BY_NAME[info.quant_type.name], numbers_of(source, info.name))
        assert np.array_equal(made, packed.tensor_bytes(info.name)), info.name
        kinds.add(info.quant_type.name)
    assert kinds == ({"F32", "Q8_0"} if name == "Q8_0" else {"F32", "Q4_K", "Q6_K"})


@pytest.mark.parametrize("name", OF_PACKAGE)
def test_bytes_of_the_gguf_package(name):
    """Random rows of several sizes come out as the package packs them."""
    draw = np.random.default_rng(7)
    rows = draw.standard_normal((64, 256), dtype=np.float32) * np.logspace(-6, 3, 64)[:, None]
    rows = rows.astype(np.float32)
    wanted = gguf.quants.quantize(rows, gguf.GGMLQuantizationType[name])
    made = encode(BY_NAME[name], rows)
    assert np.array_equal(made, np.ascontiguousarray(wanted).view(np.uint8).reshape(-1))


@pytest.mark.parametrize("quantiser", PACKED, ids=lambda one: one.name)
def test_limit_of_ggml(quantiser):
    """The error on ggml's synthetic numbers, by its own formula, is under its limit."""
    if quantiser.name == "APR_Q8":  # a block as long as a tensor: the row of that shape
        quantiser = OF_SHAPE["APR_Q8"]((4096,))
    numbers = (0.1 + 2 * np.cos(np.arange(4096, dtype=np.float32))).astype(np.float32)
    difference = (back(quantiser, encode(quantiser, numbers)) - numbers).astype(np.float64)
    assert math.sqrt(difference @ difference) / 4096 < LIMIT


@pytest.mark.parametrize("quantiser", PACKED, ids=lambda one: one.name)
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 1e-20, -3e-41])
def test_flat_rows(quantiser, value):
    """Rows of one number, also none and tiny ones, come back finite and near it."""
    numbers = np.full(2 * quantiser.quant_type.block_size, value, dtype=np.float32)
    found = back(quantiser, encode(quantiser, numbers))
    assert np.allclose(found, numbers, rtol=0.06, atol=1e-7)


@pytest.mark.parametrize("quantiser", PACKED, ids=lambda one: one.name)
def test_pieces_and_threads_change_nothing(quantiser):
    """The bytes of a tensor are the same in one piece, in many, and on two threads."""
    numbers = np.random.default_rng(3).standard_normal(40 * 256, dtype=np.float32)
    wanted = encode(quantiser, numbers)
    cut = evolve(quantiser, piece=512)
    with ThreadPoolExecutor(2) as pool:
        assert np.array_equal(encode(cut, numbers, pool), wanted)
    assert np.array_equal(encode(cut, numbers), wanted)


def test_bfloat16_rounds_to_even():
    """Halfway goes to the even neighbour, NaN stays NaN, the largest becomes infinite."""
    bits = np.array([0x3F808000, 0x3F818000, 0x7FC00001, 0x7F800001, 0x7F7FFFFF], dtype=np.uint32)
    found = encode(BY_NAME["BF16"], bits.view(np.float32)).view("<u2").tolist()
    assert found[:2] == [0x3F80, 0x3F82]
    assert all((word & 0x7F80) == 0x7F80 and word & 0x7F for word in found[2:4])
    assert found[4] == 0x7F80


def test_halves_are_rounded_away_from_zero():
    """As C's roundf, also just below a half."""
    below = np.nextafter(np.float32(0.5), np.float32(0))
    numbers = np.array([0.5, -0.5, 1.5, 2.5, -2.5, below, 0.4], dtype=np.float32)
    assert round_half_away(numbers).tolist() == [1, -1, 2, 3, -3, 0, 0]


def test_scales_are_packed_as_they_are_read():
    """Six-bit scales and minimums: every pair of values in every place."""
    sc = np.arange(512, dtype=np.int64).reshape(64, 8) * 7 % 64
    mn = np.arange(512, dtype=np.int64).reshape(64, 8) * 11 % 64
    packed = pack_scales(sc.astype(np.uint8), mn.astype(np.uint8))
    found = unpack_scales(packed)
    assert np.array_equal(found[0], sc)
    assert np.array_equal(found[1], mn)


def plain_search(x, weights, most, first, step, tries):
    """Scale and minus the minimum of one group, number by number in float32."""
    f = np.float32
    least, greatest = min(f(0), min(x)), max(x)
    if least == greatest:
        return f(0), -least
    sum_w, sum_x = f(0), f(0)
    for a, w in zip(x, weights, strict=True):
        sum_w, sum_x = sum_w + w, sum_x + w * a

    def codes_of(iscale):
        return [f(min(max(np.rint(iscale * (a - least)), 0), most)) for a in x]

    def error_of(codes, scale, minimum):
        total = f(0)
        for a, w, code in zip(x, weights, codes, strict=True):
            total += w * (scale * code + minimum - a) ** 2
        return total

    scale = f(1) / (f(most) / (greatest - least))
    best = error_of(codes_of(f(most) / (greatest - least)), scale, least)
    for number in range(tries + 1):
        codes = codes_of((f(first) + f(step) * f(number) + f(most)) / (greatest - least))
        sum_l = sum_l2 = sum_xl = f(0)
        for a, w, code in zip(x, weights, codes, strict=True):
            sum_l, sum_l2, sum_xl = (
                sum_l + w * code,
                sum_l2 + w * code * code,
                sum_xl + w * code * a,
            )
        determinant = sum_w * sum_l2 - sum_l * sum_l
        if determinant > 0:
            found = (sum_w * sum_xl - sum_x * sum_l) / determinant
            minimum = (sum_l2 * sum_x - sum_l * sum_xl) / determinant
            if minimum > 0:
                found, minimum = sum_xl / sum_l2, f(0)
            error = error_of(codes, found, minimum)
            if error < best:
                best, scale, least = error, found, minimum
    return scale, -least


@pytest.mark.parametrize(("most", "first", "tries"), [(15, -1.0, 20), (31, -0.5, 15)])
def test_search_is_the_plain_one(most, first, tries):
    """The search over all groups at once finds what one group by itself finds."""
    draw = np.random.default_rng(most)
    x = draw.standard_normal((32, 40), dtype=np.float32)
    x[:, 0], x[:, 1], x[:, 2] = 0, np.abs(x[:, 1]), 3
    weights = np.abs(x) + np.float32(0.5)
    scales, minimums = search_scale_and_minimum(
        x, weights, most=most, first=first, step=0.1, tries=tries
    )
    for group in range(x.shape[1]):
        scale, minimum = plain_search(x[:, group], weights[:, group], most, first, 0.1, tries)
        assert scales[group] == pytest.approx(scale, rel=1e-5), group
        assert minimums[group] == pytest.approx(minimum, rel=1e-5, abs=1e-7), group


def test_scale_search_is_no_worse_than_rounding():
    """The searched scale loses no more, by its own weights, than the first one tried."""
    x = np.random.default_rng(2).standard_normal((16, 200), dtype=np.float32)
    found = search_scale(x, 32)
    at = np.abs(x).argmax(axis=0)
    first = x[at, np.arange(200)] / np.float32(-32)

    def lost(scale):
        codes = np.clip(np.rint(x / scale), -32, 31)
        return ((codes * scale - x) ** 2 * x * x).sum(axis=0)

    assert (lost(found) <= lost(first) * 1.0001).mean() > 0.97
    assert lost(found).sum() < lost(first).sum()
