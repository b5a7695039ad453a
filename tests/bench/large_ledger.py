"""A ledger as a year of research would leave it, written straight into journal segments.

Mostly training steps of five metrics, three runs at a time, each of 300,000 steps; in between, one
entry in a hundred, claims, criteria, measurements with what they rest on, verdicts, published
boards, traces and their comparisons. Clock and numbers are fixed: the same count of entries gives
the same bytes. The entries are sound (one of each kind is held against its kind, one line in ten
thousand read back), but no rule was asked: `tests/bench` wants ten million in a minute.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from ledger import canonical
from ledger.entry import entry_hash, format_hash, parse_entry
from ledger.events import KINDS
from ledger.events.form import parse_body
from ledger.folder import Folder, create_folder
from ledger.journal.line import chain_next, chain_start, parse_line
from ledger.journal.segments import SEGMENT_BYTES, segment_path

ORIGIN: Final = "bench.example/large"
START_US: Final = 1_767_225_600_000_000
RUN_STEPS: Final = 300_000
LANES: Final = 3
#: One round is a claim with its criterion, two measurements, two verdicts, and what others said.
ROUND_ENTRIES: Final = 1_000
#: Traces, comparisons and published boards, spread evenly.
VERSIONS: Final = 25
LAYERS: Final = 28
POINTS: Final = (
    "attn_norm", "q", "k", "v", "q_rope", "k_rope", "attn_mix", "attn_out", "attn_residual",
    "ffn_norm", "ffn_gate", "ffn_up", "ffn_swigl", "ffn_out", "output",
)  # fmt: skip
STATISTICS: Final = (
    "count", "mean", "m2", "min", "max", "abs_sum", "nan_count", "pos_inf_count", "neg_inf_count",
    "zero_count",
)  # fmt: skip
DISTANCES: Final = ("median_distance", "max_distance", "max_row", "std_ratio", "bit_equal")
DIGEST: Final = "sha256:" + "5e" * 32
METRICS: Final = 60
HUMAN: Final = "human:ada"
WORDS: Final = (
    "attention", "residual", "dequantised", "rotary", "embedding", "softmax", "gradient", "warmup",
    "layer", "checkpoint", "perplexity", "divergence", "bias", "kernel", "rounding", "cache",
)  # fmt: skip


class Writer:
    """Appends entries to segments of 64 MiB, sealing each that is full."""

    def __init__(self, folder: Folder, without: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._without = without
        self._chain = chain_start(folder.origin)
        self._versions: dict[str, int] = {}
        self._seen: set[str] = set()
        self._first = self._size = self.position = 0
        self._lines: list[bytes] = []

    def add(
        self, kind: str, stream: str, actor: str, body: dict[str, Any], cites: tuple[str, ...] = ()
    ) -> str:
        """Append one entry, its body's keys in order; its hash as printed."""
        if kind in self._without:
            return ""
        if kind not in self._seen:
            parse_body(KINDS[kind], KINDS[kind].upcast(body, 1))
            self._seen.add(kind)
        version = self._versions.get(stream, 0)
        self._versions[stream] = version + 1
        entry = canonical.encode(
            {
                "actor": actor,
                "body": body,
                "branch": None,
                "cites": cites,
                "kind": kind,
                "origin": ORIGIN,
                "recorded_at": START_US + 1000 * self.position,
                "schema_version": 1,
                "stream": stream,
                "stream_version": version,
            }
        )
        raw = entry_hash(entry)
        self._chain = chain_next(self._chain, raw)
        line = b"%d %s %s\n" % (self.position, self._chain.hex().encode(), entry)
        if self.position % 10_000 == 0:
            parse_entry(parse_line(line).entry)
        if self._size + len(line) > SEGMENT_BYTES:
            self.close()
            self._first, self._size = self.position, 0
        self._lines.append(line)
        self._size += len(line)
        self.position += 1
        return format_hash(raw)

    def close(self, *, is_sealed: bool = True) -> None:
        """Write what is held as one segment; a sealed one may be read only."""
        path = segment_path(self._folder.journal, self._first)
        path.write_bytes(b"".join(self._lines))
        path.chmod(0o444 if is_sealed else 0o644)
        self._lines.clear()


def build(
    home: Path,
    entries: int,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    is_judged: bool = True,
) -> Folder:
    """Make a ledger of `entries` entries, at least 10,000, in the folder `home`.

    One that is not judged has its criteria and their evidence, and no verdict.
    """
    folder = create_folder(home, ORIGIN)
    writer = Writer(folder, without=() if is_judged else ("verdict.given",))
    begin = {"format": "research-ledger/v1", "keys": [], "program": "bench 1"}
    writer.add("ledger.created", "ledger", HUMAN, begin)
    steps = _steps(writer)
    rounds, every = 0, entries // VERSIONS
    traces: list[tuple[str, str]] = []
    judged: dict[int, str] = {}
    while writer.position < entries - 200:
        _round(writer, rounds, judged)
        rounds += 1
        if writer.position // every >= len(traces):
            _version(writer, rounds, traces)
        end = min(rounds * ROUND_ENTRIES, entries)
        while writer.position < end:
            next(steps)
        if on_progress is not None:
            on_progress(writer.position, entries)
    while writer.position < entries:
        next(steps)
    writer.close(is_sealed=False)
    return folder


