"""Models through GGUF, APR, safetensors and checkpoints: the same numbers, rows and metadata."""

import json
import shutil

import gguf
import llamas
import numpy as np
import pytest
from checkpoints import safetensors_bytes, write_checkpoint
from safetensors import safe_open
from small_models import small_model

from ml.architectures import open_model
from ml.containers import open_container
from ml.containers.gguf_pairs import typed, untyped
from ml.conversion import BY_MIXTURE, convert, open_source
from ml.conversion.packing import LARGEST_SHARE
from ml.conversion.sameness import differing
from ml.errors import BadConversion, FileUnwritable, MlError
from ml.file_comparison import compare_files

#: Folder or suffix of what is written.
CONTAINERS = ("apr", "safetensors", "checkpoint")


def named(folder, name, container):
    """A path whose name asks for a container."""
    return folder / (name if container == "checkpoint" else f"{name}.{container}")


def results(a, b):
    """How the tensors of two files compare."""
    return {pair.result for pair in compare_files(open_container(a), open_container(b))}


def to(source, target, mixture=None, **more):
    """Convert a path."""
    chosen = None if mixture is None else BY_MIXTURE[mixture]
    return convert(open_source(source), target, mixture=chosen, **more)


@pytest.mark.parametrize("container", CONTAINERS)
def test_there_and_back_is_the_same_file(container, tiny4, tmp_path):
    """GGUF to another container and back gives the very file again, vocabulary and all."""
    there, back = named(tmp_path, "there", container), tmp_path / "back.gguf"
    to(tiny4, there)
    assert results(tiny4, there) == {"equal"}
    to(there, back)
    assert back.read_bytes() == tiny4.read_bytes()


def test_packed_file_through_apr(reference, tmp_path):
    """Q4_K, Q6_K and F32 blocks go through APR as they are."""
    source = reference / "tiny4-Q4_K_M.gguf"
    to(source, tmp_path / "there.apr")
    to(tmp_path / "there.apr", tmp_path / "back.gguf")
    assert (tmp_path / "back.gguf").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("suffix", [".gguf", ".apr", ".safetensors"])
def test_a_copy_in_the_same_container(suffix, tiny4, tmp_path):
    """Without another type, a file written anew in its own container is the same file."""
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    to(tiny4, first)
    done = to(first, second)
    assert first.read_bytes() == second.read_bytes()
    assert done.digest_before == done.digest_after


@pytest.mark.parametrize("name", list(llamas.VARIANTS))
def test_llama_both_ways(name, tmp_path):
    """Rows of q and k, biases, scaled rotations: as llama.cpp's converter and Hugging Face have it.

    Both files come from `tests/support/llamas.py`, which knows nothing of the conversion.
    """
    variant = llamas.VARIANTS[name]
    theirs = llamas.write_checkpoint(variant, tmp_path / "theirs")
    ours = llamas.write_gguf(variant, tmp_path / "ours.gguf")
    to(theirs, tmp_path / "made.gguf")
    assert results(ours, tmp_path / "made.gguf") == {"equal"}
    for file in (tmp_path / "made.gguf", ours):
        stored = open_container(file).tensor_bytes("blk.0.attn_q.weight")
        assert np.array_equal(stored, open_container(ours).tensor_bytes("blk.0.attn_q.weight"))
    to(ours, tmp_path / "made")
    assert results(theirs, tmp_path / "made") == {"equal"}
    to(ours, tmp_path / "made.apr")
    to(tmp_path / "made.apr", tmp_path / "back.gguf")
    assert (tmp_path / "back.gguf").read_bytes() == ours.read_bytes()
    configs = [open_model(tmp_path / file).config for file in ("theirs", "made", "made.gguf")]
    assert not differing(configs[0], configs[1])
    assert not differing(configs[0], configs[2])


def test_config_that_is_written(tiny4, tmp_path):
    """config.json has decimals as people write them, and opens as the model it came from."""
    to(tiny4, tmp_path / "made")
    config = json.loads((tmp_path / "made" / "config.json").read_text())
    assert (config["rms_norm_eps"], config["rope_theta"]) == (1e-6, 1e6)
    assert (config["model_type"], config["torch_dtype"]) == ("qwen2", "float16")
    assert config["tie_word_embeddings"] is True
    assert open_model(tmp_path / "made").config == open_model(tiny4).config


