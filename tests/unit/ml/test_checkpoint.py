"""Checkpoints of Hugging Face: config to metadata, names, shards, and what does not fit."""

import json
import re
import subprocess

import pytest
from checkpoints import safetensors_bytes, write_checkpoint

from ml.architectures import open_model
from ml.containers import canonical_name, open_container
from ml.containers.checkpoint import LARGEST_INDEX
from ml.containers.hf_config import LARGEST_CONFIG
from ml.containers.names import hugging_face_name
from ml.errors import (
    FileUnreadable,
    MalformedFile,
    MlError,
    UnknownArchitecture,
    UnknownTensor,
    UnsupportedModel,
)

INDEX = "model.safetensors.index.json"


@pytest.fixture(params=[1, 3], ids=["one file", "three files"])
def checkpoint(request, tiny4, tmp_path):
    """tiny4 as a checkpoint."""
    return write_checkpoint(tiny4, tmp_path / "tiny4", files=request.param)


@pytest.fixture
def sharded(tiny4, tmp_path):
    """tiny4 as a checkpoint of three files."""
    return write_checkpoint(tiny4, tmp_path / "tiny4", files=3)


def change(path, **changes):
    """Change keys of a JSON file; None takes one away."""
    found = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in found.items() if v is not None}))


def test_a_checkpoint_is_the_model_of_its_gguf(checkpoint, tiny4):
    """One config, one set of tensors, the same bytes under the same names."""
    ours, theirs = open_model(checkpoint), open_model(tiny4)
    assert ours.config == theirs.config
    assert ours.parameter_count == theirs.parameter_count
    assert set(ours.tensors) == set(theirs.tensors)
    for name, info in ours.tensors.items():
        of_gguf = theirs.tensors[name]
        assert (info.shape, info.quant_type) == (of_gguf.shape, of_gguf.quant_type)
        data = ours.container.tensor_bytes(name)
        assert data.tobytes() == theirs.container.tensor_bytes(name).tobytes()
        whole = (checkpoint / info.file).read_bytes()
        assert whole[info.offset : info.offset + info.size_bytes] == data.tobytes()


def test_a_checkpoint_is_opened_by_its_parts(sharded):
    """Folder, config and index give the same; one file alone is just that, with its own names."""
    wanted = open_container(sharded)
    for name in ("config.json", INDEX):
        found = open_container(sharded / name)
        assert (found.path, dict(found.tensors)) == (sharded, dict(wanted.tensors))
    alone = open_container(sharded / "model-00001-of-00003.safetensors")
    assert "model.embed_tokens.weight" in alone.tensors
    assert dict(alone.metadata) == {"format": "pt"}


def test_the_digest_is_what_sha256sum_says(checkpoint):
    """Of the lines over config and files, so that anybody can compute it; the config counts."""
    line = "LC_ALL=C; sha256sum config.json *.safetensors | sha256sum"
    said = subprocess.run(
        ["bash", "-c", line], cwd=checkpoint, capture_output=True, text=True, check=True
    )
    before = open_container(checkpoint).digest()
    assert said.stdout.split()[0] == before
    change(checkpoint / "config.json", rope_theta=5e5)
    assert open_container(checkpoint).digest() != before


def test_names_go_both_ways(tiny4):
    """Every tensor of tiny4 has a name at Hugging Face that leads back; others stay as they are."""
    names = list(open_container(tiny4).tensors)
    there = [hugging_face_name(name) for name in names]
    assert [canonical_name(name) for name in there] == names
    assert not set(there) & set(names)
    for odd in ("model.layers.01.input_layernorm.weight", "model.layers.1.odd.weight", "x", ""):
        assert canonical_name(odd) == odd
    assert hugging_face_name("blk.0.odd.weight") == "blk.0.odd.weight"
    assert canonical_name("lm_head.weight") == "output.weight"


