"""What each tensor becomes in the output, decided before the first byte is written."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from attrs import frozen

from ml.architectures.rope_scaling import FACTORS
from ml.containers import TensorInfo
from ml.containers.gguf_pairs import Pair, typed
from ml.containers.writing import OutgoingTensor
from ml.conversion import rotation
from ml.conversion.packing import Repacking
from ml.conversion.source import Source
from ml.conversion.targets import Target
from ml.errors import BadConversion
from ml.quant_types.floats import F32
from ml.quantise import BY_NAME, Quantiser
from ml.quantise.mixtures import Chosen, Mixture, choose, file_order

_FLOATS: Final = ("F64", "F32", "F16", "BF16")
_FILE_TYPES: Final = {"F32": 0, "F16": 1, "BF16": 32}
#: Architecture -> what GGUF calls it, where that is another one.
GGUF_NAMES: Final = {"mistral": "llama"}
_VERSION, _FILE_TYPE, _SPLIT = "general.quantization_version", "general.file_type", "split."
#: Version of the K types, as llama.cpp states it.
QUANTISATION_VERSION: Final = 2


@frozen(kw_only=True)
class Planned:
    """One tensor of the output."""

    info: TensorInfo
    outgoing: OutgoingTensor
    repacking: Repacking | None
    """None where its bytes stay as they are."""
    wanted: str
    """GGML's name of the type that it should have got; another one where rows do not fill it."""


def make_plan(
    source: Source, target: Target, mixture: Mixture | None, pool: ThreadPoolExecutor | None
) -> list[Planned]:
    """Return the tensors of the output, in its order.

    Raises `BadConversion` where a packed tensor would be packed again: what is lost would add up.
    """
    chosen = _chosen(source, target, mixture)
    order: Sequence[str] = source.order
    if mixture is not None and target.is_gguf:
        order = sorted(order, key=file_order)
    plan = [
        _plan_one(source, target, name, chosen.get(name), pool)
        for name in order
        if not (name == FACTORS and target.has_config)
    ]
    return [*plan, *_computed(source, target)]


def _computed(source: Source, target: Target) -> list[Planned]:
    """The tensor of Llama 3's factors, which GGUF has and a config says in four numbers."""
    config = source.config
    if not target.is_gguf or config is None or config.rope_scaling.kind != "llama3":
        return []
    data = rotation.factors(config).astype("<f4").tobytes()
    shape = (config.head_dim // 2,)
    info = TensorInfo(name=FACTORS, shape=shape, quant_type=F32, offset=0, size_bytes=len(data))
    outgoing = OutgoingTensor(name=FACTORS, shape=shape, quant_type=F32, pieces=lambda: [data])
    return [Planned(info=info, outgoing=outgoing, repacking=None, wanted=F32.name)]


def _chosen(source: Source, target: Target, mixture: Mixture | None) -> dict[str, Chosen]:
    if mixture is None:
        return {}
    infos = source.container.tensors
    config = source.config
    layers = 0 if config is None else config.layers
    is_wide = config is not None and layers == 80 and config.heads != config.kv_heads
    shapes = {name: info.shape for name, info in infos.items()}
    chosen = choose(
        mixture, shapes, layers=layers, is_wide=is_wide, is_for_apr=target.name == "apr"
    )
    for name, one in chosen.items():
        have = infos[name].quant_type
        if mixture.is_packed and have.name not in _FLOATS and have != one.quantiser.quant_type:
            raise BadConversion(
                f"{name} is {have.name} already: packed again, what is lost adds up",
                hint="quantise the model that it was made from, in f32, f16 or bf16",
            )
    return chosen


def _plan_one(
    source: Source,
    target: Target,
    name: str,
    chosen: Chosen | None,
    pool: ThreadPoolExecutor | None,
) -> Planned:
    info = source.container.tensors[name]
    quantiser = _quantiser(source, target, info, chosen)
    kind = info.quant_type if quantiser is None else quantiser.quant_type
    if quantiser is None or kind == info.quant_type:
        return Planned(
            info=info,
            outgoing=OutgoingTensor(
                name=target.stored_name(name),
                shape=info.shape,
                quant_type=kind,
                pieces=lambda: [source.tensor_bytes(name, is_for_gguf=target.is_gguf).data],
            ),
            repacking=None,
            wanted=kind.name,
        )
    # Views of the file, but for rows that move: a tensor that waits costs nothing.
    repacking = Repacking(
        name=name,
        kind=info.quant_type,
        data=source.container.tensor_bytes(name),
        elements=info.elements,
        quantiser=quantiser,
        pool=pool,
    )

    def pieces() -> Iterator[memoryview]:
        repacking.data = source.tensor_bytes(name, is_for_gguf=target.is_gguf)
        yield from repacking.pieces()
        repacking.data = repacking.data[:0]

    return Planned(
        info=info,
        outgoing=OutgoingTensor(
            name=target.stored_name(name), shape=info.shape, quant_type=kind, pieces=pieces
        ),
        repacking=repacking,
        wanted=quantiser.name if chosen is None else chosen.wanted,
    )


def _quantiser(
    source: Source, target: Target, info: TensorInfo, chosen: Chosen | None
) -> Quantiser | None:
    """What a tensor is packed with; None where it stays."""
    if chosen is not None:
        return chosen.quantiser
    # Vectors are float32 in GGUF, whatever a checkpoint has: programs add them as such.
    is_from_elsewhere = not source.container.format.startswith("gguf")
    is_vector = len(info.shape) == 1 and info.quant_type.name in ("F16", "BF16", "F64")
    return BY_NAME["F32"] if target.is_gguf and is_from_elsewhere and is_vector else None


def make_pairs(
    source: Source, target: Target, plan: Sequence[Planned], mixture: Mixture | None
) -> list[Pair]:
    """Return GGUF's metadata of the output: the source's, and what it says of its types.

    As llama-quantize has it: both keys stand last, and those of a split file go.
    """
    pairs = list(source.pairs)
    if target.is_gguf and source.config is not None:
        theirs = source.config.architecture
        pairs = _renamed(pairs, theirs, GGUF_NAMES.get(theirs, theirs))
    if not pairs:
        return []
    if any(one.info.name == FACTORS for one in plan):
        pairs = [one for one in pairs if ".rope.scaling." not in one.key]
    if mixture is not None:
        gone = (_VERSION, _FILE_TYPE)
        pairs = [one for one in pairs if one.key not in gone and not one.key.startswith(_SPLIT)]
        pairs.append(typed(_VERSION, "u32", QUANTISATION_VERSION))
        if mixture.file_type is not None:
            pairs.append(typed(_FILE_TYPE, "u32", mixture.file_type))
    elif not source.has_own_pairs and _FILE_TYPE not in {one.key for one in pairs}:
        kinds = {one.outgoing.quant_type.name for one in plan if len(one.info.shape) > 1}
        if len(kinds) == 1 and (kind := kinds.pop()) in _FILE_TYPES:
            pairs.append(typed(_FILE_TYPE, "u32", _FILE_TYPES[kind]))
    return pairs


def _renamed(pairs: list[Pair], theirs: str, ours: str) -> list[Pair]:
    """Pairs of one architecture under the name of another."""
    if theirs == ours:
        return pairs
    renamed = [
        Pair(f"{ours}.{one.key.removeprefix(f'{theirs}.')}", one.data)
        if one.key.startswith(f"{theirs}.")
        else one
        for one in pairs
    ]
    named = typed("general.architecture", "string", ours)
    return [named if one.key == named.key else one for one in renamed]
