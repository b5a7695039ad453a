"""Opening a model: config, and every tensor named that is missing, odd or of another shape."""

import pytest

from ml.architectures import ARCHITECTURES, open_model
from ml.errors import MlError, UnknownArchitecture, UnknownTensor, UnsupportedModel


def test_tiny4_config(tiny4):
    """Every knob, as the file gives it."""
    model = open_model(tiny4)
    config = model.config
    assert (config.layers, config.hidden, config.feed_forward, config.vocabulary) == (
        4,
        256,
        768,
        512,
    )
    assert (config.heads, config.kv_heads, config.head_dim) == (4, 2, 64)
    assert (config.q_width, config.kv_width, config.context_length) == (256, 128, 2048)
    assert config.norm_epsilon == pytest.approx(1e-6)
    assert (config.rope_theta, config.tied_output) == (1e6, True)
    assert (model.name, model.parameter_count) == ("tiny4", 3_281_152)
    assert model.output_tensor == "token_embd.weight"


def rewritten(path, tmp_path, old, new):
    """Copy a model with bytes of its header replaced by as many others."""
    content = path.read_bytes()
    assert len(old) == len(new)
    assert content.count(old) == 1
    copy = tmp_path / "odd.gguf"
    copy.write_bytes(content.replace(old, new))
    return copy


def test_an_unknown_architecture_is_named(tiny4, tmp_path):
    """And the known ones are in the hint."""
    key = b"general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0"
    path = rewritten(tiny4, tmp_path, key + b"qwen2", key + b"bloom")
    with pytest.raises(UnknownArchitecture, match="'bloom'") as caught:
        open_model(path)
    assert all(architecture.id in caught.value.hint for architecture in ARCHITECTURES)


def test_missing_and_unexpected_tensors_are_named(tiny4, tmp_path):
    """A renamed tensor is both."""
    path = rewritten(tiny4, tmp_path, b"blk.2.attn_v.bias", b"blk.2.attn_v.odd_")
    with pytest.raises(UnknownTensor) as caught:
        open_model(path)
    assert "blk.2.attn_v.bias is missing" in str(caught.value)
    assert "blk.2.attn_v.odd_ is not expected" in str(caught.value)


def test_another_shape_is_named(tiny4, tmp_path):
    """Extents swapped in the table: as many bytes, another shape."""
    name = b"blk.1.ffn_down.weight\x02\0\0\0"
    was = (768).to_bytes(8, "little") + (256).to_bytes(8, "little")
    path = rewritten(tiny4, tmp_path, name + was, name + was[8:] + was[:8])
    with pytest.raises(UnknownTensor, match=r"\[768, 256\], not \[256, 768\]"):
        open_model(path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            b"qwen2.block_count\x04\0\0\0\x04\0\0\0",
            b"qwen2.block_count\x04\0\0\0\x00\0\0\0",
            "is 0",
        ),
        (
            b"qwen2.block_count\x04\0\0\0\x04\0\0\0",
            b"qwen2.block_count\x06\0\0\0\x04\0\0\0",
            "not a",
        ),
        (b"qwen2.block_count", b"qwen2.block_xxxxx", "has no qwen2.block_count"),
        (b".head_count_kv\x04\0\0\0\x02", b".head_count_kv\x04\0\0\0\x03", "4 heads, 3 kv heads"),
    ],
)
def test_metadata_that_does_not_hold(tiny4, tmp_path, old, new, says):
    """Zero layers, a float for a count, a missing key, kv heads that do not divide."""
    with pytest.raises(MlError, match=says):
        open_model(rewritten(tiny4, tmp_path, old, new))


def test_a_hostile_layer_count_builds_no_table(tiny4, tmp_path):
    """Two billion layers are refused by counting tensors."""
    key = b"qwen2.block_count\x04\0\0\0"
    path = rewritten(tiny4, tmp_path, key + b"\x04\0\0\0", key + b"\xff\xff\xff\x7f")
    with pytest.raises(UnknownTensor, match="claims 2147483647 layers"):
        open_model(path)


def test_what_is_not_implemented_is_refused(gguf_maker):
    """RoPE scaling would be silently wrong."""
    path = gguf_maker.write(
        [
            gguf_maker.pair("general.architecture", 8, gguf_maker.text("qwen2")),
            gguf_maker.pair("qwen2.rope.scaling.type", 8, gguf_maker.text("yarn")),
        ]
    )
    with pytest.raises(UnsupportedModel, match=r"rope\.scaling\.type is 'yarn'"):
        open_model(path)


def test_a_vocabulary_only_file(vocabularies):
    """It names what is missing."""
    with pytest.raises(MlError):
        open_model(vocabularies / "ggml-vocab-qwen2.gguf")
