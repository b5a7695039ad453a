"""Every check of a model file: silent on sound ones, and finds what it is for."""

import struct

import gguf
import numpy as np
import pytest
from apr_bytes import file_bytes, mended
from checkpoints import safetensors_bytes, write_checkpoint
from small_models import small_model

from ml.conversion import BY_MIXTURE, convert, open_source
from ml.errors import MalformedFile
from ml.validation import CHECKS, OF_NUMBERS, ON_OPENING, validate

NAMES = (*ON_OPENING, *(name for name, _ in CHECKS), *OF_NUMBERS)


def failures(path):
    """(check, where, offset) of everything that failed."""
    _, rows = validate(path)
    assert list(dict.fromkeys(row.check for row in rows)) == list(NAMES)
    return [
        (row.check, row.finding.where, row.finding.offset) for row in rows if row.result == "FAIL"
    ]


def skipped(path):
    """Checks that had nothing to look at."""
    return {row.check for row in validate(path)[1] if row.result == "SKIP"}


@pytest.mark.parametrize("name", ["f16", "Q8_0", "Q4_K_M"])
def test_sound_gguf(reference, name):
    """llama.cpp's own files pass."""
    path = reference / f"tiny4-{name}.gguf"
    assert failures(path) == []
    assert skipped(path) == {"checksum", "agreement"}


def test_other_sound_files(tiny4, tmp_path):
    """So do an APR file, a checkpoint, and a file of tensors alone."""
    convert(open_source(tiny4), tmp_path / "made.apr", mixture=BY_MIXTURE["apr_q8"])
    write_checkpoint(tiny4, tmp_path / "checkpoint")
    content = safetensors_bytes({"a": ("F32", (1,), struct.pack("<f", 1))}, {})
    (tmp_path / "one.safetensors").write_bytes(content)
    assert failures(tmp_path / "made.apr") == []
    assert skipped(tmp_path / "made.apr") == {"file_type"}
    assert failures(tmp_path / "checkpoint") == []
    assert failures(tmp_path / "one.safetensors") == []
    assert {"architecture", "vocabulary"} <= skipped(tmp_path / "one.safetensors")


def test_numbers(tmp_path):
    """NaN and infinities with the first byte, and a matrix of zeros."""

    def change(tensors):
        tensors["blk.0.ffn_up.weight"][1, 2] = np.nan
        tensors["blk.0.ffn_up.weight"][5, 2] = np.inf
        tensors["blk.0.ffn_down.weight"][:] = 0

    path = small_model(tmp_path / "small.gguf", change=change)
    infos = validate(path)[0].tensors
    up, down = infos["blk.0.ffn_up.weight"], infos["blk.0.ffn_down.weight"]
    at = up.offset + (up.shape[1] + 2) * up.quant_type.block_bytes
    assert failures(path) == [
        ("finite", up.name, at),
        ("nonzero", down.name, down.offset),
    ]


def test_padding_of_gguf(tiny4, tmp_path):
    """A byte between header and tensors, and one behind the last, is found."""
    data = bytearray(tiny4.read_bytes())
    first = min(info.offset for info in validate(tiny4)[0].tensors.values())
    data[first - 1] = 7
    path = tmp_path / "changed.gguf"
    path.write_bytes(data + b"x")
    assert failures(path) == [("padding", "", first - 1), ("padding", "", len(data))]


def test_vocabulary(tmp_path):
    """Tokens that the embedding has no row for, lists of other lengths, ids beyond the end."""
    writer = gguf.GGUFWriter(tmp_path / "made.gguf", "none")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "c"])
    writer.add_array("tokenizer.ggml.token_type", [1, 1])
    writer.add_uint32("tokenizer.ggml.eos_token_id", 3)
    writer.add_uint32("general.file_type", 2)
    writer.add_tensor("token_embd.weight", np.ones((2, 4), "<f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert failures(tmp_path / "made.gguf") == [
        ("vocabulary", "tokenizer.ggml.tokens", None),
        ("vocabulary", "tokenizer.ggml.token_type", None),
        ("vocabulary", "tokenizer.ggml.eos_token_id", None),
        ("file_type", "general.file_type", None),
    ]


def test_architecture(tmp_path):
    """A tensor that the architecture does not have is told."""

    def change(tensors):
        tensors["blk.0.extra.weight"] = np.ones((2, 2), np.float32)

    path = small_model(tmp_path / "small.gguf", change=change)
    assert [check for check, *_ in failures(path)] == ["architecture"]


def test_apr_layout(tmp_path):
    """Padding that is not zero, an odd place, reserved bytes, and keys that contradict."""
    weight = struct.pack("<2f", 1, 2)
    data = bytearray(file_bytes({}, {"a": (0, (2,), weight), "b": (0, (2,), weight)}))
    start = struct.unpack_from("<Q", data, 32)[0]
    data[50] = data[start + 9] = 1
    path = tmp_path / "made.apr"
    path.write_bytes(mended(bytes(data)))
    assert failures(path) == [("padding", "", 50), ("padding", "", start + 9)]


def test_apr_alignment(tmp_path):
    """A tensor at no multiple of 64 is found, though it can be read."""
    data = bytearray(file_bytes({}, {"a": (0, (2,), struct.pack("<2f", 1, 2))}))
    index, start = struct.unpack_from("<QQ", data, 24)
    at = index + 2 + 1 + 2 + 8  # name, type, dimensions, extent
    data[at : at + 8] = struct.pack("<Q", 4)
    path = tmp_path / "made.apr"
    path.write_bytes(mended(bytes(data)))
    assert ("alignment", "a", start + 4) in failures(path)


def test_apr_keys_that_contradict(tiny4, tmp_path):
    """APR's own key against the pair that the file carries."""
    path = tmp_path / "made.apr"
    convert(open_source(tiny4), path)
    changed = path.read_bytes().replace(b'"num_layers":4', b'"num_layers":5')
    path.write_bytes(mended(changed))
    assert failures(path) == [("agreement", "num_layers", None)]


def test_damaged_file_is_malformed(tiny4, tmp_path):
    """A checksum that does not fit is no finding among others: the file is refused."""
    path = tmp_path / "made.apr"
    convert(open_source(tiny4), path)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(MalformedFile, match="footer"):
        validate(path)
