"""Hostile and damaged safetensors files: one clear error with the offset; sound ones are read."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy
from checkpoints import safetensors_bytes

from ml import quant_types
from ml.containers import open_container
from ml.containers.base import MOST_TENSORS
from ml.containers.safetensors import LARGEST_HEADER
from ml.errors import MalformedFile, UnknownContainer, UnsupportedQuantType

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HUGE = 2**64 - 1


@pytest.fixture
def write(tmp_path):
    """A writer of files: a header (text, bytes or a value) and data."""

    def write(header, data=b"", *, size=None):
        text = header if isinstance(header, bytes | str) else json.dumps(header)
        raw = text if isinstance(text, bytes) else text.encode()
        path = tmp_path / "made.safetensors"
        length = len(raw) if size is None else size
        path.write_bytes(struct.pack("<Q", length) + raw + data)
        return path

    return write


def refused(path, says):
    """The offset of the one error that opening gives."""
    with pytest.raises(MalformedFile, match=says) as caught:
        open_container(path)
    assert 0 <= caught.value.offset <= path.stat().st_size
    assert caught.value.hint
    return caught.value.offset


ARRAYS = {
    "F64": np.array([[1.5, -2.0]], "<f8"),
    "F32": np.arange(6, dtype="<f4").reshape(2, 3),
    "F16": np.array([1.0, np.nan], "<f2"),
    "I64": np.array([-1, 2**62], "<i8"),
    "I32": np.array([[-(2**31)]], "<i4"),
    "I16": np.array([7], "<i2"),
    "I8": np.array([-128, 127], "i1"),
    "U8": np.array([255], "u1"),
    "BOOL": np.array([True, False]),
    "U16": np.array([65535], "<u2"),
    "U32": np.array([2**32 - 1], "<u4"),
    "U64": np.array([2**64 - 1], "<u8"),
}


def test_what_the_safetensors_package_writes_is_read(tmp_path):
    """Every number type that numpy has, scalars, empty tensors, metadata."""
    arrays = {**ARRAYS, "scalar": np.array(3.0, "<f4"), "empty": np.zeros((0, 5), "<f4")}
    path = tmp_path / "written.safetensors"
    safetensors.numpy.save_file(arrays, path, metadata={"who": "é", "text": 'a"\\\n'})
    file = open_container(path)
    assert file.format == "safetensors"
    assert dict(file.metadata) == {"who": "é", "text": 'a"\\\n'}
    assert file.preview("who", 1) == ("é", None)
    assert set(file.tensors) == set(arrays)
    whole = path.read_bytes()
    for name, array in arrays.items():
        info = file.tensors[name]
        assert (info.shape, info.elements) == (array.shape, array.size)
        assert info.quant_type.name == (name if name in ARRAYS else "F32")
        assert file.tensor_bytes(name).tobytes() == array.tobytes()
        assert whole[info.offset : info.offset + info.size_bytes] == array.tobytes()
    with pytest.raises(ValueError, match="read-only"):
        file.tensor_bytes("F32")[0] = 1


@pytest.mark.parametrize("pad", range(8))
def test_tensors_need_no_alignment(write, pad):
    """Data that begins at any byte decodes to the same numbers, bfloat16 too."""
    data = np.array([1.0, -2.5], "<f4").tobytes() + b"\x80\x3f"
    header = {"a": F32, "b": {"dtype": "BF16", "shape": [1], "data_offsets": [8, 10]}}
    file = open_container(write(json.dumps(header) + " " * pad, data))
    numbers = {
        name: quant_types.decode(t.quant_type, file.tensor_bytes(name), t.shape, tensor=name)
        for name, t in file.tensors.items()
    }
    assert numbers["a"].tolist() == [1.0, -2.5]
    assert numbers["b"].tolist() == [1.0]


def test_tensors_stand_in_file_order(write):
    """By offset, however the header lists them; white space and escapes are JSON's."""
    text = (
        '{ "\\u0062":\t{"shape":[2],"data_offsets":[8,16],"dtype":"F32"} ,\r\n'
        '"a" : {"data_offsets" : [ 0 , 8 ] , "dtype":"F32","shape":[ 2 ]} }  '
    )
    file = open_container(write(text, bytes(16)))
    assert list(file.tensors) == ["a", "b"]


def test_an_empty_header_is_a_file_without_tensors(write):
    """As the reference has it."""
    assert dict(open_container(write("{}")).tensors) == {}


def test_every_truncation_is_one_clear_error(tmp_path):
    """Cut a sound file anywhere: always MalformedFile, at or before the cut."""
    whole = safetensors_bytes({"a": ("F32", (2, 2), bytes(16)), "b": ("I8", (3,), b"abc")})
    path = tmp_path / "cut.safetensors"
    for size in range(1, len(whole)):
        path.write_bytes(whole[:size])
        assert refused(path, r"cut\.safetensors: ") <= size


def test_a_file_of_any_name_is_known_by_its_brace(tmp_path):
    """Eight bytes and a brace; without them, only the name makes it a safetensors file."""
    path = tmp_path / "weights.bin"
    path.write_bytes(safetensors_bytes({"a": ("I8", (1,), b"x")}))
    assert list(open_container(path).tensors) == ["a"]
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(UnknownContainer):
        open_container(path)


