"""Two files tensor by tensor: bytes, numbers, and what stands in the way of comparing them."""

import struct
import tracemalloc

import gguf
import numpy as np
import pytest
from checkpoints import safetensors_bytes, write_checkpoint

from ml import file_comparison
from ml.containers import open_container
from ml.file_comparison import compare_files, count_results, select
from ml.quant_types import QUANT_TYPES


@pytest.fixture
def write(tmp_path):
    """A writer of safetensors files from arrays."""

    def write(name, **arrays):
        kinds = {"f4": "F32", "f2": "F16", "f8": "F64", "u1": "U8", "i8": "I64"}
        tensors = {
            key.replace("__", "."): (kinds[array.dtype.str[1:]], array.shape, array.tobytes())
            for key, array in arrays.items()
        }
        path = tmp_path / name
        path.write_bytes(safetensors_bytes(tensors))
        return open_container(path)

    return write


def one(a, b, **more):
    """The only pair of two files."""
    (pair,) = compare_files(a, b, **more)
    return pair


@pytest.mark.parametrize("piece", [1 << 18, 8], ids=["one piece", "many pieces"])
def test_numbers(write, monkeypatch, piece):
    """Where the first byte differs, how many, and the numbers as numpy has them in one go."""
    monkeypatch.setattr(file_comparison, "_PIECE", piece)
    monkeypatch.setattr(file_comparison, "_PIECE_BYTES", 4 * piece)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5, 7)).astype("<f4")
    y = x.copy()
    y[2, 3] += 0.5
    y[4, 6] -= np.float32(0.25)
    pair = one(write("a.safetensors", t=x), write("b.safetensors", t=y))
    difference = x.astype(float) - y
    assert pair.result == "differs"
    changed = np.flatnonzero(x.view("u1").ravel() != y.view("u1").ravel())
    assert (pair.first_offset, pair.differing_bytes) == (changed[0], len(changed))
    assert pair.numbers.largest == np.abs(difference).max()
    assert pair.numbers.rms == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-12)
    assert pair.numbers.rms_a == pytest.approx(np.sqrt((x.astype(float) ** 2).mean()), rel=1e-12)
    assert pair.numbers.nonfinite == 0


def test_equal_bytes_need_no_numbers(write):
    """NaN equals itself where its bytes do."""
    x = np.array([1.0, np.nan], "<f4")
    pair = one(write("a.safetensors", t=x), write("b.safetensors", t=x))
    assert (pair.result, pair.differing_bytes, pair.numbers) == ("equal", 0, None)


def test_equal_values_in_another_type(write):
    """Halves as floats: the type is named, the values are the same, no byte offset is claimed."""
    x = np.array([1.5, -2.0, np.inf, np.nan], "<f2")
    pair = one(write("a.safetensors", t=x), write("b.safetensors", t=x.astype("<f4")))
    assert pair.result == "equal values"
    assert (pair.first_offset, pair.differing_bytes) == (None, None)
    assert (pair.a.quant_type.name, pair.b.quant_type.name) == ("F16", "F32")


def test_negative_zero_and_other_nans(write):
    """Other bytes, same values: the bytes are told, the values are equal."""
    x = np.array([0.0, np.nan], "<f4")
    y = np.frombuffer(struct.pack("<fI", -0.0, 0x7FC00001), "<f4")
    pair = one(write("a.safetensors", t=x), write("b.safetensors", t=y))
    assert (pair.result, pair.first_offset, pair.differing_bytes) == ("equal values", 3, 2)


def test_values_that_are_not_finite(write):
    """They are counted, and do not spoil the difference of the others."""
    x = np.array([1.0, np.inf, np.nan, -np.inf, 2.0], "<f4")
    y = np.array([1.0, -np.inf, 0.0, -np.inf, 2.5], "<f4")
    pair = one(write("a.safetensors", t=x), write("b.safetensors", t=y))
    assert (pair.result, pair.numbers.largest, pair.numbers.nonfinite) == ("differs", 0.5, 2)
    assert (pair.numbers.rms, pair.numbers.rms_a) == (np.sqrt(0.25 / 2), np.sqrt(5 / 2))


def test_another_shape(write):
    """Named, and nothing is compared."""
    x = np.zeros((2, 3), "<f4")
    pair = one(write("a.safetensors", t=x), write("b.safetensors", t=x.T.copy()))
    assert (pair.result, pair.numbers) == ("shape", None)
    assert (pair.a.shape, pair.b.shape) == ((2, 3), (3, 2))


