"""Sound model files with bytes changed at random: a file that opens, or one of our errors.

One target a parser. Bytes are set, cut out, put in twice, and numbers are replaced by the ones that
parsers fall over; what opens is then read as a whole. Memory is watched all the time: whatever a
header claims, a parser may take a few times the file's size and no more.
"""

import contextlib
import functools
import json
import re
import struct
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from checkpoints import config_of, safetensors_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.architectures import open_model
from ml.containers import open_container
from ml.containers.base import map_file
from ml.errors import MlError

REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "tiny4-f16.gguf"
#: A minute in all, on one core.
EXAMPLES = 2200
#: Bytes that any parser here may hold at a time, for files of some kilobytes.
MOST_MEMORY = 4_000_000

NUMBERS = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
WORDS = [struct.pack("<Q", n) for n in NUMBERS] + [struct.pack("<I", n % 2**32) for n in NUMBERS]
#: What breaks readers of JSON.
PIECES = [
    *(str(n).encode() for n in (*NUMBERS, -1, 2**64, 10**30)),
    *(b"1e400", b"0.5", b"null", b"NaN", b'"', b"\\", b"\\ud800", b"\xff", b"{", b"}", b"[", b"]"),
    *(b"[" * 40, b'{"a":' * 40, b",", b":", b"\n", b"\0", b'"F16"', b"[]", b'"__metadata__":{},'),
]

#: What is replaced as a whole: words of JSON, and in a GGUF file fields with small numbers.
TOKEN = re.compile(rb'"[^"]*"|[0-9]{1,20}|[\[\]{}:,]|[^\0]\0{7}|[^\0]\0{3}', re.DOTALL)


def changes(pieces):
    """Some changes: how, where (a share of the length), over how many bytes, with what."""
    data = st.one_of(st.sampled_from(pieces), st.binary(min_size=1, max_size=6))
    how = st.sampled_from(["set", "set", "token", "token", "put", "cut", "twice"])
    # Scattered, because small numbers are drawn more often than others.
    where = st.integers(0, 2**16 - 1).map(lambda number: number * 40_503 % 2**16 / 2**16)
    one = st.tuples(how, where, st.integers(1, 40), data)
    return st.lists(one, min_size=1, max_size=3)


def changed(content, wanted):
    """Content after all changes."""
    made = bytearray(content)
    for how, where, size, data in wanted:
        at = int(where * len(made))
        if how == "set":
            made[at : at + len(data)] = data
        elif how == "token":
            spans = [token.span() for token in TOKEN.finditer(bytes(made))] or [(at, at + 8)]
            start, end = spans[int(where * len(spans))]
            made[start:end] = data
        elif how == "put":
            made[at:at] = data
        elif how == "cut":
            del made[at : at + size]
        else:
            made[at:at] = made[at : at + size]
    return bytes(made)


def sound_gguf(*, has_long_text=True):
    """A file with every sort of value, and a few tensors."""

    def text(value):
        return struct.pack("<Q", len(value)) + value

    values = [
        (b"general.architecture", struct.pack("<I", 8) + text(b"qwen2")),
        (b"general.alignment", struct.pack("<II", 4, 32)),
        (b"strings", struct.pack("<IIQ", 9, 8, 3) + text(b"a") + text(b"") + text(b"bcd")),
        (b"floats", struct.pack("<IIQ3f", 9, 6, 3, 1, 2, 3)),
        (b"nested", struct.pack("<IIQIQ2B", 9, 9, 1, 0, 2, 1, 2)),
        (b"long", struct.pack("<I", 8) + text(b"x" * (5000 if has_long_text else 5))),
        *((b"scalar%d" % t, struct.pack(f"<I{c}", t, 1)) for t, c in enumerate("BbHhIi")),
    ]
    rows = [
        text(b"t%d" % number) + struct.pack("<IQIQ", 1, 32, kind, 64 * number)
        for number, kind in enumerate((8, 1, 30))
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(rows), len(values))
    head += b"".join(text(key) + value for key, value in values) + b"".join(rows)
    return head + bytes(-len(head) % 32) + bytes(192)


