"""Every quant type through engine a (tinygrad's decoder, or the table and saying so), and b."""

import gguf
import numpy as np
import pytest

from ml.architectures import open_model
from ml.containers import TensorInfo
from ml.devices import resolve
from ml.engines.dequantised import TINYGRAD_TYPES
from ml.quant_types import DECODED, QUANT_TYPES
from ml.tracing import trace

PROMPT = (319, 75, 75, 78, 220, 272, 68)
HALVES = {
    **dict.fromkeys(("Q4_0", "Q5_0", "Q8_0", "IQ4_NL", "IQ4_XS"), (0,)),
    **dict.fromkeys(("IQ2_S", "IQ3_S", "IQ3_XXS"), (0,)),
    **dict.fromkeys(("Q4_1", "Q5_1", "Q4_K", "Q5_K"), (0, 2)),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q6_K": (208,),
    "MXFP4": (),
}
PACKED = tuple(t for t in QUANT_TYPES if t.name in HALVES)


def random_blocks(quant_type, count, seed=0):
    """Random blocks with scales of ordinary size."""
    rng = np.random.default_rng((seed, quant_type.id))
    blocks = rng.integers(0, 256, (count, quant_type.block_bytes), dtype=np.uint8)
    for at in HALVES[quant_type.name]:
        halves = rng.uniform(0.001, 0.003, count).astype("<f2")
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(count, 2)
    if quant_type.name == "MXFP4":
        blocks[:, 0] = rng.integers(115, 122, count)
    return blocks


def test_the_list_of_tinygrads_types_is_tinygrads():
    """Of the types in our table, exactly those that its GGUF module decodes."""
    from tinygrad.llm import gguf as module

    known = module._GGML_NATIVE.keys() | module._GGML_QUANT.keys()
    assert {t.name for t in QUANT_TYPES if t.id in known} == TINYGRAD_TYPES


@pytest.mark.parametrize("quant_type", PACKED, ids=lambda t: t.name)
def test_engine_a_decodes_as_gguf_does(quant_type):
    """Random blocks: equal up to the order of two roundings, and bit-equal through the table."""
    chosen = resolve("cpu")
    from ml.engines.dequantised_weights import decode
    from ml.tinygrad_devices import fixed_settings

    blocks = random_blocks(quant_type, 512)
    shape = (512, quant_type.block_size)
    info = TensorInfo(
        name="x", shape=shape, quant_type=quant_type, offset=0, size_bytes=blocks.size
    )
    with fixed_settings(chosen.tinygrad_name):
        ours = decode(info, blocks.reshape(-1), chosen.tinygrad_name).numpy()
    theirs = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType(quant_type.id))
    allowed = 3e-7 if quant_type.name in TINYGRAD_TYPES else 0.0
    assert (np.abs(ours - theirs) <= allowed * np.abs(theirs).max(axis=1, keepdims=True)).all()


def write_model(reference, path, packed):
    """Write tiny4 anew with some matrices packed otherwise: name -> (quant type, bytes)."""
    model = open_model(reference / "tiny4-f16.gguf")
    writer = gguf.GGUFWriter(path, "qwen2")
    adders = {int: writer.add_uint32, float: writer.add_float32}
    for key, value in model.container.metadata.items():
        if key.startswith("qwen2.") and type(value) in adders:
            adders[type(value)](key, value)
    for name, info in model.tensors.items():
        if name in packed:
            quant_type, data = packed[name]
            rows = data.reshape(info.shape[0], -1)
            writer.add_tensor(name, rows, raw_dtype=gguf.GGMLQuantizationType(quant_type.id))
        else:
            dtype = {"F32": "<f4", "F16": "<f2"}[info.quant_type.name]
            plain = model.container.tensor_bytes(name).view(dtype).reshape(info.shape)
            writer.add_tensor(name, plain)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def agree(one, other):
    """Every captured activation within 1e-5 of the std."""
    for key, ours in one.tensors.items():
        theirs = other.tensors[key].astype(np.float64)
        assert np.sqrt(((ours - theirs) ** 2).mean()) <= 1e-5 * theirs.std(), key


@pytest.mark.slow
def test_a_model_of_every_type_runs_and_the_path_says_who_decoded(reference, tmp_path):
    """One matrix a decoded type in one file: engine a and numpy agree, the host's part is named."""
    matrices = [
        f"blk.{layer}.{name}.weight"
        for layer in range(4)
        for name in ("attn_q", "attn_k", "ffn_up", "ffn_gate")
    ]
    model = open_model(reference / "tiny4-f16.gguf")
    decoded = [t for t in DECODED if t in PACKED]
    assert len(decoded) == 13
    packed = {}
    for name, quant_type in zip(matrices, decoded, strict=False):
        count = model.tensors[name].elements // quant_type.block_size
        packed[name] = (quant_type, random_blocks(quant_type, count))
    path = write_model(reference, tmp_path / "mixed.gguf", packed)
    a, numpy = (
        trace(path, PROMPT, engine=engine, device="cpu", keep_tensors=True)
        for engine in ("a", "numpy")
    )
    agree(a, numpy)
    on_host = {k for k, v in a.path["weight_formats"].items() if "on the host" in v}
    assert on_host == {"Q2_K", "Q3_K", "IQ4_NL"}
    assert set(a.path["weight_formats"]) == {t.name for t in decoded} | {"F16", "F32"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Q4_0", "Q5_0", "Q5_K"])
def test_engine_b_runs_models_of_its_other_types(reference, tmp_path, name):
    """All matrices of one type: plain activations agree with numpy, quantised ones come near."""
    quant_type = next(t for t in QUANT_TYPES if t.name == name)
    model = open_model(reference / "tiny4-f16.gguf")
    packed = {}
    for seed, (tensor, info) in enumerate(model.tensors.items()):
        if len(info.shape) == 2:
            count = info.elements // quant_type.block_size
            data = random_blocks(quant_type, count, seed)
            if name != "Q5_K":  # the gguf package can pack these: real weights
                weights = model.container.tensor_bytes(tensor).view("<f2").astype(np.float32)
                data = gguf.quants.quantize(
                    weights.reshape(info.shape), gguf.GGMLQuantizationType[name]
                )
            packed[tensor] = (quant_type, data)
    path = write_model(reference, tmp_path / "packed.gguf", packed)
    numpy = trace(path, PROMPT, engine="numpy", keep_tensors=True)
    agree(trace(path, PROMPT, engine="b", device="cpu", keep_tensors=True), numpy)
    q8 = trace(path, PROMPT, engine="b", device="cpu", activation="q8", keep_tensors=True)
    for key, ours in q8.tensors.items():
        theirs = numpy.tensors[key].astype(np.float64)
        distance = np.sqrt(((ours - theirs) ** 2).mean()) / theirs.std()
        assert distance <= 0.2, (key, distance)
    products = ("qkv", 0), ("logits", None)
    assert all(not np.array_equal(q8.tensors[key], numpy.tensors[key]) for key in products)
