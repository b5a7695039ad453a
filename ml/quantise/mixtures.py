"""Which tensor of a model gets which type: the mixtures of llama-quantize, one row each.

The rules are those of `llama_tensor_get_type_impl` and `tensor_type_fallback` in llama.cpp's
llama-quant.cpp, without an importance matrix, for models without experts. Layers are counted in
the order of that program: by layer number, then by name.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from ml.quantise import BY_NAME
from ml.quantise.apr import OF_SHAPE
from ml.quantise.base import Quantiser

#: What those that are no matrices of weights are called, in whole or in part.
_LEFT: Final = (
    "_norm.weight",
    "ffn_gate_inp.weight",
    "position_embd.weight",
    "token_types.weight",
    "ssm_conv1d",
    "attn_rel_b.weight",
    "altup",
    "laurel",
)
_OUTPUT, _EMBEDDING = "output.weight", "token_embd.weight"
_VALUES: Final = ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight")


@frozen(kw_only=True)
class Mixture:
    """One row of the table."""

    name: str
    """As it is asked for, lower case."""
    base: str
    """GGML's name of the type of most tensors."""
    file_type: int | None
    """llama.cpp's number, as `general.file_type` has it; None for types that GGUF has not."""
    more_bits: str | None = None
    """Type of attn_v and ffn_down in the layers that count most; None where there is none."""
    is_early: bool = False
    """Those layers are the first ones only."""

    @property
    def is_packed(self) -> bool:
        """Whether it packs numbers into blocks."""
        return BY_NAME[self.base].quant_type.block_size > 1


MIXTURES: Final[tuple[Mixture, ...]] = (
    Mixture(name="f32", base="F32", file_type=0),
    Mixture(name="f16", base="F16", file_type=1),
    Mixture(name="bf16", base="BF16", file_type=32),
    Mixture(name="q8_0", base="Q8_0", file_type=7),
    Mixture(name="q6_k", base="Q6_K", file_type=18),
    Mixture(name="q5_k_m", base="Q5_K", file_type=17, more_bits="Q6_K"),
    Mixture(name="q5_k_s", base="Q5_K", file_type=16),
    Mixture(name="q5_1", base="Q5_1", file_type=9),
    Mixture(name="q5_0", base="Q5_0", file_type=8),
    Mixture(name="q4_k_m", base="Q4_K", file_type=15, more_bits="Q6_K"),
    Mixture(name="q4_k_s", base="Q4_K", file_type=14, more_bits="Q5_K", is_early=True),
    Mixture(name="q4_0", base="Q4_0", file_type=2),
    Mixture(name="apr_q8", base="APR_Q8", file_type=None),
    Mixture(name="apr_q4", base="APR_Q4", file_type=None),
)
BY_MIXTURE: Final[Mapping[str, Mixture]] = {mixture.name: mixture for mixture in MIXTURES}


@frozen(kw_only=True)
class Chosen:
    """What a tensor gets."""

    quantiser: Quantiser
    wanted: str
    """GGML's name of the type before rows that do not fill its blocks made it another one."""


def file_order(name: str) -> tuple[int, bytes]:
    """Sort key of llama-quantize: what belongs to no layer first, then by layer, then by name."""
    parts = name.split(".", 2)
    layer = int(parts[1]) if parts[0] == "blk" and len(parts) > 1 and parts[1].isdigit() else -1
    return layer, name.encode()


def is_quantised(name: str, shape: tuple[int, ...]) -> bool:
    """Whether llama-quantize changes the type of a tensor at all."""
    is_left = any(part in name for part in _LEFT)
    return len(shape) >= 2 and name.endswith("weight") and not is_left


def choose(
    mixture: Mixture,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    layers: int,
    is_wide: bool = False,
    is_for_apr: bool = False,
) -> dict[str, Chosen]:
    """Return what each tensor gets that is changed, by canonical name.

    `layers` is the model's count of them; `is_wide` says that it is one of 80 layers with grouped
    queries (llama.cpp's "70B"), whose small v gets a bit more. `is_for_apr`: rows that fill no
    block are padded, as that container has it, and take no other type.
    """
    names = sorted((n for n, s in shapes.items() if is_quantised(n, s)), key=file_order)
    is_tied = _OUTPUT not in shapes
    values = [name for name in names if name.endswith(_VALUES)]
    downs = [name for name in names if "ffn_down" in name]
    more = {name for i, name in enumerate(values) if _more(mixture, i, len(values), 4)}
    more |= {name for i, name in enumerate(downs) if _more(mixture, i, layers, layers // 8)}
    chosen: dict[str, Chosen] = {}
    for name in names:
        wanted = mixture.base
        if name == _OUTPUT or (is_tied and name == _EMBEDDING):
            # Rows that are padded fill every block.
            wanted = _for_output(mixture, 0 if is_for_apr else shapes[name][-1])
        elif name in more:
            wanted = str(mixture.more_bits)
        if name in values and is_wide and wanted == "Q4_K":
            wanted = "Q5_K"
        if is_for_apr and wanted in OF_SHAPE:
            quantiser = OF_SHAPE[wanted](shapes[name])
            wanted = quantiser.name
        else:
            quantiser = _fitting(wanted, shapes[name][-1])
        chosen[name] = Chosen(quantiser=quantiser, wanted=wanted)
    return chosen


def _more(mixture: Mixture, at: int, count: int, early: int) -> bool:
    """Whether layer `at` of `count` is one that counts more."""
    if mixture.more_bits is None:
        return False
    if mixture.is_early:
        return at < early
    eighth = count // 8
    return at < eighth or at >= 7 * count // 8 or (at - eighth) % 3 == 2


def _for_output(mixture: Mixture, width: int) -> str:
    """Type of the output projection, or of the embedding that takes its place."""
    if not mixture.is_packed or mixture.base == "Q8_0" or mixture.file_type is None:
        return mixture.base
    return "Q8_0" if width % BY_NAME[mixture.base].quant_type.block_size else "Q6_K"


def _fitting(wanted: str, width: int) -> Quantiser:
    """The quantiser whose blocks a row of `width` fills: F16's at last."""
    quantiser = BY_NAME[wanted]
    if quantiser.quant_type.id < 0:  # no type of GGUF: the container will say so
        return quantiser
    if width % quantiser.quant_type.block_size and quantiser.fallback is not None:
        quantiser = BY_NAME[quantiser.fallback]
    return BY_NAME["F16"] if width % quantiser.quant_type.block_size else quantiser