def test_checkpoint_of_another_writer(tiny4, tmp_path):
    """A checkpoint in two files, of bfloat16, becomes a GGUF file with float32 vectors."""
    theirs = write_checkpoint(tiny4, tmp_path / "theirs", files=2, is_bf16=True)
    to(theirs, tmp_path / "made.gguf")
    made = open_container(tmp_path / "made.gguf")
    assert results(theirs, tmp_path / "made.gguf") == {"equal", "equal values"}
    kinds = {info.quant_type.name for info in made.tensors.values() if len(info.shape) == 1}
    assert kinds == {"F32"}
    assert made.metadata["general.file_type"] == 32
    assert made.metadata["general.name"] == "theirs"


def test_safetensors_in_the_package(tiny4, tmp_path):
    """The safetensors package reads what is written: names of Hugging Face, aligned numbers."""
    to(tiny4, tmp_path / "made.safetensors")
    with safe_open(tmp_path / "made.safetensors", "numpy") as file:
        found = file.get_tensor("model.layers.3.self_attn.q_proj.weight")
        assert file.metadata()["format"] == "pt"
    tensors = open_container(tmp_path / "made.safetensors").tensors
    for info in tensors.values():
        assert info.offset % info.quant_type.block_bytes == 0
    wanted = open_container(tiny4).tensor_bytes("blk.3.attn_q.weight").view("<f2")
    assert np.array_equal(found.reshape(-1), wanted)


def test_gguf_in_the_package(tiny4, tmp_path):
    """The gguf package reads what is written: every field and every tensor as in the source."""
    write_checkpoint(tiny4, tmp_path / "theirs")
    to(tmp_path / "theirs", tmp_path / "made.gguf", "q8_0")
    reader = gguf.GGUFReader(tmp_path / "made.gguf")
    assert reader.get_field("general.architecture").contents() == "qwen2"
    assert reader.get_field("general.file_type").contents() == 7
    assert reader.get_field("general.quantization_version").contents() == 2
    assert {tensor.name for tensor in reader.tensors} == set(open_container(tiny4).tensors)
    assert all(tensor.data_offset % 32 == 0 for tensor in reader.tensors)


def test_other_alignments(tmp_path, gguf_maker):
    """`general.alignment` of the source holds for the output, and pads its last tensor too."""
    pair = gguf_maker.pair("general.alignment", 4, (128).to_bytes(4, "little"))
    row = gguf_maker.row("t", (40,), 1, 0)
    source = gguf_maker.write([pair], [row], bytes(128), alignment=128)
    to(source, tmp_path / "copy.gguf")
    assert (tmp_path / "copy.gguf").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("mixture", ["f32", "f16", "bf16"])
def test_plain_types(mixture, tiny4, tmp_path):
    """Matrices change their type, vectors stay; f32 of f16 keeps every number."""
    done = to(tiny4, tmp_path / "made.gguf", mixture)
    made = open_container(tmp_path / "made.gguf").tensors
    kinds = {name: info.quant_type.name for name, info in made.items()}
    assert {kinds[one.name] for one in done.tensors if len(one.shape) == 2} == {mixture.upper()}
    assert {kinds[one.name] for one in done.tensors if len(one.shape) == 1} == {"F32"}
    assert (
        results(tiny4, tmp_path / "made.gguf")
        == {
            "f32": {"equal", "equal values"},
            "f16": {"equal"},
            "bf16": {"equal", "differs"},
        }[mixture]
    )


def test_packed_file_as_plain_numbers(reference, tmp_path):
    """A packed file becomes a checkpoint in f32 with the numbers that its blocks stand for."""
    source = reference / "tiny4-Q4_K_M.gguf"
    with pytest.raises(BadConversion, match="checkpoint has no type Q6_K"):
        to(source, tmp_path / "made")
    to(source, tmp_path / "made", "f32")
    assert results(source, tmp_path / "made") == {"equal", "equal values"}


def test_packed_twice_is_refused(reference, tmp_path):
    """What is lost would add up: the original is asked for."""
    with pytest.raises(BadConversion, match="already"):
        to(reference / "tiny4-Q8_0.gguf", tmp_path / "made.gguf", "q4_0")


