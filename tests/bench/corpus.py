"""How long a corpus takes, and what it needs: `python tests/bench/corpus.py`.

The standard library is copied with tokens changed by a seed until it has 100 MB
(`corpus_texts.py`), and a corpus is built of it in a process of its own: filters, near duplicates,
a tokenizer of 4,096, shards, windows, baselines. *Tokenised* is what is encoded a second, with the
check that every document comes back. The peer is the `tokenizers` package alone, with the same
tokenizer and text, in batches of the same size. *Again* is the second build of the same inputs.
Processor time is given beside wall time: on a machine that others use, only the first compares.
Nothing here is a test.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from corpus_texts import write_copies
from figures import Figure, parser, print_figures

_BUILD = """
import json, resource, sys, time
from pathlib import Path
started = time.perf_counter()
from ml.corpus.base import Folder, Settings
from ml.corpus.building import build
steps, last = {}, [None, started, 0.0]

def report(step, done, total):
    now = time.perf_counter(), time.process_time()
    if last[0] is not None:
        wall, cpu = steps.get(last[0], (0.0, 0.0))
        steps[last[0]] = wall + now[0] - last[1], cpu + now[1] - last[2]
    last[:] = step, *now

settings = Settings(folders=[Folder(path=Path(sys.argv[1]), name="copies", licence="PSF-2.0")])
built = build(settings, Path(sys.argv[2]), report)
report("end", 0, 0)
print(json.dumps({
    "wall": time.perf_counter() - started,
    "cpu": time.process_time(),
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "steps": steps,
    "bytes": sum(side.size_bytes for side in built.corpus.manifest.sides.values()),
    "shared": built.corpus.manifest.windows.shared,
    "dropped": {step.name: step.dropped for step in built.corpus.manifest.steps},
    "unchanged": built.is_unchanged,
}))
"""
_PEER = """
import json, sys, time
from pathlib import Path
import tokenizers
folder = Path(sys.argv[2])
tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
rows = [json.loads(line) for line in (folder / "documents.jsonl").read_text().splitlines()]
texts = [(Path(sys.argv[1]) / row["path"].partition("/")[2]).read_bytes().decode() for row in rows]
seconds, size, batch = 0.0, 0, []
for number, text in enumerate(texts):
    batch.append(text)
    if sum(map(len, batch)) > 4 << 20 or number == len(texts) - 1:
        size += sum(len(text.encode()) for text in batch)
        begun = time.perf_counter()
        for one in tokenizer.encode_batch_fast(batch):
            one.ids
        seconds += time.perf_counter() - begun
        batch = []
print(json.dumps({"rate": size / seconds}))
"""


def call(program: str, source: Path, out: Path) -> dict:
    """What a program prints, run in a process of its own."""
    words = [sys.executable, "-c", program, str(source), str(out)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Measure, and print one table."""
    arguments = parser(__doc__)
    arguments.add_argument("--megabytes", type=int, default=100, help="size of the copies")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        source, out = Path(home) / "copies", Path(home) / "corpus"
        size = write_copies(source, given.megabytes * 1_000_000)
        first = call(_BUILD, source, out)
        peer = call(_PEER, source, out)
        again = call(_BUILD, source, out)
    wall, cpu = first["steps"]["encoding"]
    dropped = first["dropped"]
    print_figures(
        [
            Figure("size of the copies", size / 1e6, "MB"),
            Figure("copies dropped", dropped["exact"], "documents"),
            Figure("near duplicates dropped", dropped["near"], "documents"),
            Figure("windows on both sides", first["shared"], "windows", 0),
            Figure("built", first["wall"], "s", 90.0),
            Figure("of processor time", first["cpu"], "s"),
            Figure(
                "tokenised",
                first["bytes"] / wall / 1e6,
                "MB/s",
                4.0,
                "tokenizers, without the check",
                peer["rate"] / 1e6,
                is_least=True,
            ),
            Figure("tokenised, of processor time", first["bytes"] / cpu / 1e6, "MB/s"),
            Figure("peak memory", first["peak"] / 2**20, "MiB", 2048.0),
            Figure("again, unchanged", again["wall"], "s"),
            *(Figure(f"  {name}", seconds[0], "s") for name, seconds in first["steps"].items()),
        ],
        as_json=given.json,
    )
    assert again["unchanged"]


if __name__ == "__main__":
    main()
