"""APR v2 against bytes that struct, zlib and json made, whole and damaged."""

import json
import re
import struct
import zlib

import numpy as np
import pytest
from apr_bytes import (
    VECTORS,
    entry,
    file_bytes,
    header,
    mended,
    padded,
    small_file,
    vectors,
    whole,
)

from ml import quant_types
from ml.containers import apr, open_container
from ml.containers.apr_layout import DTYPES_BY_ID, FLAGS, IDS, align, pack_header
from ml.containers.apr_writing import write_apr
from ml.containers.writing import OutgoingTensor
from ml.errors import MalformedFile, MlError, UnsupportedModel, UnsupportedQuantType
from ml.quant_types.apr import apr_q4, apr_q8, padded_rows
from ml.quant_types.q4_k import Q4_K

STORED = json.loads(VECTORS.read_text(encoding="utf-8"))
TENSOR = {"weight": (0, (2,), struct.pack("<2f", 1, 2))}

#: Where the index of the small file begins, and where its data.
INDEX, DATA = 192, 320


def opened(tmp_path, data):
    """The container of some bytes."""
    path = tmp_path / "model.apr"
    path.write_bytes(data)
    return open_container(path)


def content(container):
    """All that a file says: metadata, and every tensor with its bytes."""
    tensors = {
        name: (
            info.stored_as,
            info.shape,
            info.quant_type.name,
            bytes(container.tensor_bytes(name)),
        )
        for name, info in container.tensors.items()
    }
    return dict(container.metadata), tensors


def test_vectors_are_those_of_the_script():
    """The stored vectors are what the independent script gives."""
    assert vectors() == STORED


def test_alignment_and_header():
    """Sizes are rounded up to 64; a header of 42 tensors is the vector's, there and back."""
    assert [[size, align(size)] for size, _ in STORED["align"]] == STORED["align"]
    one = STORED["header"]
    counts = (one["flags"], one["tensors"], 64, one["metadata_size"])
    made = pack_header((*counts, one["index_offset"], one["data_offset"]))
    assert made.hex() == one["hex"]


def test_types():
    """Every type has the vector's number, and both aliases are read."""
    assert STORED["dtypes"] == IDS
    aliases = {str(n): d.name for n, d in DTYPES_BY_ID.items() if IDS[d.name] != n}
    assert aliases == STORED["dtype_aliases"]


def test_small_file_is_read(tmp_path):
    """Names sort to bias, weight; numbers are the ones that went in."""
    container = opened(tmp_path, bytes.fromhex(STORED["file"]["hex"]))
    assert list(container.tensors) == STORED["file"]["names"]
    assert container.tensors["weight"].shape == (2, 3)
    assert container.tensor_bytes("weight").view("<f4").tolist() == [0, 1, 2, 3, 4, 5]
    assert container.tensor_bytes("bias").view("<f2").tolist() == [-0.5, 0.5]
    assert container.metadata["general.architecture"] == "tiny"
    assert container.format == "apr v2.0"


def test_small_file_is_written(tmp_path):
    """The writer gives the vector byte for byte."""
    bias, weight = struct.pack("<2e", -0.5, 0.5), struct.pack("<6f", 0, 1, 2, 3, 4, 5)
    plain = {name: d.of_shape((1,)) for d in DTYPES_BY_ID.values() for name in [d.name]}
    tensors = [
        OutgoingTensor(
            name="weight", shape=(2, 3), quant_type=plain["F32"], pieces=lambda: [weight]
        ),
        OutgoingTensor(name="bias", shape=(2,), quant_type=plain["F16"], pieces=lambda: [bias]),
    ]
    path = tmp_path / "made.apr"
    with path.open("wb") as file:
        write_apr(file, {"model_type": "tiny"}, tensors)
    assert path.read_bytes().hex() == STORED["file"]["hex"]


@pytest.mark.parametrize("number", [128, 8])
def test_apr_q4(tmp_path, number):
    """Low nibbles stand first, and both of its numbers mean the same."""
    data = bytes.fromhex(STORED["apr_q4"]["hex"])
    container = opened(tmp_path, file_bytes({}, {"w": (number, (4, 8), data)}))
    info = container.tensors["w"]
    found = quant_types.decode(info.quant_type, container.tensor_bytes("w"), (32,), tensor="w")
    assert found.tolist() == STORED["apr_q4"]["numbers"]


def test_short_last_block_of_apr_q4(tmp_path):
    """What is over in the last block is no number of the tensor."""
    data = bytes.fromhex(STORED["apr_q4"]["hex"]) * 2
    container = opened(tmp_path, file_bytes({}, {"w": (128, (5, 7), data)}))
    info = container.tensors["w"]
    found = quant_types.decode(info.quant_type, container.tensor_bytes("w"), (5, 7), tensor="w")
    assert found.reshape(-1).tolist() == (STORED["apr_q4"]["numbers"] * 2)[:35]
    assert info.quant_type == apr_q4((35,))


