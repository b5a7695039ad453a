"""Every room that can grow: its tuple names what its folder holds, members keep the contract."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import ml
from ml import errors
from ml.architectures import ARCHITECTURES
from ml.containers import CONTAINERS
from ml.engines import ENGINES
from ml.errors import MlError
from ml.generation import STEPS
from ml.quant_types import DECODED, QUANT_TYPES
from ml.quantise import BY_NAME, QUANTISERS
from ml.tokenizer import TOKEN_MODELS
from ml.tokenizer.pretokenizers import PRETOKENIZERS

ROOM = Path(ml.__file__).parent
# Files of a room that are no member: its list, its contract, and what members are made of.
NO_MEMBERS = {"__init__", "base"}


def members(room, *parts):
    """Names of the files of a room that should be members."""
    return {path.stem for path in (ROOM / room).glob("*.py")} - NO_MEMBERS - set(parts)


def test_every_decoded_quant_type_has_its_file():
    """And every file its rows."""
    files = {t.decode.__module__.rpartition(".")[2] for t in DECODED}
    assert files == members("quant_types", "apr", "fields", "undecoded")


def test_every_quantiser_has_its_file():
    """Names are unique, and what a type falls back to is in the table."""
    files = {one.encode.__module__.rpartition(".")[2] for one in QUANTISERS}
    assert files == members("quantise", "mixtures", "scale_search", "scales_and_minimums")
    assert len(BY_NAME) == len(QUANTISERS)
    assert all(one.fallback is None or one.fallback in BY_NAME for one in QUANTISERS)


def test_every_engine_has_its_file():
    """Ids are unique."""
    files = {type(engine).__module__.rpartition(".")[2] for engine in ENGINES}
    parts = ("dequantised_weights", "device_rows", "forced", "reference_rotation")
    parts += ("tinygrad_attention", "tinygrad_cache", "tinygrad_captures", "tinygrad_graph")
    parts += ("tinygrad_one_by_one", "tinygrad_prefill", "tinygrad_run", "tinygrad_session")
    parts += ("tinygrad_chunks",)
    parts += ("tinygrad_scorer",)
    parts += ("integer_activations", "integer_blocks", "integer_kernels", "integer_weights")
    assert files == members("engines", *parts)
    assert len({engine.id for engine in ENGINES}) == len(ENGINES)


def test_every_architecture_has_its_file():
    """A file is named as the architecture."""
    parts = ("decoder", "metadata", "rope_scaling", "row_order", "windows")
    assert {a.id for a in ARCHITECTURES} == members("architectures", *parts)


def test_every_step_of_a_sampler_has_its_file():
    """In the order in which they are applied."""
    parts = ("document", "generator", "golden", "quality", "sampler", "stream")
    assert {step.__module__.rpartition(".")[2] for step in STEPS} == members("generation", *parts)


def test_every_token_model_has_its_file():
    """A kind of vocabulary is opened by one of them, and no pre-tokenizer has two rows."""
    parts = (
        "ascii_words",
        "fragments",
        "hugging_face",
        "pretokenizer_patterns",
        "pretokenizers",
        "vocabulary",
    )
    files = {kind.open.__module__.rpartition(".")[2] for kind in TOKEN_MODELS}
    assert files == members("tokenizer", *parts)
    names = [name for row in PRETOKENIZERS for name in row.names]
    assert len(names) == len(set(names))


def test_every_container_has_its_file():
    """A magic each."""
    files = {opener.__module__.rpartition(".")[2] for _, opener in CONTAINERS}
    parts = ("dtypes", "gguf_values", "hf_config", "hf_windows", "json_text", "names")
    parts += ("apr_layout", "apr_metadata", "gguf_pairs", "hf_config_writing")
    parts += ("apr_writing", "gguf_writing", "safetensors_writing", "writing")
    assert files == members("containers", *parts)
    assert len({magic for magic, _ in CONTAINERS}) == len(CONTAINERS)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.id)
def test_engines_describe_the_same_fields(engine):
    """A path record has the same fields whoever computed it."""
    assert engine.activations[0] == "none"
    for activation in engine.activations:
        assert set(engine.describe(activation)) == {
            "accumulate_dtype",
            "activation_dtype",
            "attention_form",
            "engine_version",
        }
    for quant_type in QUANT_TYPES:
        assert engine.weight_decoding(quant_type)
        assert engine.activation_quantisation(quant_type, "none") == "none"


def test_errors_have_one_base_that_is_never_raised():
    """`raise MlError` stands nowhere."""
    raised = [path for path in ROOM.rglob("*.py") if "raise MlError" in path.read_text()]
    assert raised == []
    own = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(issubclass(value, MlError) for value in own if value.__module__ == "ml.errors")


def test_every_module_has_a_docstring_and_a_bounded_length():
    """Hard limit 400 lines."""
    for path in ROOM.rglob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith('"""'), path
        assert len(lines) <= 400, path


def test_importing_the_room_is_instant():
    """No third-party module comes with it."""
    program = "import sys, ml; print(any(m in sys.modules for m in ('numpy', 'attrs', 'tinygrad')))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOM.parent,
    )
    assert done.stdout.strip() == "False"


def test_no_module_has_a_forbidden_name():
    """The house rule."""
    names = {path.stem for path in ROOM.rglob("*.py")}
    assert not names & {"utils", "common", "helpers", "manager"}
    assert importlib.import_module("ml.tracing").trace
