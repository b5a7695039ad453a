"""What packing weights costs: `python tests/bench/quantising.py [--millions 100] [--threads 2]`.

Seeded normal weights, in rows of 4,096, go through each type once for warming up and then as often
as `--rounds` says. The gguf package packs the same rows, on one thread as it does, where it has the
type; of those the bytes are compared. Figures are seconds for a hundred million weights. Last comes
the whole of it: a model file of that many weights read, packed as Q4_K, unpacked again for the
error, written, and read for its digest. Nothing here is a test.
"""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gguf
import numpy as np
from figures import Figure, median, parser, print_figures

from ml.conversion import BY_MIXTURE, convert, open_source
from ml.quantise import BY_NAME, encode

WIDTH = 4096
TYPES = ("Q8_0", "Q4_0", "Q5_0", "Q6_K", "Q5_K", "Q4_K")
#: Seconds for a hundred million weights on two cores.
BAR = 60.0


def time_type(name: str, rows: np.ndarray, threads: int, rounds: int) -> list[float]:
    """Seconds of each round, after one that is not counted."""
    taken = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds + 1):
            began = time.perf_counter()
            encode(BY_NAME[name], rows, pool if threads > 1 else None)
            taken.append(time.perf_counter() - began)
    return taken[1:]


def time_peer(name: str, rows: np.ndarray) -> float | None:
    """Seconds of the gguf package; None where it lacks the type."""
    try:
        began = time.perf_counter()
        theirs = gguf.quants.quantize(rows, gguf.GGMLQuantizationType[name])
        taken = time.perf_counter() - began
    except NotImplementedError:
        return None
    ours = encode(BY_NAME[name], rows)
    if not np.array_equal(np.ascontiguousarray(theirs).view(np.uint8).reshape(-1), ours):
        raise SystemExit(f"{name}: the bytes differ from the gguf package's")
    return taken


def time_file(folder: Path, rows: np.ndarray, millions: int, threads: int) -> float:
    """Seconds of a whole conversion of a file with so many weights."""
    writer = gguf.GGUFWriter(folder / "plain.gguf", "none")
    count = millions * 1_000_000 // rows.size
    for number in range(max(1, count)):
        writer.add_tensor(f"blk.{number}.ffn_up.weight", rows.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    began = time.perf_counter()
    source = open_source(folder / "plain.gguf")
    convert(source, folder / "made.gguf", mixture=BY_MIXTURE["q4_k_m"], threads=threads)
    return (time.perf_counter() - began) / (max(1, count) * rows.size) * 1e8


def main() -> None:
    """Measure and print."""
    made = parser(__doc__)
    made.add_argument("--millions", type=int, default=100, help="weights of the file")
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--rounds", type=int, default=3)
    asked = made.parse_args()
    rows = np.random.default_rng(9).standard_normal((2048, WIDTH), dtype=np.float32)
    per_hundred = 1e8 / rows.size
    figures = []
    for name in TYPES:
        taken = median(time_type(name, rows, asked.threads, asked.rounds)) * per_hundred
        peer = time_peer(name, rows)
        figures.append(
            Figure(
                f"100 M weights to {name}, {asked.threads} threads",
                taken,
                "s",
                bar=BAR,
                peer=None if peer is None else "gguf package",
                peer_value=None if peer is None else peer * per_hundred,
            )
        )
    with tempfile.TemporaryDirectory(prefix="ledger-bench-", dir=asked.folder) as folder:
        whole = time_file(Path(folder), rows, asked.millions, asked.threads)
    what = f"file of {asked.millions} M weights to Q4_K, per 100 M, {asked.threads} threads"
    figures.append(Figure(what, whole, "s", bar=BAR))
    print_figures(figures, as_json=asked.json)


if __name__ == "__main__":
    main()