@pytest.mark.parametrize("number", [129, 9])
def test_apr_q8(tmp_path, number):
    """One scale for the tensor, then a signed byte a number."""
    data = bytes.fromhex(STORED["apr_q8"]["hex"])
    container = opened(tmp_path, file_bytes({}, {"w": (number, (5,), data)}))
    info = container.tensors["w"]
    found = quant_types.decode(info.quant_type, container.tensor_bytes("w"), (5,), tensor="w")
    assert found.tolist() == STORED["apr_q8"]["numbers"]
    assert info.quant_type == apr_q8((5,))


def test_padded_rows(tmp_path):
    """Rows of 300 take two blocks of Q4_K each, and what pads them is cut off."""
    blocks = np.random.default_rng(5).integers(0, 60, (6, 144), dtype=np.uint8)
    container = opened(tmp_path, file_bytes({}, {"w": (12, (3, 300), blocks.tobytes())}))
    info = container.tensors["w"]
    found = quant_types.decode(info.quant_type, container.tensor_bytes("w"), (3, 300), tensor="w")
    whole_rows = Q4_K.decode(blocks).reshape(3, 512)
    assert np.array_equal(found, whole_rows[:, :300])
    assert padded_rows(Q4_K, (3, 512)) == Q4_K


@pytest.mark.parametrize("number", STORED["dtypes_refused"])
def test_other_types_are_refused(tmp_path, number):
    """Also GGML's own numbers that APR has not."""
    with pytest.raises(UnsupportedQuantType, match=f"APR's type {number}"):
        opened(tmp_path, file_bytes({}, {"w": (number, (2,), bytes(8))}))


@pytest.mark.parametrize(
    ("flag", "name"), [(bit, name) for bit, (name, is_read) in FLAGS.items() if not is_read]
)
def test_flags_that_are_refused(tmp_path, flag, name):
    """Compressed, encrypted, sharded and column-major files are refused by name."""
    with pytest.raises(UnsupportedModel, match=name):
        opened(tmp_path, file_bytes({}, TENSOR, flags=0x400 | flag))


def test_unknown_flag(tmp_path):
    """A flag that no table has is not read over."""
    with pytest.raises(UnsupportedModel, match="0x1000"):
        opened(tmp_path, file_bytes({}, TENSOR, flags=0x1400))


@pytest.mark.parametrize("magic", [b"APRN", b"APR1", b"APR2"])
def test_older_files(tmp_path, magic):
    """Files of before version 2 are told to be that."""
    with pytest.raises(UnsupportedModel, match="before version 2"):
        opened(tmp_path, file_bytes({}, TENSOR, magic=magic))


@pytest.mark.parametrize("version", [(1, 0), (2, 1), (3, 0)])
def test_other_versions(tmp_path, version):
    """Another version is refused by its number."""
    with pytest.raises(UnsupportedModel, match=f"version {version[0]}.{version[1]}"):
        opened(tmp_path, file_bytes({}, TENSOR, version=version))


def test_truncated_at_every_byte(tmp_path):
    """No beginning of a file is taken for a whole one."""
    data = small_file()
    for length in range(1, len(data)):
        with pytest.raises(MlError):
            opened(tmp_path, data[:length])


def test_every_flipped_bit(tmp_path):
    """A file with one bit changed, wherever, is refused with the byte, or says the same."""
    data = small_file()
    wanted = content(opened(tmp_path, data))
    assert wanted[1]
    for at in range(len(data)):
        for bit in range(8) if at < DATA else (at % 8,):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(MlError):  # both checksums see to it
                opened(tmp_path, bytes(changed))