@pytest.mark.parametrize(
    ("changes", "key", "value"),
    [
        ({"rope_theta": 500000}, "rope.freq_base", 500000.0),
        ({"rope_theta": None}, "rope.freq_base", None),
        (
            {"rope_theta": None, "rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}},
            "rope.freq_base",
            1e4,
        ),
        ({"rope_parameters": {"rope_type": "default"}}, "rope.scaling.type", "none"),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "rope.scaling.type", "linear"),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "rope.scaling.factor", 2.0),
        ({"rope_scaling": "odd"}, "rope.scaling.type", None),
        ({"head_dim": 32}, "attention.key_length", 32),
        ({"use_sliding_window": True}, "attention.sliding_window", 32768),
        ({"use_sliding_window": False}, "attention.sliding_window", None),
        ({"rms_norm_eps": 1e-6}, "attention.layer_norm_rms_epsilon", 9.999999974752427e-07),
        ({"rms_norm_eps": 1e300}, "attention.layer_norm_rms_epsilon", 1e300),
        ({"rms_norm_eps": "tiny"}, "attention.layer_norm_rms_epsilon", "tiny"),
        ({"num_local_experts": 8}, "expert_count", 8),
    ],
)
def test_config_to_metadata(tiny4, tmp_path, changes, key, value):
    """Each row of the table, and what is passed on for the architecture to refuse."""
    folder = write_checkpoint(tiny4, tmp_path / "tiny4")
    change(folder / "config.json", **changes)
    assert open_container(folder).metadata.get(f"qwen2.{key}") == value


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope.scaling.type is 'yarn'"),
        ({"use_sliding_window": True, "max_window_layers": -1}, "max_window_layers is -1"),
        (
            {"use_sliding_window": True, "layer_types": ["chunked_attention"] * 4},
            "layer_types has chunked_attention",
        ),
        ({"hidden_act": "gelu"}, "hidden_act is gelu"),
        ({"quantization_config": {"bits": 4}}, "quantization_config is {'bits': 4}"),
        ({"mlp_bias": True}, "mlp_bias is True"),
        ({"num_hidden_layers": "4"}, "block_count is '4'"),
        ({"hidden_size": None}, "has no qwen2.embedding_length"),
        ({"rms_norm_eps": -1}, "rms_epsilon is -1.0"),
        ({"tie_word_embeddings": False}, "no lm_head.weight"),
        ({"model_type": None}, "model_type is None"),
        ({"model_type": 7}, "model_type is 7"),
    ],
    ids=str,
)
def test_a_config_that_is_not_implemented(tiny4, tmp_path, changes, says):
    """Whatever would change the numbers without a word is refused with a word."""
    folder = write_checkpoint(tiny4, tmp_path / "tiny4")
    change(folder / "config.json", **changes)
    with pytest.raises(UnsupportedModel, match=re.escape(says)) as caught:
        open_model(folder)
    assert "convert" not in caught.value.hint


def test_other_architectures_can_be_looked_at(tiny4, tmp_path):
    """Inspecting needs no architecture; running does, and names it."""
    folder = write_checkpoint(tiny4, tmp_path / "tiny4")
    change(folder / "config.json", model_type="bert", hidden_act="gelu")
    assert open_container(folder).metadata["bert.block_count"] == 4
    with pytest.raises(UnknownArchitecture, match="'bert'"):
        open_model(folder)


def test_another_width_is_named(tiny4, tmp_path):
    """A config that does not fit the tensors: every one of them, by name."""
    folder = write_checkpoint(tiny4, tmp_path / "tiny4")
    change(folder / "config.json", intermediate_size=512)
    with pytest.raises(UnknownTensor, match=r"blk\.0\.ffn_gate\.weight has the shape"):
        open_model(folder)


def test_a_tied_output_that_is_stored_counts_for_nothing(tiny4, tmp_path):
    """As with transformers; and frequencies that follow from the config are left out."""
    folder = write_checkpoint(tiny4, tmp_path / "tiny4")
    tensors = {
        "lm_head.weight": ("F16", (2,), bytes(4)),
        "model.layers.0.self_attn.rotary_emb.inv_freq": ("F32", (1,), bytes(4)),
        "model.norm.weight": ("F32", (1,), bytes(4)),
    }
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    assert list(open_container(folder).tensors) == ["output_norm.weight"]
    change(folder / "config.json", tie_word_embeddings=False)
    assert list(open_container(folder).tensors) == ["output.weight", "output_norm.weight"]


