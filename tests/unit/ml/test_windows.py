"""Which layers see a window: what files may say, and what is refused."""

import json
import re

import pytest
from windowed_models import LAYERS, VARIANTS, config, write_checkpoint, write_gguf

from ml.architectures import open_model
from ml.containers.hf_windows import window_metadata
from ml.errors import UnknownTensor, UnsupportedModel

PATTERN = "attention.sliding_window_pattern"


@pytest.mark.parametrize(
    ("pattern", "windows"),
    [
        ([True, False, True], (5, 0, 5)),
        ([1, 0, 0], (5, 0, 0)),
        ([False, False, False], ()),
        (0, (5, 5, 5)),
        (1, ()),
        (2, (5, 0, 5)),
        (3, (5, 5, 0)),
        (100, (5, 5, 5)),
    ],
    ids=str,
)
def test_patterns(pattern, windows, tmp_path):
    """A flag a layer, or every nth layer sees everything."""
    path = write_gguf(VARIANTS["mistral"], tmp_path / "model.gguf", keys={PATTERN: pattern})
    found = open_model(path).config
    assert found.windows == windows
    assert [found.window(layer) for layer in range(LAYERS)] == list(windows or (0, 0, 0))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({PATTERN: [True, False]}, "pattern is 2 values for 3 layers"),
        ({PATTERN: [True] * 4}, "pattern is 4 values for 3 layers"),
        ({PATTERN: [0, 1, 2]}, "holds something that is no flag"),
        ({PATTERN: "every other"}, "pattern is every other"),
        ({PATTERN: True}, "pattern is True"),
        ({PATTERN: 0.5}, "pattern is 0.5"),
        ({"attention.sliding_window": [5, 5, 5]}, "not a positive whole number"),
        ({"attention.sliding_window": "5"}, "not a positive whole number"),
    ],
    ids=str,
)
def test_patterns_that_are_not_known(keys, says, tmp_path):
    """Refused with the value: a guess would change the numbers without a word."""
    path = write_gguf(VARIANTS["mistral"], tmp_path / "model.gguf", keys=keys)
    with pytest.raises(UnsupportedModel, match=re.escape(says)):
        open_model(path)


@pytest.mark.parametrize(
    ("settings", "metadata"),
    [
        ({"model_type": "qwen3"}, {}),
        ({"model_type": "qwen3", "sliding_window": 8}, {}),
        ({"model_type": "qwen3", "sliding_window": 8, "use_sliding_window": False}, {}),
        (
            {"model_type": "qwen3", "use_sliding_window": True, "num_hidden_layers": 2},
            {"attention.sliding_window": 4096, PATTERN: [False, False]},
        ),
        (
            {
                "model_type": "qwen2",
                "use_sliding_window": True,
                "sliding_window": 8,
                "max_window_layers": 1,
                "num_hidden_layers": 3,
            },
            {"attention.sliding_window": 8, PATTERN: [False, True, True]},
        ),
        ({"model_type": "mistral"}, {"attention.sliding_window": 4096}),
        ({"model_type": "mistral", "sliding_window": None}, {}),
        ({"model_type": "mistral", "sliding_window": 8}, {"attention.sliding_window": 8}),
    ],
    ids=str,
)
def test_what_config_json_means(settings, metadata, tmp_path):
    """By transformers' rules, defaults included."""
    assert window_metadata(settings, tmp_path / "config.json") == metadata


@pytest.mark.parametrize("kinds", [7, ["full_attention", {}], ["sparse"]], ids=str)
def test_kinds_of_layers_that_are_not_known(kinds, tmp_path):
    """Layers of another kind, and a list that is none."""
    settings = {"model_type": "qwen2", "use_sliding_window": True, "layer_types": kinds}
    with pytest.raises(UnsupportedModel, match="layer_types"):
        window_metadata(settings, tmp_path / "config.json")


def test_a_llama_with_a_window_is_refused(tmp_path):
    """Transformers' Llama ignores it, so a checkpoint that has one is not what it says."""
    folder = write_checkpoint(VARIANTS["mistral"], tmp_path / "model")
    told = config(VARIANTS["mistral"]) | {"model_type": "llama"}
    (folder / "config.json").write_text(json.dumps(told))
    with pytest.raises(UnsupportedModel, match="sliding_window is 5"):
        open_model(folder)


def test_qwen3_needs_its_norms_and_the_width_of_a_head(tmp_path):
    """Without norms it is another model; without head_dim transformers takes 128."""
    folder = write_checkpoint(VARIANTS["mistral"], tmp_path / "model")
    told = config(VARIANTS["qwen3"])
    (folder / "config.json").write_text(json.dumps(told))
    with pytest.raises(UnknownTensor, match=re.escape("blk.0.attn_q_norm.weight is missing")):
        open_model(folder)
    del told["head_dim"]
    (folder / "config.json").write_text(json.dumps(told))
    with pytest.raises(UnknownTensor, match=re.escape("not [512, 64]")):
        open_model(folder)


def test_a_hostile_count_of_layers(tmp_path):
    """Four thousand million layers with a window are refused before a table of them is built."""
    keys = {"block_count": 2**32 - 1}
    path = write_gguf(VARIANTS["qwen3"], tmp_path / "plain.gguf", keys={})
    assert open_model(path).config.windows == ()
    path = write_gguf(VARIANTS["mistral"], tmp_path / "model.gguf", keys={})
    data = path.read_bytes()
    at = data.index(b"llama.block_count") + len(b"llama.block_count") + 4
    path.write_bytes(data[:at] + keys["block_count"].to_bytes(4, "little") + data[at + 4 :])
    with pytest.raises(UnsupportedModel, match="4294967295 layers with a window"):
        open_model(path)
