"""Sound APR files with bytes changed at random and checksums mended: read inside, or refused."""

import contextlib
import json
import tempfile
import tracemalloc
from pathlib import Path

from apr_bytes import file_bytes, mended
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.containers import open_container
from ml.containers.apr_writing import write_apr
from ml.containers.gguf_pairs import CARRIED, carry, typed
from ml.containers.json_text import JsonCursor
from ml.containers.writing import OutgoingTensor
from ml.errors import MlError
from ml.quant_types import find

#: Bytes that the parser may hold at a time, for files of a kilobyte.
MOST_MEMORY = 4_000_000
NUMBERS = (0, 1, 63, 64, 2**16 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
PIECES = [number.to_bytes(8, "little") for number in NUMBERS]
PIECES += [b'"', b"\\", b"[", b"{", b"}", b"null", b"1e999", b"9" * 5000, b"\xff", b"\0"]


def sound():
    """A file with several types, carried pairs, and keys of other writers."""
    pairs = [
        typed("general.architecture", "string", "qwen2"),
        typed("tokens", "string", ["a", "bc", ""]),
        typed("floats", "f32", [1.0, 2.0]),
    ]
    metadata = {
        "model_type": "qwen2",
        "hidden_size": 64,
        "rope_theta": 1e6,
        "special_tokens": {"bos": [1, 2]},
        CARRIED: carry(pairs),
    }
    tensors = {
        "a": (0, (2, 3), bytes(24)),
        "b": (128, (5, 7), bytes(36)),
        "c": (129, (5,), bytes(9)),
        "d": (12, (3, 300), bytes(864)),
        "model.norm.weight": (1, (4,), bytes(8)),
    }
    return file_bytes(metadata, tensors)


SOUND = sound()
#: Where the tensors' data begins: what is behind it is only numbers.
HEAD = int.from_bytes(SOUND[32:40], "little")
changes = st.lists(
    st.tuples(
        st.integers(0, HEAD - 1),
        st.one_of(st.sampled_from(PIECES), st.binary(min_size=1, max_size=4)),
        st.sampled_from(["set", "put", "cut"]),
    ),
    min_size=1,
    max_size=3,
)


def changed(wanted):
    """The sound file after all changes."""
    made = bytearray(SOUND)
    for at, data, how in wanted:
        if how == "set":
            made[at : at + len(data)] = data
        elif how == "put":
            made[at:at] = data
        else:
            del made[at : at + len(data)]
    return bytes(made)


def read_whole(path):
    """Open and touch everything that a reader may touch."""
    file = open_container(path)
    for key in file.metadata:
        with contextlib.suppress(MlError):
            file.preview(key, 3)
        with contextlib.suppress(MlError):
            file.metadata[key]
    for name, tensor in file.tensors.items():
        assert len(file.tensor_bytes(name)) == tensor.size_bytes
        assert tensor.offset + tensor.size_bytes <= file.size_bytes - 4
    assert len(file.digest()) == 64


def test_the_sound_file_opens(tmp_path):
    """What is damaged below is sound before."""
    path = tmp_path / "sound.apr"
    path.write_bytes(SOUND)
    read_whole(path)


@settings(max_examples=1000, deadline=None)
@given(wanted=changes, is_mended=st.sampled_from([True, True, True, False]))
def test_changed_files(wanted, is_mended):
    """One of our errors, or a file whose every tensor lies inside it; never more memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.apr"
        data = changed(wanted)
        path.write_bytes(mended(data) if is_mended and len(data) > 68 else data)
        tracemalloc.start()
        try:
            with contextlib.suppress(MlError):
                read_whole(path)
            assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
        finally:
            tracemalloc.stop()


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
shapes = st.lists(st.integers(1, 5), max_size=4).map(tuple)


@settings(max_examples=150, deadline=None)
@given(
    tensors=st.dictionaries(names, st.tuples(shapes, st.sampled_from([0, 1, 30])), max_size=6),
    keys=st.dictionaries(names, st.one_of(st.none(), st.integers(-9, 9), names), max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_written_is_read(tensors, keys, seed):
    """Any names, shapes and keys come back as they went in."""
    import numpy as np

    draw = np.random.default_rng(seed)
    wanted = {}
    for name, (shape, number) in tensors.items():
        kind = find(number)
        data = draw.integers(0, 256, kind.size_bytes(int(np.prod(shape))), dtype=np.uint8).tobytes()
        wanted[name] = (shape, kind, data)
    outgoing = [
        OutgoingTensor(name=name, shape=shape, quant_type=kind, pieces=lambda data=data: [data])
        for name, (shape, kind, data) in wanted.items()
    ]
    document = {f"x {key}": value for key, value in keys.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.apr"
        with path.open("wb") as file:
            write_apr(file, document, outgoing)
        read = open_container(path)
        assert {key: read.document[key] for key in document} == document
        stored = {str(info.stored_as): info for info in read.tensors.values()}
        assert set(stored) == set(wanted)
        for name, (shape, kind, data) in wanted.items():
            assert (stored[name].shape, stored[name].quant_type) == (shape, kind)
            assert bytes(read.tensor_bytes(stored[name].name)) == data
            assert stored[name].offset % 64 == 0


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def is_stepped_over(text):
    """Whether the cursor takes a text for one whole value."""
    cursor = JsonCursor(Path("x.json"), memoryview(text), 0, len(text), "none")
    with contextlib.suppress(MlError):
        cursor.skip("x", 65_535)
        return cursor.peek() == b""
    return False


@settings(max_examples=300, deadline=None)
@given(value=values, indent=st.sampled_from([None, 1]))
def test_any_json_is_stepped_over(value, indent):
    """Long lists by one regular expression, all else by itself: every value, and all of it."""
    text = json.dumps(value, indent=indent)
    assert is_stepped_over(text.replace("Infinity", "1e999").encode())


#: Without escapes, which are looked at when a text is asked for, and numbers too long for Python.
WRONG = [piece for piece in PIECES if piece not in (b"\\", b"9" * 5000)]


@settings(max_examples=400, deadline=None)
@given(value=values, at=st.integers(0, 10_000), data=st.sampled_from(WRONG))
def test_what_is_no_json_is_not_stepped_over(value, at, data):
    """What the cursor takes for a value, the json module does, too."""
    text = bytearray(json.dumps(value).replace("Infinity", "1e999").encode())
    at %= len(text) + 1
    text[at : at + 1] = data
    # Texts are decoded and their escapes read when they are asked for.
    if is_stepped_over(bytes(text)) and b"\\" not in text:
        json.loads(text.decode("utf-8", "replace"))
