"""Model files that are written: llama.cpp's own bytes, and the same passes through every reader."""

import gguf
import numpy as np
import pytest

from ml import quant_types
from ml.architectures import open_model
from ml.conversion import BY_MIXTURE, convert, open_source
from ml.tracing import trace

PROMPT = (319, 75, 75, 78, 220, 272, 68)


def rows_of(path, engine="a", activation="none"):
    """Every number that a trace keeps of a pass."""
    traced = trace(path, PROMPT, engine=engine, device="cpu", activation=activation)
    return traced.blob


@pytest.mark.parametrize("name", ["Q8_0", "Q4_K_M"])
def test_the_file_of_llama_quantize(reference, name, tmp_path):
    """tiny4 packed here is, as a whole file, what llama-quantize made of it."""
    source = open_source(reference / "tiny4-f16.gguf")
    convert(source, tmp_path / "made.gguf", mixture=BY_MIXTURE[name.lower()])
    wanted = (reference / f"tiny4-{name}.gguf").read_bytes()
    assert (tmp_path / "made.gguf").read_bytes() == wanted


@pytest.mark.parametrize("engine", ["a", "numpy"])
@pytest.mark.parametrize("name", ["made.apr", "made"])
def test_same_rows_from_other_containers(reference, engine, name, tmp_path):
    """A pass of the model from APR, or from a checkpoint, keeps the very bytes of GGUF's pass."""
    source = reference / "tiny4-f16.gguf"
    convert(open_source(source), tmp_path / name)
    assert rows_of(tmp_path / name, engine) == rows_of(source, engine)


@pytest.mark.parametrize("engine", ["a", "b"])
def test_packed_rows_from_apr(reference, engine, tmp_path):
    """Blocks of Q4_K and Q6_K are the same in APR, and so is the pass."""
    source = reference / "tiny4-Q4_K_M.gguf"
    convert(open_source(source), tmp_path / "made.apr")
    activation = "q8" if engine == "b" else "none"
    found = rows_of(tmp_path / "made.apr", engine, activation)
    assert found == rows_of(source, engine, activation)


@pytest.mark.slow
@pytest.mark.parametrize("mixture", ["q4_0", "q5_0", "q6_k", "q5_k_m"])
def test_packed_files_load(reference, mixture, tmp_path):
    """Other types load in both engines, which agree on what they compute."""
    path = tmp_path / "made.gguf"
    convert(open_source(reference / "tiny4-f16.gguf"), path, mixture=BY_MIXTURE[mixture])
    a, b = (trace(path, PROMPT, engine=engine, device="cpu") for engine in ("a", "b"))
    assert np.abs(a.logits - b.logits).max() < 1e-4 * np.abs(a.logits).max() + 1e-4


@pytest.mark.parametrize("mixture", ["q8_0", "q4_0", "q4_k_m"])
def test_other_readers(reference, mixture, tmp_path):
    """The gguf package and tinygrad read the same numbers out of the file as we do."""
    from tinygrad import Tensor
    from tinygrad.llm.gguf import gguf_load

    path = tmp_path / "made.gguf"
    convert(open_source(reference / "tiny4-f16.gguf"), path, mixture=BY_MIXTURE[mixture])
    model = open_model(path)
    theirs = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    _, read = gguf_load(Tensor(path))[:2]
    for name in ("token_embd.weight", "blk.3.attn_v.weight", "blk.1.ffn_down.weight"):
        info = model.tensors[name]
        ours = quant_types.decode(
            info.quant_type, model.container.tensor_bytes(name), info.shape, tensor=name
        )
        packed = theirs[name]
        assert np.array_equal(gguf.quants.dequantize(packed.data, packed.tensor_type), ours)
        found = read[name].float().to("CPU").numpy()
        assert np.abs(found - ours).max() <= 1e-3 * np.abs(ours).max()


def test_own_types_of_apr_in_a_pass(reference, tmp_path):
    """AprQ8 is decoded on the host for engine a: near the f16 model's pass; engine b refuses it."""
    from ml.errors import MlError

    source = reference / "tiny4-f16.gguf"
    convert(open_source(source), tmp_path / "made.apr", mixture=BY_MIXTURE["apr_q8"])
    found = trace(tmp_path / "made.apr", PROMPT, engine="a", device="cpu").logits
    wanted = trace(source, PROMPT, engine="a", device="cpu").logits
    assert 0 < np.abs(found - wanted).max() < 0.1 * np.abs(wanted).max()
    with pytest.raises(MlError, match="APR_Q8"):
        trace(tmp_path / "made.apr", PROMPT, engine="b", device="cpu")