def test_what_one_file_lacks(write):
    """In the order of a, then what only b has; a glob leaves both out."""
    x = np.zeros(2, "<f4")
    a, b = write("a.safetensors", s=x, both=x), write("b.safetensors", both=x, t=x)
    pairs = list(compare_files(a, b))
    assert [(p.name, p.result) for p in pairs] == [
        ("s", "only a"),
        ("both", "equal"),
        ("t", "only b"),
    ]
    assert count_results(pairs) == {"equal": 1, "only a": 1, "only b": 1}
    assert [p.name for p in compare_files(a, b, pattern="b*")] == ["both"]


def test_a_type_without_a_decoder(tmp_path, gguf_maker):
    """Bytes are compared, and that its numbers cannot be is said by name."""
    kind = next(kind for kind in QUANT_TYPES if kind.decode is None and kind.block_size == 256)
    row = gguf_maker.row(extents=(256,), number=kind.id)
    a = gguf_maker.write([], [row], bytes(kind.block_bytes)).rename(tmp_path / "a.gguf")
    b = gguf_maker.write([], [row], bytes(kind.block_bytes - 1) + b"\x01")
    pair = one(open_container(a), open_container(b))
    assert (pair.result, pair.first_offset) == ("not decoded", kind.block_bytes - 1)
    assert pair.note == f"{kind.name} cannot be decoded"


def test_integers_compare_as_numbers(write):
    """Sixty-four bits and eight alike."""
    x, y = np.array([5, -7], "<i8"), np.array([5, -9], "<i8")
    assert one(write("a.safetensors", t=x), write("b.safetensors", t=y)).numbers.largest == 2
    u, v = np.array([0], "u1"), np.array([255], "u1")
    assert one(write("a.safetensors", t=u), write("b.safetensors", t=v)).numbers.largest == 255


def test_across_containers(tiny4, tmp_path):
    """A checkpoint and the GGUF file with its weights are equal, tensor by tensor, by name."""
    checkpoint = open_container(write_checkpoint(tiny4, tmp_path / "tiny4", files=2))
    pairs = list(compare_files(checkpoint, open_container(tiny4)))
    assert count_results(pairs) == {"equal": 50}
    alone = open_container(tmp_path / "tiny4" / "model-00001-of-00002.safetensors")
    results = count_results(list(compare_files(alone, open_container(tiny4))))
    assert results == {"equal": 25, "only b": 25}


@pytest.mark.parametrize("name", ["Q8_0", "Q4_K_M"])
def test_quantised_against_the_gguf_package(tiny4, reference, name):
    """The differences are those of its decoders."""
    other = reference / f"tiny4-{name}.gguf"
    pairs = {p.name: p for p in compare_files(open_container(tiny4), open_container(other))}
    readers = [{t.name: t for t in gguf.GGUFReader(path).tensors} for path in (tiny4, other)]
    for tensor in ("blk.1.ffn_down.weight", "token_embd.weight"):
        x, y = (gguf.dequantize(r[tensor].data, r[tensor].tensor_type).ravel() for r in readers)
        difference = x.astype(float) - y.astype(float)
        assert pairs[tensor].numbers.largest == np.abs(difference).max()
        assert pairs[tensor].numbers.rms == pytest.approx(np.sqrt((difference**2).mean()))
    assert pairs["blk.1.ffn_norm.weight"].result == "equal"


def test_a_file_with_both_names_of_a_tensor(write):
    """Each keeps its own."""
    x = np.zeros(1, "<f4")
    file = write("a.safetensors", output_norm__weight=x, model__norm__weight=x)
    assert select(file, "*") == {n: n for n in ("output_norm.weight", "model.norm.weight")}


def test_memory_does_not_grow_with_the_tensors(tmp_path):
    """Two tensors of 64 MB that differ in their last byte are compared in a few pieces' memory."""
    size, files = 1 << 26, []
    for name, last in (("a", b"\x00"), ("b", b"\x3f")):
        path = tmp_path / f"{name}.safetensors"
        empty = safetensors_bytes({"t": ("F32", (0,), b"")})
        header = empty.rstrip(b" ").replace(b'"shape": [0]', f'"shape": [{size // 4}]'.encode())
        header = header.replace(b"[0, 0]", f"[0, {size}]".encode())
        header = struct.pack("<Q", len(header) - 8) + header[8:]
        with path.open("wb") as file:
            file.write(header)
            file.seek(size - 1, 1)
            file.write(last)
        files.append(open_container(path))
    tracemalloc.start()
    pair = one(*files)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (pair.result, pair.first_offset, pair.numbers.largest) == ("differs", size - 1, 0.5)
    assert peak < 32_000_000
