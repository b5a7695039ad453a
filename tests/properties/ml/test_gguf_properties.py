"""The own GGUF parser against the gguf package, and against bytes that nobody meant."""

import contextlib
import tempfile
from pathlib import Path

import gguf
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.containers import open_container
from ml.errors import MlError

REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "tiny4-f16.gguf"
HEADER = REFERENCE.read_bytes()[:12_800]

TEXTS = st.text(max_size=20).filter(lambda text: text.isprintable())
KEYS = st.text("abcdefghij._", min_size=1, max_size=20).map(lambda key: f"x.{key}")
SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**31), 2**31 - 1), TEXTS, st.floats(width=32, allow_nan=False)
)
ARRAYS = st.one_of(
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=9),
    st.lists(TEXTS, min_size=1, max_size=9),
)
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
NAMES = st.text("abcdef.0123", min_size=1, max_size=30)


@given(
    st.dictionaries(KEYS, st.one_of(SCALARS, ARRAYS), max_size=6),
    st.dictionaries(NAMES, SHAPES, min_size=1, max_size=6),
    st.sampled_from([None, 64, 256]),
)
@settings(max_examples=60)
def test_what_the_gguf_package_writes_is_read(pairs, tensors, alignment):
    """Metadata, names, shapes, bytes and offsets."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "written.gguf"
        arrays = write(path, pairs, tensors, alignment)
        file = open_container(path)
        for key, value in pairs.items():
            found = file.metadata[key]
            assert (list(found) if isinstance(value, list) else found) == value
        theirs = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        assert list(file.tensors) == list(theirs)
        for name, array in arrays.items():
            assert file.tensors[name].shape == array.shape
            assert file.tensors[name].offset == theirs[name].data_offset
            assert file.tensor_bytes(name).tobytes() == array.tobytes()


def write(path, pairs, tensors, alignment):
    """Write a file with the gguf package; return its tensors."""
    writer = gguf.GGUFWriter(path, "qwen2")
    if alignment:
        writer.add_custom_alignment(alignment)
    for key, value in pairs.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_int32(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, str):
            # Its writer drops empty strings; ours is to read what a file holds.
            writer.add_string(key, value or "-")
            pairs[key] = value or "-"
        else:
            writer.add_array(key, value)
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape).astype("<f4") for name, shape in tensors.items()}
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return arrays


@given(st.integers(0, len(HEADER) - 1), st.binary(min_size=1, max_size=12))
@settings(max_examples=300)
def test_damaged_headers_open_or_say_why(offset, damage):
    """Any bytes anywhere in a real header: a file that opens, or one MlError; never another."""
    content = bytearray(REFERENCE.read_bytes()[: len(HEADER)])
    content[offset : offset + len(damage)] = damage
    opened_or_refused(bytes(content) + bytes(6_571_008))


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_random_bytes_after_the_magic(content):
    """The same for files that are hardly GGUF at all."""
    opened_or_refused(b"GGUF\x03\0\0\0" + content)


def opened_or_refused(content):
    """Open and touch everything that a reader may touch."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.gguf"
        path.write_bytes(content)
        try:
            file = open_container(path)
        except MlError:
            return
        for key in file.metadata:
            with contextlib.suppress(MlError):  # a string of an array that is no UTF-8
                file.metadata[key]
        for name, tensor in file.tensors.items():
            assert len(file.tensor_bytes(name)) == tensor.size_bytes
