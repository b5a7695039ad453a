"""Which tensor gets which type: llama-quantize's files, and its rules written out."""

from pathlib import Path

import pytest

from executors.convert import OF_APR, PACKED, PLAIN
from ml.containers import open_container
from ml.quantise import BY_NAME
from ml.quantise.mixtures import BY_MIXTURE, MIXTURES, choose, file_order

REFERENCE = Path(__file__).parents[2] / "data" / "reference"


def shapes_of(layers, width=256, *, tied=False, inside=None):
    """A model's matrices, and a norm and a bias."""
    shapes = {"token_embd.weight": (512, width), "output_norm.weight": (width,)}
    if not tied:
        shapes["output.weight"] = (512, width)
    for layer in range(layers):
        block = f"blk.{layer}."
        shapes |= {f"{block}{name}.weight": (width, width) for name in ("attn_q", "attn_v")}
        shapes[f"{block}attn_q.bias"] = (width,)
        shapes[f"{block}ffn_down.weight"] = (width, inside or 2 * width)
    return shapes


def types(mixture, shapes, layers, **more):
    """The type of each tensor that is changed."""
    chosen = choose(BY_MIXTURE[mixture], shapes, layers=layers, **more)
    return {name: one.quantiser.name for name, one in chosen.items()}


@pytest.mark.parametrize(("file", "mixture"), [("Q8_0", "q8_0"), ("Q4_K_M", "q4_k_m")])
def test_types_of_llama_quantize(file, mixture):
    """The reference files have the types that the table gives, in its order of tensors."""
    packed = open_container(REFERENCE / f"tiny4-{file}.gguf").tensors
    shapes = {name: info.shape for name, info in packed.items()}
    found = types(mixture, shapes, 4)
    assert found == {name: packed[name].quant_type.name for name in found}
    assert {info.quant_type.name for name, info in packed.items() if name not in found} == {"F32"}
    assert sorted(packed, key=file_order) == list(packed)


def test_layers_with_more_bits():
    """Q4_K_M: the first and the last eighth, and every third between, for v and ffn_down."""
    found = types("q4_k_m", shapes_of(24), 24)
    wanted = [0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23]
    for name in ("attn_v", "ffn_down"):
        assert [n for n in range(24) if found[f"blk.{n}.{name}.weight"] == "Q6_K"] == wanted
    ends = [found[name] for name in ("output.weight", "token_embd.weight")]
    assert ends == ["Q6_K", "Q4_K"]


def test_early_layers():
    """Q4_K_S: Q5_K for v of the first four layers, and for ffn_down of the first eighth."""
    found = types("q4_k_s", shapes_of(16), 16)
    assert [n for n in range(16) if found[f"blk.{n}.attn_v.weight"] == "Q5_K"] == [0, 1, 2, 3]
    assert [n for n in range(16) if found[f"blk.{n}.ffn_down.weight"] == "Q5_K"] == [0, 1]


def test_wide_model():
    """A model of 80 layers with grouped queries gets Q5_K for v where it would get Q4_K."""
    found = types("q4_k_m", shapes_of(80), 80, is_wide=True)
    values = {found[f"blk.{n}.attn_v.weight"] for n in range(80)}
    assert values == {"Q5_K", "Q6_K"}


@pytest.mark.parametrize(
    ("mixture", "width", "wanted"),
    [
        ("q4_k_m", 896, {"Q5_0", "Q8_0"}),
        ("q5_k_m", 896, {"Q5_1", "Q8_0"}),
        ("q6_k", 896, {"Q8_0"}),
        ("q4_0", 896, {"Q4_0", "Q8_0"}),
        ("q8_0", 896, {"Q8_0"}),
        ("q4_k_m", 900, {"F16"}),
        ("q8_0", 900, {"F16"}),
        ("f16", 900, {"F16"}),
    ],
)
def test_rows_that_fill_no_block(mixture, width, wanted):
    """They take the type that llama-quantize falls back to, and what was wanted is kept."""
    shapes = shapes_of(4, width, tied=True, inside=width)
    assert set(types(mixture, shapes, 4).values()) == wanted
    chosen = choose(BY_MIXTURE[mixture], shapes, layers=4)
    assert chosen["blk.0.attn_q.weight"].wanted == BY_MIXTURE[mixture].base


def test_rows_in_an_apr_file_are_padded():
    """APR pads rows of Q4_K and Q6_K, so that nothing falls back."""
    found = types("q4_k_m", shapes_of(4, 300), 4, is_for_apr=True)
    assert found["blk.0.attn_q.weight"] == "Q4_K (rows of 300, padded)"


def test_vectors_and_norms_stay():
    """Nothing of one dimension is packed, nor anything but weights."""
    assert not any("norm" in name or "bias" in name for name in types("q8_0", shapes_of(2), 2))


def test_mixtures_are_the_ones_of_the_command():
    """Every mixture can be asked for, and is made of types that can be packed."""
    assert {one.name for one in MIXTURES} == {*PLAIN, *PACKED, *OF_APR}
    assert len(BY_MIXTURE) == len(MIXTURES)
    for one in MIXTURES:
        assert one.base in BY_NAME
        assert one.more_bits is None or one.more_bits in BY_NAME
    numbers = [one.file_type for one in MIXTURES if one.file_type is not None]
    assert len(set(numbers)) == len(numbers)