def test_two_names_of_one_tensor(tiny4, tmp_path):
    """Hugging Face's name and ours in one file."""
    folder = write_checkpoint(tiny4, tmp_path / "tiny4")
    tensors = dict.fromkeys(["model.norm.weight", "output_norm.weight"], ("I8", (1,), b"x"))
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    with pytest.raises(MalformedFile, match=r"are both output_norm\.weight"):
        open_container(folder)


def test_what_is_no_checkpoint(sharded, tmp_path):
    """A folder without a config, without weights, with a file missing."""
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileUnreadable, match=r"no config\.json"):
        open_container(empty)
    (empty / "config.json").write_text('{"model_type": "qwen2"}')
    with pytest.raises(FileUnreadable, match=r"neither model\.safetensors nor"):
        open_container(empty)
    (sharded / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(FileUnreadable, match="00002"):
        open_container(sharded)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("[]", "no JSON object"),
        ("{", "at byte 1"),
        ('{"é": nil}', "at byte 7"),
        ('{"a": 1, "a": 1}', "'a' stands twice"),
        ('{"a": ' + "9" * 30 + "}", "beyond 64 bits"),
        ('{"a": ' + "[" * 100_000, "recursion"),
        (b'{"\xff": 1}', "not UTF-8"),
        (" " * (LARGEST_CONFIG + 1), "over the limit"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_configs_that_are_no_json(sharded, text, says):
    """One clear error, with the byte where there is one."""
    raw = text if isinstance(text, bytes) else text.encode()
    (sharded / "config.json").write_bytes(raw)
    with pytest.raises((MalformedFile, FileUnreadable), match=says):
        open_container(sharded)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "no weight_map"),
        ('{"weight_map": {}}', "no weight_map"),
        ('{"weight_map": []}', "expected '{'"),
        ('{"weight_map": {"a": 1}}', "the file of a"),
        ('{"weight_map": {"a": "../x.safetensors"}}', "no name of a safetensors file"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "no name of a safetensors file"),
        ('{"weight_map": {"a": "x", "a": "x"}}', "no name of a safetensors file"),
        ('{"metadata": ' + "[" * 50, "nests deeper"),
        ('{"metadata": nil}', "expected a value"),
        ('{"metadata": {"a": [1, -2.5e3, "x", null]}, "weight_map": {}} x', "goes on"),
        (
            '{"weight_map": {"a": "model-00001-of-00003.safetensors"}}',
            "tensor a is not in model-00001",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_indexes_that_lie(sharded, text, says):
    """Form, paths that lead elsewhere, tensors that are not where they should be."""
    (sharded / INDEX).write_text(text)
    with pytest.raises(MalformedFile, match=says) as caught:
        open_container(sharded)
    assert caught.value.path == sharded / INDEX
    assert 0 <= caught.value.offset <= len(text)


def test_an_index_larger_than_any(sharded):
    """Refused before it is read."""
    with (sharded / INDEX).open("r+b") as file:
        file.truncate(LARGEST_INDEX + 1)
    with pytest.raises(MalformedFile, match="over the limit"):
        open_container(sharded)


def test_tensors_that_the_index_does_not_name(sharded):
    """What lies in a file and not in the index is no part of anything."""
    found = json.loads((sharded / INDEX).read_text())
    found["weight_map"].pop("model.norm.weight")
    (sharded / INDEX).write_text(json.dumps(found))
    with pytest.raises(MalformedFile, match=r"does not say that tensor model\.norm\.weight is in"):
        open_container(sharded)


def test_a_tensor_that_lies_in_two_files(sharded):
    """The index names one of them; the other is no part of the checkpoint, and may differ."""
    found = json.loads((sharded / INDEX).read_text())["weight_map"]
    other = next(file for file in found.values() if file != found["model.norm.weight"])
    content = safetensors_bytes(
        {n: ("I8", (1,), b"x") for n, f in found.items() if f == other}
        | {"model.norm.weight": ("I8", (1,), b"x")}
    )
    (sharded / other).write_bytes(content)
    with pytest.raises(MalformedFile, match=rf"model\.norm\.weight is in {other}"):
        open_container(sharded)


def test_a_safetensors_file_alone_is_no_model(sharded):
    """It lacks the config; the error is one of ours."""
    with pytest.raises(MlError, match=r"general\.architecture"):
        open_model(sharded / "model-00001-of-00003.safetensors")
