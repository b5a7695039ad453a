"""Tokens a second that are decoded on the CPU: `python tests/bench/decoding.py [--engines a,b]`.

A model of 24 layers, 1,024 wide, as Q4_K_M packs it (Q6_K for the embedding, and for v and down of
every other layer), of random blocks. Its tokens are decoded by our engines, and by tinygrad.llm as
it comes: float16 weights that are unpacked in each kernel. The wheel of tinygrad 0.14.0 lacks
`tinygrad/llm/kernels`, which is for AMD cards alone: a stand-in says that there is none.

Each runs in a process of its own, one after the other, a prompt of eight tokens and the median of
the steps behind it. Beside the figures stands where a step's time goes: how many kernels it takes,
how many bytes of weights it must read, and how long reading so many takes here. Nothing here is a
test.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from figures import Figure, median, parser, print_figures

LAYERS, HIDDEN, INSIDE, HEADS, KV_HEADS, HEAD, VOCABULARY = 24, 1024, 2816, 16, 4, 64, 8192
PROMPT = (319, 75, 75, 78, 220, 272, 68, 9)
#: Bytes and elements of a block, and where its float16 scales lie.
BLOCKS = {"Q4_K": (144, (0, 2)), "Q6_K": (210, (208,))}
PEER = "tinygrad.llm"
#: Times the peer's tokens a second, at the least.
BAR = 3.0


def packed(draw: np.random.Generator, kind: str, rows: int, width: int) -> np.ndarray[Any, Any]:
    """Random blocks of a matrix `uint8 [rows, row bytes]`, with scales that keep values small."""
    size, scales = BLOCKS[kind]
    blocks = draw.integers(0, 256, (rows * width // 256, size), dtype=np.uint8)
    for at in scales:
        scale = {"Q4_K": 1.0, "Q6_K": 0.02}[kind] * 2e-3 / np.sqrt(width / 1024)
        blocks[:, at : at + 2] = np.frombuffer(np.float16(scale).tobytes(), np.uint8)
    return blocks.reshape(rows, -1)


def write_model(path: Path) -> None:
    """Write the model, seeded."""
    draw = np.random.default_rng(24)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_block_count(LAYERS)
    writer.add_context_length(2048)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INSIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_token_list([f"t{n}" for n in range(VOCABULARY)])

    def matrix(name: str, kind: str, out: int, width: int) -> None:
        stored = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(f"{name}.weight", packed(draw, kind, out, width), raw_dtype=stored)

    def vector(name: str, width: int, centre: float) -> None:
        drawn = centre + 0.1 * draw.standard_normal(width)
        writer.add_tensor(name, drawn.astype(np.float32))

    matrix("token_embd", "Q6_K", VOCABULARY, HIDDEN)
    vector("output_norm.weight", HIDDEN, 1.0)
    for layer in range(LAYERS):
        block, finer = f"blk.{layer}.", "Q6_K" if layer % 2 else "Q4_K"
        for norm in ("attn_norm", "ffn_norm"):
            vector(f"{block}{norm}.weight", HIDDEN, 1.0)
        for name, heads, kind in (("q", HEADS, "Q4_K"), ("k", KV_HEADS, "Q4_K"),
                                  ("v", KV_HEADS, finer)):  # fmt: skip
            matrix(f"{block}attn_{name}", kind, heads * HEAD, HIDDEN)
            vector(f"{block}attn_{name}.bias", heads * HEAD, 0.0)
        matrix(f"{block}attn_output", "Q4_K", HIDDEN, HEADS * HEAD)
        matrix(f"{block}ffn_gate", "Q4_K", INSIDE, HIDDEN)
        matrix(f"{block}ffn_up", "Q4_K", INSIDE, HIDDEN)
        matrix(f"{block}ffn_down", finer, HIDDEN, INSIDE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def steps_of_ours(path: Path, engine: str, activation: str, tokens: int) -> list[float]:
    """Seconds of each step by one of our engines."""
    from ml.architectures import open_model
    from ml.generation import open_generator

    with open_generator(
        open_model(path), engine=engine, device="cpu", activation=activation
    ) as generator:
        return list(generator.generate(PROMPT, max_tokens=tokens + 1).seconds_each)


def steps_of_peer(path: Path, tokens: int) -> list[float]:
    """Seconds of each step by tinygrad.llm."""
    from ml.compiler import ensure_c_compiler

    ensure_c_compiler()
    from tinygrad import nn

    amd = types.ModuleType("tinygrad.llm.kernels.amd")
    vars(amd).update(
        Linear=nn.Linear,
        gated_delta_prefill=None,
        flash_attention=None,
        amd_custom_kernels_supported=lambda _device: False,
    )
    sys.modules["tinygrad.llm.kernels"] = types.ModuleType("tinygrad.llm.kernels")
    sys.modules["tinygrad.llm.kernels.amd"] = amd
    from tinygrad.llm.model import Transformer

    model, _ = Transformer.from_gguf(path, 64)
    seconds = []
    made = model.generate(list(PROMPT))
    next(made)
    for _ in range(tokens):
        began = time.perf_counter()
        next(made)
        seconds.append(time.perf_counter() - began)
    return seconds


def kernels_of_a_step() -> int:
    """How many kernels tinygrad ran last; counted where a step is replayed."""
    from tinygrad.helpers import GlobalCounters

    return int(GlobalCounters.kernel_count)


def measure(path: Path, who: str, tokens: int) -> dict[str, float]:
    """Decode in this process; the first steps compile, and are left out."""
    from tinygrad.helpers import GlobalCounters

    engine, _, activation = who.partition("+")
    if who == PEER:
        seconds = steps_of_peer(path, tokens + 4)
    else:
        seconds = steps_of_ours(path, engine, activation or "none", tokens + 4)
    steps = len(seconds) + len(PROMPT) - 1
    return {
        "seconds": median(seconds[4:]),
        "first": seconds[0],
        "kernels": GlobalCounters.kernel_count / steps,
    }


def in_own_process(path: Path, who: str, tokens: int) -> dict[str, float]:
    """Decode in a process of its own, so that nobody finds another's kernels compiled."""
    words = [sys.executable, __file__, "--model", str(path), "--only", who, "--tokens", str(tokens)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{who} failed:\n{ended.stderr[-2000:]}")
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


def reading_seconds(size: int) -> float:
    """How long one processor takes to read so many bytes: the least a step can take on one."""
    data = np.ones(size // 8, dtype=np.int64)
    tries = []
    for _ in range(5):
        began = time.perf_counter()
        data.sum()
        tries.append(time.perf_counter() - began)
    return median(tries)


def report(path: Path, asked: argparse.Namespace) -> list[Figure]:
    """Every engine and the peer, and where the time goes."""
    peer = in_own_process(path, PEER, asked.tokens)
    speed = 1 / peer["seconds"]
    figures = [Figure(f"{PEER}, kernels a step", peer["kernels"], "")]
    for who in asked.engines.split(","):
        found = in_own_process(path, who, asked.tokens)
        ours = 1 / found["seconds"]
        name = f"engine {who}"
        figures += [
            Figure(f"{name}, decoded", ours, "tokens/s", BAR * speed, PEER, speed, is_least=True),
            Figure(f"{name}, kernels a step", found["kernels"], "", None, PEER, peer["kernels"]),
        ]
    size = path.stat().st_size
    least = reading_seconds(size)
    figures += [
        Figure("weights read a step", size / 1e6, "MB"),
        Figure("reading them once, one core", least * 1000, "ms"),
        Figure("so at the most, one core", 1 / least, "tokens/s"),
    ]
    return figures


def main() -> None:
    """Print the table."""
    made = parser(__doc__)
    made.add_argument("--engines", default="a,b,b+q8", help="ours, with +q8 for activations")
    made.add_argument("--tokens", type=int, default=16, help="steps that are timed")
    made.add_argument("--model", type=Path, help="decode this file in place of a made one")
    made.add_argument("--only", help="decode by one, and print its seconds as JSON")
    asked = made.parse_args()
    if asked.only:
        print(json.dumps(measure(asked.model, asked.only, asked.tokens)))
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        path = asked.model or Path(folder) / "model.gguf"
        if asked.model is None:
            write_model(path)
        print_figures(report(path, asked), as_json=asked.json)


if __name__ == "__main__":
    main()