def _steps(writer: Writer) -> Iterator[None]:
    """Runs for ever, three at a time; each yield is one entry appended."""
    number = 0
    while True:
        runs = [f"train-{number + lane + 1:04d}" for lane in range(LANES)]
        number += LANES
        for run in runs:
            writer.add("run.started", f"run/{run}", "executor:train", _started(run, "train"))
            yield
        for step in range(RUN_STEPS):
            for lane, run in enumerate(runs):
                noise = math.sin(step * (lane + 1.7))
                body = {
                    "metrics": {
                        "grad_norm": 1.5 + math.sin(step * 0.37 + lane),
                        "loss": 2.0 + 9.0 / (1 + step / 3000) + 0.05 * noise,
                        "lr": 0.0003 * (1.0 + math.cos(step / RUN_STEPS * math.pi)),
                        "tokens_per_sec": 15460.5 + 320.0 * noise,
                        "wall_ms": 22.5 - 0.5 * noise,
                    },
                    "provenance": "measured",
                    "run": run,
                    "step": step,
                }
                writer.add("step.taken", f"run/{run}", "executor:train", body)
                yield
        for run in runs:
            body = {"entries": RUN_STEPS + 2, "run": run, "wall_ms": 6_750_000.5}
            writer.add("run.finished", f"run/{run}", "executor:train", body)
            yield


def _started(run: str, executor: str) -> dict[str, Any]:
    return {
        "arguments": {"batch": 16, "engine": "tinygrad", "lr": 0.0003},
        "compiler": None,
        "device_asked": "auto",
        "device_observed": "cuda",
        "device_reason": "the only one",
        "dtype": "float32",
        "dtype_reason": "the default",
        "environment": {"python": "3.11.7", "tinygrad": "0.14.0"},
        "executor": executor,
        "inputs": {"model": DIGEST, "tokens": DIGEST},
        "model": {"architecture": "qwen2", "name": "tiny-370m", "size_bytes": 740_000_000},
        "program": "bench 1",
        "provenance": "measured",
        "run": run,
        "seed": 7,
    }


def _round(writer: Writer, number: int, judged: dict[int, str]) -> None:
    """A claim under test; the one of ten rounds ago is measured and judged again."""
    name, words = f"H-{number:05d}", [WORDS[(number * k + k) % len(WORDS)] for k in (3, 5, 7, 11)]
    text = f"the {words[0]} of {words[1]} does not change {words[2]} under {words[3]}, no. {number}"
    claim = {"claim": name, "prediction": "the distance stays below the floor", "text": text}
    writer.add("claim.stated", f"claim/{name}", HUMAN, claim)
    demand = {
        "binding": {"model": f"model-{number % 400:03d}", "suite": "held-out"},
        "blocking": number % 3 == 0,
        "criterion": name,
        "metric": f"distance_{number % METRICS:02d}",
        "model": f"model-{number % 400:03d}",
        "operator": "<=",
        "threshold": 0.5,
        "title": text,
        "unit": "ratio",
    }
    judged[number] = writer.add("criterion.declared", f"row/{name}", HUMAN, demand)
    run = f"measure-{number:05d}"
    begun = writer.add("run.started", f"run/{run}", "executor:bench", _started(run, "bench"))
    for which in (number, number - 10):
        if which in judged:
            _judge(writer, which, run, begun, judged[which], (which * 13 + number) % 101 / 100)
    end = {"entries": 6, "run": run, "wall_ms": 12.5}
    writer.add("run.finished", f"run/{run}", "executor:bench", end)
    judged.pop(number - 10, None)
    if number % 2:
        _reported(writer, number)


def _judge(
    writer: Writer, number: int, run: str, begun: str, declaration: str, value: float
) -> None:
    """Three measurements, each derived from the one before, and the verdict on the last."""
    metric, cites = f"distance_{number % METRICS:02d}", (begun,)
    key = {"engine": "tinygrad", "model": f"model-{number % 400:03d}", "suite": "held-out"}
    body = {"key": key, "provenance": "measured", "run": run, "unit": "ratio", "value": value}
    for name in (f"raw_{metric}", f"mean_{metric}", metric):
        one = dict(sorted((body | {"metric": name}).items()))
        evidence = writer.add("measurement.taken", f"run/{run}", "executor:bench", one, cites)
        cites, body = (evidence,), body | {"provenance": "derived"}
    verdict = {
        "criterion": f"H-{number:05d}",
        "declaration": declaration,
        "evidence": evidence,
        "metric": metric,
        "operator": "<=",
        "status": "DISCHARGED" if value <= 0.5 else "FALSIFIED",
        "threshold": 0.5,
        "unit": "ratio",
        "value": value,
    }
    cited = (declaration, evidence)
    writer.add("verdict.given", f"row/H-{number:05d}", HUMAN, verdict, cited)