@pytest.mark.parametrize("mixture", ["apr_q8", "apr_q4", "q4_k_m"])
def test_types_of_apr(mixture, tmp_path):
    """APR's own types and padded rows are written, read again, and hold the limit told of them."""
    source = small_model(tmp_path / "small.gguf")
    done = to(source, tmp_path / "made.apr", mixture)
    shares = [one.error.share for one in done.tensors if one.error is not None]
    most = {"apr_q8": 0.03, "apr_q4": 0.12, "q4_k_m": LARGEST_SHARE}[mixture]
    assert 0 < max(shares) < most
    opened = open_model(tmp_path / "made.apr")
    assert opened.config == open_model(source).config
    with pytest.raises(BadConversion, match="gguf has no type"):
        to(tmp_path / "made.apr", tmp_path / "back.gguf")
    to(tmp_path / "made.apr", tmp_path / "back.gguf", "f32")
    assert results(tmp_path / "made.apr", tmp_path / "back.gguf") == {"equal", "equal values"}


def test_types_of_apr_alone(tiny4, tmp_path):
    """GGUF has no place for APR's own types."""
    with pytest.raises(BadConversion, match="gguf has no type APR_Q8"):
        to(tiny4, tmp_path / "made.gguf", "apr_q8")


def test_never_over_a_file(tiny4, tmp_path):
    """A file that is there stays, unless it is to be replaced; the input never is."""
    target = tmp_path / "made.gguf"
    target.write_bytes(b"mine")
    with pytest.raises(FileUnwritable, match="is there already"):
        to(tiny4, target)
    assert target.read_bytes() == b"mine"
    to(tiny4, target, is_forced=True)
    assert target.read_bytes() == tiny4.read_bytes()
    with pytest.raises(FileUnwritable, match="the input itself"):
        to(target, target, is_forced=True)
    (tmp_path / "link.gguf").symlink_to(target)
    with pytest.raises(FileUnwritable, match="the input itself"):
        to(target, tmp_path / "link.gguf", is_forced=True)
    assert target.read_bytes() == tiny4.read_bytes()


def test_the_input_of_a_folder(tiny4, tmp_path):
    """Nor is a file of a checkpoint written over by what it becomes."""
    write_checkpoint(tiny4, tmp_path / "theirs")
    with pytest.raises(FileUnwritable, match="the input itself"):
        to(tmp_path / "theirs", tmp_path / "theirs" / "model.safetensors", is_forced=True)
    with pytest.raises(FileUnwritable, match="is a folder"):
        to(tiny4, tmp_path / "theirs", is_forced=True)


@pytest.mark.parametrize("container", ["gguf", *CONTAINERS])
def test_nothing_is_left_of_a_failure(container, tiny4, tmp_path, monkeypatch):
    """Where writing stops in the middle, nothing stands in the folder that was not there."""
    source = open_source(tiny4)
    taken = source.container.inner.tensor_bytes

    def failing(name):
        if name == "blk.2.attn_q.weight":
            raise BadConversion("stopped", hint="none")
        return taken(name)

    monkeypatch.setattr(type(source.container.inner), "tensor_bytes", lambda _, name: failing(name))
    with pytest.raises(BadConversion, match="stopped"):
        convert(source, named(tmp_path, "made", container))
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_not_there(tiny4, tmp_path):
    """A path that cannot be written is named."""
    with pytest.raises(FileUnwritable, match="cannot"):
        to(tiny4, tmp_path / "none" / "made.gguf")
    with pytest.raises(FileUnwritable, match="cannot"):
        to(tiny4, tmp_path / "none" / "made")


def test_unknown_suffix(tiny4, tmp_path):
    """A container that is not written is refused by its suffix."""
    with pytest.raises(BadConversion, match=r"ends in \.onnx"):
        to(tiny4, tmp_path / "made.onnx")


def test_unknown_architecture(tmp_path):
    """Across containers the architecture must be known; within one, tensors are copied."""
    content = safetensors_bytes({"a.weight": ("F32", (2,), bytes(8))}, {"format": "pt"})
    (tmp_path / "one.safetensors").write_bytes(content)
    with pytest.raises(BadConversion, match=r"no general\.architecture"):
        to(tmp_path / "one.safetensors", tmp_path / "made.gguf")
    to(tmp_path / "one.safetensors", tmp_path / "made.safetensors")
    to(tmp_path / "one.safetensors", tmp_path / "made.apr")
    assert results(tmp_path / "one.safetensors", tmp_path / "made.apr") == {"equal"}


