"""What looking costs a pass: `python tests/bench/tracing.py [--device cuda]`.

A model of 24 layers, 1,024 wide, is made (f16 weights, seeded). Its weights go to the device once,
and passes over 128 tokens alternate: *plain* is the same graph with no statistics, *traced*
captures the seeds' ten points of every layer. Medians of both, of wall time and of processor time,
and their ratio. The logits of both are compared bit by bit. On a machine that others use, look at
the processor time. Nothing here is a test.
"""

import tempfile
import time
from pathlib import Path

import gguf
import numpy as np
from attrs import evolve
from figures import Figure, median, parser, print_figures

from ml import devices, points
from ml.architectures import open_model
from ml.engines.base import Request

LAYERS, HIDDEN, INSIDE, HEADS, KV_HEADS, HEAD, VOCABULARY = 24, 1024, 2816, 16, 4, 64, 8192
#: Wall and processor time.
Seconds = tuple[float, float]
#: Traced over plain, at the most: spec/formats/points.md.
BARS = {"cpu": 1.15, "cuda": 1.05}


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

    def matrix(name: str, out: int, width: int) -> None:
        drawn = draw.standard_normal((out, width), dtype=np.float32) / np.sqrt(width)
        writer.add_tensor(f"{name}.weight", drawn.astype(np.float16))

    def vector(name: str, width: int, centre: float) -> None:
        drawn = centre + 0.1 * draw.standard_normal(width)
        writer.add_tensor(name, drawn.astype(np.float32))

    matrix("token_embd", VOCABULARY, HIDDEN)
    vector("output_norm.weight", HIDDEN, 1.0)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        vector(f"{block}attn_norm.weight", HIDDEN, 1.0)
        vector(f"{block}ffn_norm.weight", HIDDEN, 1.0)
        for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
            matrix(f"{block}attn_{name}", heads * HEAD, HIDDEN)
            vector(f"{block}attn_{name}.bias", heads * HEAD, 0.0)
        matrix(f"{block}attn_output", HIDDEN, HEADS * HEAD)
        matrix(f"{block}ffn_gate", INSIDE, HIDDEN)
        matrix(f"{block}ffn_up", INSIDE, HIDDEN)
        matrix(f"{block}ffn_down", HIDDEN, INSIDE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def measure(
    path: Path, device: str, tokens: int, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Wall and processor seconds of each pass, by what it was; the first of each is left out."""
    from ml.engines.dequantised_weights import DequantisedWeights
    from ml.engines.tinygrad_prefill import prefill
    from ml.tinygrad_devices import fixed_settings

    choice, model = devices.resolve(device), open_model(path)
    ids = np.random.default_rng(1).integers(0, VOCABULARY, tokens).tolist()
    traced = Request(
        model=model, ids=tuple(ids), kv="f32", points=points.SEED_POINTS, device=choice
    )
    passes = {"plain": evolve(traced, statistics=False), "traced": traced}
    taken: dict[str, list[Seconds]] = {name: [] for name in passes}
    name = choice.tinygrad_name or ""
    with fixed_settings(name):
        weights = DequantisedWeights.load(traced, name)
        for _ in range(rounds + 1):
            logits = set()
            for what, request in passes.items():
                wall, processor = time.perf_counter(), time.process_time()
                logits.add(prefill(request, name, weights).logits.tobytes())
                taken[what].append((time.perf_counter() - wall, time.process_time() - processor))
            if len(logits) != 1:
                raise SystemExit("traced and plain logits differ")
    return {what: times[1:] for what, times in taken.items()}


def main() -> None:
    """Measure and print."""
    made = parser(__doc__)
    made.add_argument("--device", default="cpu")
    made.add_argument("--tokens", type=int, default=128)
    made.add_argument("--rounds", type=int, default=7)
    asked = made.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
        path = Path(folder) / "model.gguf"
        write_model(path)
        taken = measure(path, asked.device, asked.tokens, asked.rounds)
    bar = BARS[asked.device.partition(":")[0]]
    figures = []
    for index, clock in enumerate(("wall", "processor")):
        plain, traced = (median([each[index] for each in taken[what]]) for what in taken)
        what = f"{asked.device}, {asked.tokens} tokens, traced pass, {clock} time"
        figures += [
            Figure(what, 1000 * traced, "ms", peer="plain pass", peer_value=1000 * plain),
            Figure(f"{what}: over plain", traced / plain, "ratio", bar=bar),
        ]
    print_figures(figures, as_json=asked.json)


if __name__ == "__main__":
    main()