@pytest.mark.parametrize(
    ("size", "says"),
    [(HUGE, "over the limit"), (LARGEST_HEADER + 1, "over the limit"), (1000, "has 2 left")],
)
def test_header_lengths_that_lie(write, size, says):
    """Refused at byte 0, before anything is read."""
    assert refused(write("{}", size=size), says) == 0


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "does not begin"),
        (" {}", "does not begin"),
        ("[]", "does not begin"),
        ("{", "a key of the header"),
        ("{}x", "goes on"),
        ("{}{}", "goes on"),
        ("{,}", "expected '\"'"),
        ('{"a"}', "expected ':'"),
        ('{"a":1}', "expected '{'"),
        ('{"a":{}}', "has no dtype, shape, data_offsets"),
        ('{"a":{"dtype":"F32","shape":[2]}}', "has no data_offsets"),
        ('{"a":{"dtype":1}}', "the dtype of tensor a"),
        ('{"a":{"shape":[2.0]}}', "whole number"),
        ('{"a":{"shape":[-1]}}', "whole number"),
        ('{"a":{"shape":[01]}}', "whole number"),
        ('{"a":{"shape":[1e2]}}', "whole number"),
        ('{"a":{"shape":[18446744073709551616]}}', "whole number"),
        ('{"a":{"shape":["2"]}}', "whole number"),
        ('{"a":{"shape":[2,]}}', "whole number"),
        ('{"a":{"shape":[' + "1," * 64 + "1]}}", "more than 64"),
        ('{"a":{"data_offsets":[0,1,2]}}', "more than 2"),
        ('{"a":{"dtype":"F32","shape":[],"data_offsets":[0]}}', "1 data_offsets"),
        ('{"a":{"more":1}}', "has a field 'more'"),
        ('{"a":{"dtype":"F32","dtype":"F32"}}', "'dtype' twice"),
        ('{"__metadata__":{"a":1}}', "__metadata__, 'a'"),
        ('{"__metadata__":{"a":"x","a":"y"}}', "'a' twice"),
        ('{"__metadata__":{},"__metadata__":{}}', "twice"),
        ('{"a', "does not end"),
        ('{"a\\', "does not end"),
        ('{"a\nb":1}', "control character"),
        ('{"\\x":1}', "escape"),
        ('{"\\ud800":1}', "escape"),
        (b'{"\xff":1}', "not UTF-8"),
        ('{"' + "a" * 65_536 + '":1}', "over the limit of 65535"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_headers_that_lie(write, header, says):
    """Form, types, duplicates and limits; the offset is in the header."""
    assert refused(write(header, bytes(8)), says) >= 8


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data_offsets": [0, 4]}, "4 bytes after a belong to no tensor"),
        ({"dtype": "F64"}, "has 8 bytes, and F64 .2. takes 16"),
        ({"data_offsets": [4, 12]}, "4 bytes between the header and a belong to no tensor"),
        ({"data_offsets": [8, 0]}, "ends at 0, before 8"),
        ({"data_offsets": [0, 16]}, "which has 8"),
        ({"data_offsets": [0, HUGE]}, "which has 8"),
        ({"data_offsets": [HUGE, HUGE]}, "belong to no tensor"),
        ({"shape": [HUGE, HUGE]}, "more than 2.64 elements"),
        ({"shape": [HUGE, 2, 0]}, "more than 2.64 elements"),
        ({"shape": [3]}, "takes 12"),
        ({"shape": [0]}, "takes 0"),
    ],
)
def test_tensors_that_lie(write, changes, says):
    """Shapes and offsets against the bytes that are there."""
    refused(write({"a": F32 | changes}, bytes(8)), says)


def test_overlaps_gaps_and_rests(write):
    """Tensors cover the data, each byte once; the offset of a rest is where it begins."""
    second = {"dtype": "I8", "shape": [2], "data_offsets": [7, 9]}
    refused(write({"a": F32, "b": second}, bytes(9)), "a and b overlap")
    refused(write({"a": F32, "b": second | {"data_offsets": [9, 11]}}, bytes(11)), "between a and")
    refused(write({"a": F32, "b": F32}, bytes(8)), "a and b overlap")
    path = write({"a": F32}, bytes(9))
    assert refused(path, "1 bytes after a") == path.stat().st_size - 1
    refused(write({}, b"x"), "1 bytes after the header")


def test_an_unknown_dtype_names_tensor_and_dtype(write):
    """Its size is not known, so its extent cannot be checked."""
    with pytest.raises(UnsupportedQuantType, match=r"tensor odd has the dtype 'F4'.*at byte 9"):
        open_container(write({"odd": F32 | {"dtype": "F4"}}, bytes(8)))


def test_what_a_message_quotes_is_legible(write):
    """Control characters of a name do not reach a terminal, and a long name is cut."""
    path = write({"\x1b[31m" + "a" * 1000: F32 | {"shape": [3]}}, bytes(8))
    with pytest.raises(MalformedFile) as caught:
        open_container(path)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_more_tensors_than_anybody_has(write, monkeypatch):
    """A header is not read on past the limit, which real models are far from."""
    assert MOST_TENSORS > 200_000
    monkeypatch.setattr("ml.containers.safetensors.MOST_TENSORS", 9)
    row = '"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    assert len(open_container(write("{" + ",".join(row % n for n in range(9)) + "}")).tensors) == 9
    refused(write("{" + ",".join(row % n for n in range(10)) + "}"), "more than 9")


def test_more_metadata_than_anybody_has(write):
    """Keys are kept, so their number is bounded, too."""
    pairs = {f"k{n}": "v" for n in range(300_000)}
    refused(write({"__metadata__": pairs}), "__metadata__ has more than")


def test_the_digest_is_of_the_whole_file(write):
    """As sha256sum says."""
    import hashlib

    path = write({"a": F32}, bytes(8))
    assert open_container(path).digest() == hashlib.sha256(path.read_bytes()).hexdigest()