@pytest.mark.parametrize(("value", "mixture"), [(np.nan, "q8_0"), (1e30, "q4_0"), (7e4, "f16")])
def test_numbers_that_a_type_cannot_hold(value, mixture, tmp_path):
    """NaN cannot be packed, nor what is beyond a half: the tensor is named, nothing is written."""

    def change(tensors):
        tensors["blk.0.ffn_up.weight"][3, 5] = value

    source = small_model(tmp_path / "small.gguf", change=change)
    with pytest.raises(BadConversion, match=r"blk\.0\.ffn_up\.weight"):
        to(source, tmp_path / "made.gguf", mixture)
    assert not (tmp_path / "made.gguf").exists()


def test_config_edited_since(tiny4, tmp_path):
    """Where config.json was changed, it counts, and not the pairs that were carried along."""
    to(tiny4, tmp_path / "made")
    path = tmp_path / "made" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rope_theta": 500000.0}))
    to(tmp_path / "made", tmp_path / "back.gguf")
    opened = open_container(tmp_path / "back.gguf")
    assert opened.metadata["qwen2.rope.freq_base"] == 500000.0
    assert len(opened.metadata["tokenizer.ggml.tokens"]) == 512
    assert opened.metadata["general.name"] == "tiny4"


def test_moved_output_is_the_same(tiny4, tmp_path):
    """Nothing in an output depends on where it lies or when it was made."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(tiny4, tmp_path / folder / f"{folder}.gguf")
        to(tmp_path / folder / f"{folder}.gguf", tmp_path / folder / "made.apr", "apr_q8")
    assert (tmp_path / "one/made.apr").read_bytes() == (tmp_path / "two/made.apr").read_bytes()


def test_values_of_pairs():
    """Values without a GGUF type get the converters': u32, f32, bool, string, and arrays."""
    assert untyped("k", 7) == typed("k", "u32", 7)
    assert untyped("k", -7) == typed("k", "i64", -7)
    assert untyped("k", 0.5) == typed("k", "f32", 0.5)
    assert untyped("k", True) == typed("k", "bool", True)
    assert untyped("k", [True]) == typed("k", "bool", [True])
    assert untyped("k", ["a", "b"]) == typed("k", "string", ["a", "b"])
    with pytest.raises(MlError):
        untyped("k", None)


def test_mistral_is_llama_in_gguf(tmp_path):
    """Hugging Face's Mistral becomes what GGUF calls it, rows permuted, the same pass."""
    theirs = llamas.write_checkpoint(llamas.VARIANTS["plain"], tmp_path / "theirs")
    config = json.loads((theirs / "config.json").read_text())
    changed = {"model_type": "mistral", "architectures": ["MistralForCausalLM"]}
    changed |= {"sliding_window": None}
    (theirs / "config.json").write_text(json.dumps(config | changed))
    assert open_model(theirs).config.architecture == "mistral"
    to(theirs, tmp_path / "made.gguf")
    made = open_container(tmp_path / "made.gguf")
    assert made.metadata["general.architecture"] == "llama"
    assert not any(key.startswith("mistral.") for key in made.metadata)
    ours = llamas.write_gguf(llamas.VARIANTS["plain"], tmp_path / "ours.gguf")
    wanted = open_container(ours).tensor_bytes("blk.0.attn_q.weight")
    assert np.array_equal(made.tensor_bytes("blk.0.attn_q.weight"), wanted)
    to(theirs, tmp_path / "made.apr")
    assert open_model(tmp_path / "made.apr").config.architecture == "mistral"


def test_part_of_a_model(tmp_path, gguf_maker):
    """One of several files of a model is not taken for the whole."""
    split = gguf_maker.pair("split.count", 2, (3).to_bytes(2, "little"))
    source = gguf_maker.write([split], [gguf_maker.row("t", (32,), 0, 0)], bytes(128))
    with pytest.raises(BadConversion, match="one of 3 files"):
        to(source, tmp_path / "copy.gguf")


def test_large_padded_rows_compare(tmp_path):
    """Rows that are blocks of their own are compared piece by piece, like any other."""
    tensors = {"model.embed_tokens.weight": ("F32", (1100, 300), bytes(1100 * 300 * 4))}
    (tmp_path / "one.safetensors").write_bytes(safetensors_bytes(tensors, {}))
    to(tmp_path / "one.safetensors", tmp_path / "one.apr", "q4_k_m")
    to(tmp_path / "one.apr", tmp_path / "two.apr", "f32")
    assert results(tmp_path / "one.apr", tmp_path / "two.apr") == {"equal values"}
