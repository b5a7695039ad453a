"""Hostile and damaged GGUF files: one clear error with the offset, before anything is allocated."""

import struct
import tracemalloc

import numpy as np
import pytest

from ml.containers import gguf, open_container
from ml.errors import FileUnreadable, MalformedFile, UnknownContainer, UnsupportedQuantType

FLOATS = bytes(128)
HUGE = 2**63


def u32(value):
    """A little-endian u32."""
    return struct.pack("<I", value)


def test_a_made_file_opens(gguf_maker):
    """The maker's own files are sound: the errors below come from what each test damages."""
    data = np.arange(32, dtype="<f4").tobytes()
    pairs = [gguf_maker.pair("a", 4, u32(7)), gguf_maker.strings("s", ["x", "", "é"])]
    file = open_container(gguf_maker.write(pairs, [gguf_maker.row(extents=(8, 4))], data))
    assert (file.format, dict(file.metadata)) == ("gguf v3", {"a": 7, "s": ("x", "", "é")})
    assert file.tensors["t"].shape == (4, 8)
    assert file.tensor_bytes("t").tobytes() == data
    with pytest.raises(ValueError, match="read-only"):
        file.tensor_bytes("t")[0] = 1


def test_version_2_is_read(gguf_maker):
    """Versions 2 and 3 have one layout."""
    assert open_container(gguf_maker.write(version=2)).format == "gguf v2"


@pytest.mark.parametrize("version", [0, 1, 4, 0x03000000])
def test_other_versions_are_refused(gguf_maker, version):
    """Version 1 has 32-bit counts; a swapped 3 is a big-endian file, and the message says so."""
    with pytest.raises(MalformedFile, match="version") as caught:
        open_container(gguf_maker.write(version=version))
    assert caught.value.offset == 4
    assert ("big-endian" in str(caught.value)) == (version == 0x03000000)


def test_every_truncation_is_one_clear_error(tiny4, gguf_maker):
    """Cut the reference model's header anywhere: always MalformedFile, at or before the cut."""
    whole = tiny4.read_bytes()
    for size in [*range(1, 64), *range(64, 12_800, 97), len(whole) - 1]:
        with pytest.raises(MalformedFile) as caught:
            open_container(gguf_maker.raw(whole[:size]))
        assert 0 <= caught.value.offset <= size
        assert caught.value.hint


def test_what_is_no_file(tmp_path, gguf_maker):
    """A missing path, a directory, an empty file, and a file of another kind."""
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(FileUnreadable):
            open_container(path)
    with pytest.raises(FileUnreadable, match="empty"):
        open_container(gguf_maker.raw(b""))
    with pytest.raises(UnknownContainer):
        open_container(gguf_maker.raw(b"PK\x03\x04" + bytes(100)))


@pytest.mark.parametrize(
    ("counts", "offset"), [((HUGE, 0), 8), ((0, HUGE), 16), ((1000, 0), 8), ((0, 1000), 16)]
)
def test_counts_the_file_cannot_hold(gguf_maker, counts, offset):
    """Refused before looping."""
    with pytest.raises(MalformedFile, match="claims") as caught:
        open_container(gguf_maker.write(data=FLOATS, counts=counts))
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("value_type", "payload", "says"),
    [
        (8, struct.pack("<Q", HUGE), "needs"),
        (9, struct.pack("<IQ", 8, HUGE), "claims"),
        (9, struct.pack("<IQ", 0, HUGE), "needs"),
        (9, struct.pack("<IQ", 12, 2**61), "needs"),
        (9, struct.pack("<IQ", 77, 1), "unknown element type"),
        (9, struct.pack("<IQQ", 8, 1, HUGE), "leaves the file"),
        (9, struct.pack("<IQ", 9, 1) * 6, "nests deeper"),
        (13, b"", "unknown value type"),
        (8, struct.pack("<Q", 2) + b"\xff\xfe", "not UTF-8"),
    ],
)
def test_values_that_lie(gguf_maker, value_type, payload, says):
    """Lengths, counts and types in metadata."""
    path = gguf_maker.write([gguf_maker.pair("k", value_type, payload)], data=FLOATS)
    with pytest.raises(MalformedFile, match=says):
        open_container(path)


def test_a_hostile_header_takes_no_memory(gguf_maker):
    """Half a million empty strings are stepped over, not built."""
    path = gguf_maker.write([gguf_maker.strings("k", [b""] * 500_000)])
    tracemalloc.start()
    file = open_container(path)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert len(file.metadata["k"]) == 500_000