def _told(subject: str, **more: Any) -> dict[str, Any]:
    """The body of a reported statement, keys in order."""
    shared = {
        "document": "elsewhere.md",
        "rest": {},
        "said_on": "2026-01-05",
        "section": "4.2",
        "source": None,
        "spec_version": None,
        "subject": subject,
        "topic": None,
    }
    return dict(sorted((shared | more).items()))


def _reported(writer: Writer, number: int) -> None:
    """What others said: a claim and a row of theirs, with their verdicts."""
    subject, stream, actor = f"R-{number:05d}", "import/elsewhere", "agent:importer"
    text = f"they hold that {WORDS[number % len(WORDS)]} matters in no. {number}"
    writer.add(
        "claim.reported", stream, actor, _told(subject, text=text, commit=None, evidence=None)
    )
    demand = {"metric": "loss", "operator": "<=", "threshold": 2.5, "unit": "nats"}
    names = {"alias": None, "falsifier": f"F-{number:05d}", "model": "MODEL-1", "title": text}
    row = _told(f"C-{number:05d}", row_family="criterion", blocking=True, **demand, **names)
    writer.add("criterion.reported", stream, actor, row)
    for name, status in (
        (subject, "REFUTED" if number % 5 == 0 else "SUPPORTED"),
        (f"C-{number:05d}", "DISCHARGED" if number % 7 else "PARTIAL_ALGORITHM_LEVEL"),
    ):
        more = {"from_status": "OPEN", "evidence_class": "a test", "inferred": False}
        numbers = {"branch_only": False, "threshold": 2.5, "observed": 2.25}
        verdict = _told(name, status=status, **more, **numbers)
        writer.add("verdict.reported", stream, actor, verdict)


def _version(writer: Writer, rounds: int, traces: list[tuple[str, str]]) -> None:
    """A published board, a trace, and its comparison with the trace before."""
    number = len(traces) + 1
    tally = {"partial": rounds // 14, "discharged": rounds // 2, "total": None, "restated": False}
    board = _told(f"BOARD-{number}", **tally) | {"spec_version": f"1.{number}.0"}
    writer.add("board.reported", "import/elsewhere", "agent:importer", board)
    points = [("embedding", None)]
    points += [(point, layer) for layer in range(LAYERS) for point in POINTS]
    points += [("final_norm", None), ("logits", None)]
    parts = [points[first : first + 64] for first in range(0, len(points), 64)]
    run = f"trace-{number:04d}"
    writer.add("run.started", f"run/{run}", "executor:trace", _started(run, "trace"))
    first = ""
    for part, of_part in enumerate(parts):
        body = _trace(run, part, len(parts), of_part)
        hash_ = writer.add("trace.captured", f"run/{run}", "executor:trace", body)
        first = first or hash_
    traces.append((run, first))
    if number == 1:
        return
    run = f"compare-{number:04d}"
    writer.add("run.started", f"run/{run}", "executor:compare", _started(run, "compare"))
    for part, of_part in enumerate(parts):
        body = _comparison(run, part, len(parts), of_part, traces[-2:])
        cites = (traces[-2][1], traces[-1][1])
        writer.add("comparison.made", f"run/{run}", "executor:compare", body, cites)


def _trace(run: str, part: int, parts: int, points: list[tuple[str, int | None]]) -> dict[str, Any]:
    number = int(run[-4:])
    rows = [
        [63 * 1536, 0.001 * k + number / 1000, 96_768.5 + k, -9.5, 9.25 + k, 77_000.5, 0, 0, 0, 3]
        for k in range(len(points))
    ]
    return {
        "all_rows": rows,
        "blob": DIGEST,
        "columns": STATISTICS,
        "identity": {"op_boundary": "after bias", "sketch": "v1", "tokens": DIGEST},
        "identity_digest": DIGEST,
        "kept_rows": list(range(63)),
        "last_row": rows,
        "part": part,
        "parts": parts,
        "path": {"device": "cuda", "engine": "tinygrad", "model": DIGEST},
        "path_digest": DIGEST,
        "points": [[point, layer, 1536, 63] for point, layer in points],
        "provenance": "measured",
        "run": run,
    }


def _comparison(
    run: str,
    part: int,
    parts: int,
    points: list[tuple[str, int | None]],
    traces: list[tuple[str, str]],
) -> dict[str, Any]:
    distances = [[1e-4 * (k + 1), 3e-4 * (k + 1), k, 1.0 + k / 1000, False] for k in range(64)]
    return {
        "columns": DISTANCES,
        "first_divergence": {"distance": 0.0123, "layer": 3, "point": "ffn_out", "row": 17},
        "identity_differences": [],
        "part": part,
        "parts": parts,
        "path_differences": [{"a": "tinygrad", "b": "numpy", "field": "engine"}],
        "points": points,
        "provenance": "derived",
        "result": "differs",
        "rows": distances[: len(points)],
        "run": run,
        "run_a": traces[0][0],
        "run_b": traces[1][0],
        "threshold": 0.01,
        "trace_a": traces[0][1],
        "trace_b": traces[1][1],
    }
