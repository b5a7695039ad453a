"""What unit tests of the room share: reference models, and small GGUF files to damage."""

import struct
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
TOKENIZERS = Path(__file__).parents[4] / "shared" / "data" / "tokenizer"


@pytest.fixture
def reference():
    """The folder of the tiny4 models."""
    return REFERENCE


@pytest.fixture
def tiny4():
    """The f16 reference model."""
    return REFERENCE / "tiny4-f16.gguf"


@pytest.fixture
def vocabularies():
    """llama.cpp's tokenizer vectors, which do not travel with the repository."""
    if not TOKENIZERS.is_dir():
        pytest.skip("llama.cpp's vocabularies (../shared/data/tokenizer) are not here")
    return TOKENIZERS


class Gguf:
    """Makes GGUF files byte by byte, so that a test can lie in any field."""

    def __init__(self, folder):
        self.folder = folder

    def text(self, value):
        """A string."""
        data = value if isinstance(value, bytes) else value.encode()
        return struct.pack("<Q", len(data)) + data

    def pair(self, key, value_type, payload):
        """A metadata pair."""
        return self.text(key) + struct.pack("<I", value_type) + payload

    def strings(self, key, values):
        """A pair holding an array of strings."""
        body = b"".join(self.text(value) for value in values)
        return self.pair(key, 9, struct.pack("<IQ", 8, len(values)) + body)

    def row(self, name="t", extents=(32,), number=0, offset=0):
        """A row of the tensor table; extents innermost first."""
        shape = b"".join(struct.pack("<Q", extent) for extent in extents)
        head = self.text(name) + struct.pack("<I", len(extents))
        return head + shape + struct.pack("<IQ", number, offset)

    def write(self, pairs=(), rows=(), data=b"", *, version=3, counts=None, alignment=32):
        """Write a file and return its path; `counts` overrides (tensors, pairs)."""
        tensors, keys = counts or (len(rows), len(pairs))
        preamble = b"GGUF" + struct.pack("<IQQ", version, tensors, keys)
        header = preamble + b"".join(pairs) + b"".join(rows)
        return self.raw(header + bytes(-len(header) % alignment) + data)

    def raw(self, content):
        """Write bytes and return the path."""
        path = self.folder / "made.gguf"
        path.write_bytes(content)
        return path


@pytest.fixture
def gguf_maker(tmp_path):
    """A maker of GGUF files."""
    return Gguf(tmp_path)