def sound_safetensors():
    """A file with several types and metadata, named as Hugging Face does."""
    return safetensors_bytes(
        {
            "model.embed_tokens.weight": ("F16", (4, 2), bytes(16)),
            "model.norm.weight": ("F32", (2,), bytes(8)),
            "model.layers.0.self_attn.q_proj.bias": ("BF16", (), bytes(2)),
            "empty": ("I64", (0, 3), b""),
        },
        {"format": "pt", "é": "\\u00e9"},
    )


@functools.cache
def sound_config():
    """The config.json of tiny4."""
    return json.dumps(config_of(open_container(REFERENCE))).encode()


def sound_index():
    """An index that says that every tensor of the file above is in it."""
    content = sound_safetensors()
    header = json.loads(content[8 : 8 + struct.unpack_from("<Q", content)[0]])
    places = {name: "model.safetensors" for name in header if name != "__metadata__"}
    return json.dumps({"metadata": {"total_size": 26}, "weight_map": places}).encode()


def read_whole(path):
    """Open and touch everything that a reader may touch."""
    file = open_container(path)
    for key in file.metadata:
        # Values that are decoded when they are asked for may turn out to be no text.
        with contextlib.suppress(MlError):
            file.preview(key, 3)
        with contextlib.suppress(MlError):
            file.metadata[key]
    for name, tensor in file.tensors.items():
        assert len(file.tensor_bytes(name)) == tensor.size_bytes
        assert tensor.offset + tensor.size_bytes <= file.size_bytes
    with contextlib.suppress(MlError):
        open_model(path)


def opened_or_refused(path):
    """One MlError, or a file; never another error, and never much memory."""
    tracemalloc.start()
    try:
        with contextlib.suppress(MlError):
            read_whole(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY


@contextlib.contextmanager
def folder_with(**files):
    """A temporary folder with files; `_` in a name stands for a dot."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name.replace("_", ".")).write_bytes(content)
        yield Path(folder)


@pytest.mark.slow
@given(changes(WORDS), st.booleans())
@settings(max_examples=EXAMPLES)
def test_gguf(wanted, has_long_text):
    """Any bytes anywhere in a GGUF file."""
    content = changed(sound_gguf(has_long_text=has_long_text), wanted)
    with folder_with(a_gguf=content) as folder:
        opened_or_refused(folder / "a.gguf")


@pytest.mark.slow
@given(changes([*PIECES, *WORDS]), st.booleans())
@settings(max_examples=EXAMPLES)
def test_safetensors(wanted, keep_length):
    """Any bytes anywhere in a safetensors file; half of them with the length put right again."""
    content = sound_safetensors()
    size = struct.unpack_from("<Q", content)[0]
    if keep_length:
        text = changed(content[8 : 8 + size], wanted)
        content = struct.pack("<Q", len(text)) + text + content[8 + size :]
    else:
        content = changed(content, wanted)
    with folder_with(a_safetensors=content) as folder:
        opened_or_refused(folder / "a.safetensors")


@pytest.mark.slow
@given(changes(PIECES), st.sampled_from(["config", "index", "both"]))
@settings(max_examples=EXAMPLES)
def test_checkpoint(wanted, what):
    """Any bytes anywhere in config.json or in the index of a checkpoint."""
    config, index = sound_config(), sound_index()
    with folder_with(model_safetensors=sound_safetensors()) as folder:
        if what != "index":
            config = changed(config, wanted)
        if what != "config":
            index = changed(index, wanted)
        (folder / "config.json").write_bytes(config)
        (folder / "model.safetensors.index.json").write_bytes(index)
        opened_or_refused(folder)


def test_what_is_fuzzed_is_sound(tmp_path):
    """Unchanged, the files open, and memory is measured: a map of the whole is not counted."""
    for name, content in (("a.gguf", sound_gguf()), ("a.safetensors", sound_safetensors())):
        path = tmp_path / name
        path.write_bytes(content)
        assert open_container(path).tensors
        opened_or_refused(path)
        assert len(map_file(path)) == len(content)
    (tmp_path / "config.json").write_bytes(sound_config())
    (tmp_path / "model.safetensors").write_bytes(sound_safetensors())
    (tmp_path / "model.safetensors.index.json").write_bytes(sound_index())
    assert len(open_container(tmp_path).tensors) == 4