def test_every_flipped_bit_with_mended_checksums(tmp_path):
    """Where a liar mends the checksums, header and index are refused or read inside the file."""
    data = small_file()
    for at in (*range(64), *range(INDEX, DATA)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            try:
                container = opened(tmp_path, mended(bytes(changed)))
            except MlError:
                continue
            for info in container.tensors.values():
                assert info.offset + info.size_bytes <= len(data) - 4
            content(container)


def test_footer_of_a_large_file(tmp_path, monkeypatch):
    """A larger file opens without its footer read, and its digest reads it."""
    monkeypatch.setattr(apr, "LARGEST_CHECKED", 100)
    data = small_file()
    container = opened(tmp_path, data[:-4] + b"\0\0\0\0")
    with pytest.raises(MalformedFile, match="footer says CRC-32 00000000"):
        container.digest()


WEIGHT = struct.pack("<2f", 1, 2)
ONE = entry(b"weight", 0, (2,), 0, 8)


def one_tensor(index, data=WEIGHT, **odd):
    """A file with a hand-made index."""
    return whole(b"{}", index, padded(data), odd.pop("count", 1), **odd)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (one_tensor(ONE, crc=1), "the header says CRC-32 00000001"),
        (one_tensor(ONE, metadata_offset=8), "the metadata would begin at byte 8"),
        (one_tensor(ONE, metadata_offset=1 << 63), "the metadata would begin"),
        (one_tensor(ONE, count=9), "claims 9 tensors"),
        (one_tensor(entry(b"weight", 0, (3,), 0, 8)), "has 8 bytes: no F32"),
        (one_tensor(entry(b"weight", 0, (0,), 0, 0)), r"has the shape \[0\]"),
        (one_tensor(entry(b"weight", 7, (1 << 62, 4), 0, 0)), "has the shape"),
        (one_tensor(entry(b"weight", 0, (2,), 1 << 40, 8)), "past the data"),
        (one_tensor(entry(b"w" * 257, 0, (2,), 0, 8)), "257 bytes long"),
        (one_tensor(entry(b"\xff", 0, (2,), 0, 8)), "not UTF-8"),
        (one_tensor(entry(b"w", 0, (1,) * 9, 0, 8)), "9 dimensions"),
        (one_tensor(ONE + ONE, count=2), "does not come after"),
        (
            one_tensor(
                entry(b"b", 0, (2,), 0, 8) + entry(b"a", 0, (2,), 64, 8), data=bytes(128), count=2
            ),
            "does not come after",
        ),
        (
            one_tensor(entry(b"a", 0, (2,), 0, 8) + entry(b"b", 0, (2,), 4, 8), count=2),
            "overlap",
        ),
        (
            one_tensor(
                entry(b"model.norm.weight", 0, (2,), 0, 8)
                + entry(b"output_norm.weight", 0, (2,), 64, 8),
                data=bytes(128),
                count=2,
            ),
            "are both output_norm.weight",
        ),
        (whole(b"[]", b"", b"", 0), "expected '{'"),
        (whole(b'{"a":1,"a":2}', b"", b"", 0), "twice"),
        (whole(b'{"a":1} x', b"", b"", 0), "goes on"),
        (whole(b'{"a":' + b"[" * 40, b"", b"", 0), "nests deeper"),
        (whole(b'{"gguf_pairs":"?"}', b"", b"", 0), "not base64"),
        (whole(b'{"gguf_pairs":"//////////8="}', b"", b"", 0), "claims"),
        (whole(b'{"gguf_pairs":7}', b"", b"", 0), "gguf_pairs"),
    ],
)
def test_damage_is_named(tmp_path, data, said):
    """What is wrong is told, with the byte, before anything is believed."""
    with pytest.raises(MalformedFile, match=said) as caught:
        opened(tmp_path, data)
    assert caught.value.hint


def test_large_metadata_is_refused(tmp_path):
    """A claim of more than 16 MiB is not followed."""
    start = header(0, (16 << 20) + 1, 192, 192)
    body = start + bytes(200)
    with pytest.raises(MalformedFile, match="over the limit of 16 MiB"):
        opened(tmp_path, body + struct.pack("<I", zlib.crc32(body)))


def test_keys_of_other_writers(tmp_path):
    """A file without carried pairs has GGUF's keys, rounded as GGUF has them, and its own."""
    metadata = {
        "model_type": "qwen2",
        "name": None,
        "architecture": "qwen2",
        "hidden_size": 64,
        "rms_norm_eps": 1e-6,
        "data_source": "here",
    }
    container = opened(tmp_path, file_bytes(metadata, TENSOR))
    assert dict(container.metadata) == {
        "apr.model_type": "qwen2",
        "general.architecture": "qwen2",
        "qwen2.embedding_length": 64,
        "qwen2.attention.layer_norm_rms_epsilon": float(np.float32(1e-6)),
        "apr.data_source": "here",
    }
    assert container.preview("apr.data_source", 3) == ("here", None)


def test_the_page_shows_the_vector():
    """The bytes that the page opens with are the stored file's, and its tables name every type."""
    page = (VECTORS.parents[3] / "spec" / "formats" / "apr.md").read_text(encoding="utf-8")
    block = page.split("```text\n")[1].split("```")[0]
    shown = re.findall(r"\b[0-9a-f]{8,16}\b", block.replace('"bias"', "").replace('"weight"', ""))
    stored = STORED["file"]["hex"]
    assert len(shown) == 14
    assert all(field in stored for field in shown)
    for name in ("F32", "F16", "BF16", "F64", "I32", "I64", "I8", "U8", *IDS):
        assert name in page
    for line in ("| 12, 14 |", "| 128, read as 8 too | APR_Q4", "| 129, read as 9 too | APR_Q8"):
        assert line in page