def test_long_values_are_decoded_when_asked_for(gguf_maker):
    """Of a long array only what is shown; a long text, and that it is none, when it is read."""
    long = gguf_maker.text(b"x" * 5_000_000)
    odd = gguf_maker.text(b"\xff" * 5000)
    pairs = [
        gguf_maker.strings("words", ["a"] * 200_000),
        gguf_maker.pair("numbers", 9, struct.pack("<IQ3i", 5, 3, 1, -2, 3)),
        gguf_maker.pair("nested", 9, struct.pack("<IQIQ3B", 9, 1, 0, 3, 1, 2, 3)),
        gguf_maker.pair("long", 8, long),
        gguf_maker.pair("odd", 8, odd),
        gguf_maker.pair("scalar", 4, u32(7)),
    ]
    path = gguf_maker.write(pairs)
    tracemalloc.start()
    file = open_container(path)
    assert file.preview("words", 2) == (("a", "a"), 200_000)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert file.preview("numbers", 2) == ((1, -2), 3)
    ((inner,), count) = file.preview("nested", 2)
    assert (list(inner), count) == ([1, 2], 1)
    assert file.preview("scalar", 2) == (7, None)
    assert file.preview("long", 2)[0] == file.metadata["long"] == "x" * 5_000_000
    with pytest.raises(MalformedFile, match="not UTF-8"):
        file.metadata["odd"]


def test_arrays_of_more_arrays_than_anybody_has(gguf_maker):
    """Stepping over a hundred million empty arrays would take minutes."""
    inner = struct.pack("<IQ", 0, 0)
    for count in (1 << 16, (1 << 16) + 1):
        pair = gguf_maker.pair("k", 9, struct.pack("<IQ", 9, count) + inner * count)
        if count == 1 << 16:
            assert len(open_container(gguf_maker.write([pair])).metadata["k"]) == count
        else:
            with pytest.raises(MalformedFile, match="65537 arrays, over the limit"):
                open_container(gguf_maker.write([pair]))


@pytest.mark.parametrize(("what", "most"), [("tensors", "MOST_TENSORS"), ("pairs", "MOST_PAIRS")])
def test_counts_that_nobody_has(gguf_maker, monkeypatch, what, most):
    """Even where the file could hold them, they are not built."""
    assert getattr(gguf, most) > 60_000
    monkeypatch.setattr(gguf, most, 2)
    pairs = [gguf_maker.pair(f"k{n}", 4, u32(n)) for n in range(3)]
    rows = [gguf_maker.row(f"t{n}", (8,), offset=32 * n) for n in range(3)]
    with pytest.raises(MalformedFile, match=f"claims 3 {what}, over the limit of 2"):
        open_container(
            gguf_maker.write(pairs, [], FLOATS)
            if what == "pairs"
            else gguf_maker.write([], rows, FLOATS)
        )


@pytest.mark.parametrize("alignment", [0, 3, 48, 2**21])
def test_bad_alignment(gguf_maker, alignment):
    """Only powers of two, up to a bound."""
    with pytest.raises(MalformedFile, match=r"general\.alignment"):
        open_container(gguf_maker.write([gguf_maker.pair("general.alignment", 4, u32(alignment))]))


def test_an_own_alignment_is_used(gguf_maker):
    """The data section begins at the next multiple of it."""
    pairs = [gguf_maker.pair("general.alignment", 4, u32(256))]
    path = gguf_maker.write(pairs, [gguf_maker.row()], FLOATS, alignment=256)
    assert open_container(path).tensors["t"].offset == 256


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"extents": ()}, "0 dimensions"),
        ({"extents": (1, 1, 1, 1, 32)}, "5 dimensions"),
        ({"extents": (0,)}, "extent of 0"),
        ({"extents": (HUGE, HUGE)}, "past the end"),
        ({"extents": (33,)}, "past the end"),
        ({"offset": 64}, "past the end"),
        ({"offset": HUGE}, "past the end"),
        ({"offset": 16}, "not aligned"),
        ({"extents": (33,), "number": 8}, "fill no Q8_0 block"),
    ],
)
def test_tensors_that_lie(gguf_maker, row, says):
    """Shapes, offsets and blocks."""
    with pytest.raises(MalformedFile, match=says):
        open_container(gguf_maker.write([], [gguf_maker.row(**row)], FLOATS))


def test_overlapping_tensors(gguf_maker):
    """Two names for one place, wholly or in part."""
    rows = [gguf_maker.row("a", offset=0), gguf_maker.row("b", (8,), offset=96)]
    with pytest.raises(MalformedFile, match="a and b overlap"):
        open_container(gguf_maker.write([], rows, FLOATS))


def test_names_that_stand_twice(gguf_maker):
    """Keys and tensors are unique."""
    key = gguf_maker.pair("k", 4, u32(1))
    with pytest.raises(MalformedFile, match="stands twice"):
        open_container(gguf_maker.write([key, key]))
    rows = [gguf_maker.row("a", (8,)), gguf_maker.row("a", (8,), offset=32)]
    with pytest.raises(MalformedFile, match="stands twice"):
        open_container(gguf_maker.write([], rows, FLOATS))


def test_an_unknown_type_names_tensor_and_number(gguf_maker):
    """Its size is not known, so nothing about its extent can be checked."""
    with pytest.raises(UnsupportedQuantType, match="tensor odd has GGML type 4711"):
        open_container(gguf_maker.write([], [gguf_maker.row("odd", number=4711)], FLOATS))


def test_the_digest_is_of_the_whole_file(tiny4):
    """As sha256sum says."""
    import hashlib

    assert open_container(tiny4).digest() == hashlib.sha256(tiny4.read_bytes()).hexdigest()
