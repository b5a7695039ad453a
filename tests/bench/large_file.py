"""How soon a large model file is of use, and what it costs: `python tests/bench/large_file.py`.

A Q8_0 file of 400 MB with Qwen2's vocabulary (151,936 tokens, 151,387 merges) is made, its tensors
as a hole in the file, and read once so that it lies in the page cache. Then it is opened in
processes of their own. *First tensor*: from the call that opens the file, with the architecture's
check of every tensor, to the float32 values of one tensor. *Packed use*: every byte of every tensor
is read through its view. The peer is the reader of the `gguf` package, asked for the same. Imports
are not counted; they are given beside. Nothing here is a test.
"""

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure, median, parser, print_figures

TOKENS, MERGES = 151_936, 151_387
HIDDEN, FEED_FORWARD, KV_WIDTH, HEADS, KV_HEADS, LAYERS = 896, 4864, 128, 14, 2, 16
ALIGNMENT = 32
#: GGML's numbers, elements and bytes of a block.
F32, Q8_0 = (0, 1, 4), (8, 32, 34)
TENSOR = "blk.0.attn_q.weight"

_START = """
import json, resource, sys, time
from pathlib import Path
path, started = Path(sys.argv[1]), time.perf_counter()
"""
_OURS = f"""
from ml import quant_types
from ml.architectures import open_model
imported = time.perf_counter()
model = open_model(path)
info = model.tensors["{TENSOR}"]
data = model.container.tensor_bytes(info.name)
values = quant_types.decode(info.quant_type, data, info.shape, tensor=info.name)
usable = time.perf_counter()
views = [model.container.tensor_bytes(name) for name in model.tensors]
"""
_PEERS = f"""
import gguf
imported = time.perf_counter()
reader = gguf.GGUFReader(path)
tensor = next(t for t in reader.tensors if t.name == "{TENSOR}")
values = gguf.dequantize(tensor.data, tensor.tensor_type)
usable = time.perf_counter()
views = [tensor.data.reshape(-1) for tensor in reader.tensors]
"""
_END = """
assert values.shape == (896, 896)
after_open = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
most = max(int(view.max()) for view in views)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([usable - imported, after_open, peak, imported - started]))
"""


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _strings(values: Sequence[str]) -> bytes:
    return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(_text, values))


def _pairs() -> Iterator[bytes]:
    """The metadata of a Qwen2 model with a vocabulary of its size."""
    texts = {
        "general.architecture": "qwen2",
        "general.name": "large",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
    }
    counts = {
        "block_count": LAYERS,
        "context_length": 32_768,
        "embedding_length": HIDDEN,
        "feed_forward_length": FEED_FORWARD,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS,
    }
    for key, text in texts.items():
        yield _text(key) + struct.pack("<I", 8) + _text(text)
    for key, count in counts.items():
        yield _text(f"qwen2.{key}") + struct.pack("<II", 4, count)
    for key, number in (("attention.layer_norm_rms_epsilon", 1e-6), ("rope.freq_base", 1e6)):
        yield _text(f"qwen2.{key}") + struct.pack("<If", 6, number)
    # Words of real lengths: three to twelve letters.
    words = [f"{'Ġ' * (n % 2)}w{n * 7919 % 10**9:x}{'e' * (n % 6)}" for n in range(TOKENS)]
    yield _text("tokenizer.ggml.tokens") + _strings(words)
    types = struct.pack("<IIQ", 9, 5, TOKENS) + struct.pack("<i", 1) * TOKENS
    yield _text("tokenizer.ggml.token_type") + types
    merges = [f"{word[:3]} {word[3:]}" for word in words[:MERGES]]
    yield _text("tokenizer.ggml.merges") + _strings(merges)


def _tensors() -> Iterator[tuple[str, tuple[int, ...], tuple[int, int, int]]]:
    """Name, shape (outermost first) and type of every tensor."""
    yield "token_embd.weight", (TOKENS, HIDDEN), Q8_0
    yield "output_norm.weight", (HIDDEN,), F32
    for layer in range(LAYERS):
        for name, rows in (("q", HIDDEN), ("k", KV_WIDTH), ("v", KV_WIDTH)):
            yield f"blk.{layer}.attn_{name}.weight", (rows, HIDDEN), Q8_0
            yield f"blk.{layer}.attn_{name}.bias", (rows,), F32
        yield f"blk.{layer}.attn_output.weight", (HIDDEN, HIDDEN), Q8_0
        yield f"blk.{layer}.ffn_gate.weight", (FEED_FORWARD, HIDDEN), Q8_0
        yield f"blk.{layer}.ffn_up.weight", (FEED_FORWARD, HIDDEN), Q8_0
        yield f"blk.{layer}.ffn_down.weight", (HIDDEN, FEED_FORWARD), Q8_0
        yield f"blk.{layer}.attn_norm.weight", (HIDDEN,), F32
        yield f"blk.{layer}.ffn_norm.weight", (HIDDEN,), F32


def write_model(path: Path) -> int:
    """Write the file; returns its size in bytes."""
    rows, offset = [], 0
    for name, shape, (number, block, size) in _tensors():
        elements = 1
        for extent in shape:
            elements *= extent
        extents = struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head = _text(name) + struct.pack("<I", len(shape)) + extents
        rows.append(head + struct.pack("<IQ", number, offset))
        offset += -(-elements // block * size // ALIGNMENT) * ALIGNMENT
    pairs = list(_pairs())
    header = b"GGUF" + struct.pack("<IQQ", 3, len(rows), len(pairs)) + b"".join([*pairs, *rows])
    start = -(-len(header) // ALIGNMENT) * ALIGNMENT
    with path.open("wb") as file:
        file.write(header)
        file.truncate(start + offset)
    return start + offset


def measure(program: str, path: Path) -> list[float]:
    """Seconds to the first tensor, memory then and at the end in bytes, seconds of imports."""
    ended = subprocess.run(
        [sys.executable, "-c", _START + program + _END, str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    numbers: list[float] = json.loads(ended.stdout)
    return numbers


def main() -> None:
    """Measure, and print one table."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=3, help="times to open the file")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        path = Path(home) / "large.gguf"
        size = write_model(path)
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
        ours, peers = (
            [median(column) for column in zip(*rounds, strict=True)]
            for rounds in (
                [measure(program, path) for _ in range(given.rounds)] for program in (_OURS, _PEERS)
            )
        )
    peer, mib = "gguf.GGUFReader", 2**20
    print_figures(
        [
            Figure("size of the file", size / 1e6, "MB"),
            Figure("first tensor usable", ours[0], "s", 3.0, peer, peers[0]),
            Figure("imports before it", ours[3], "s", None, peer, peers[3]),
            Figure("peak memory by then", ours[1] / mib, "MiB", None, peer, peers[1] / mib),
            Figure("peak memory, packed use", ours[2] / size, "x file", 1.3, peer, peers[2] / size),
        ],
        as_json=given.json,
    )


if __name__ == "__main__":
    main()
