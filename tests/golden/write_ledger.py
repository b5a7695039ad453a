"""Write the golden ledger: a small laboratory's whole record, for later versions to read.

    python tests/golden/write_ledger.py FOLDER

`tests/golden/ledger` was written by this script and is never written again; neither is the script
ever changed. It knows spec/formats and nothing of the program, so no change of the program can
change what it writes: what is tested is whether the program still reads it, and still writes it
where it can (`tests/contracts/test_golden_ledger.py` plays the story through the recorder).

`story()` is what happened, as steps: ("append", [entry, …]), all or none; ("foreign", entry), of a
program that knows more kinds than version 0.1 did; ("torn", bytes), what a crash left.
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from golden_story import ORIGIN, Fields, Story, canonical, digest, layout  # noqa: E402
from golden_trace import COLUMNS, ROWS, TOKENS, distance, sketch, statistics  # noqa: E402

ELSEWHERE = "example.org/elsewhere"
ADA, REVIEWER = "human:ada", "agent:reviewer-2"
TRAIN, TRACE, COMPARE = "executor:train", "executor:trace", "executor:compare"
#: Taken from their golden files, which are never changed either.
REPORTED = (
    "note", "criterion", "claim", "verdict", "board", "section", "contract", "run", "outcome",
    "epoch", "step", "trace", "comparison", "measurement", "edge", "threshold", "publication",
)  # fmt: skip
AWKWARD = 'quotes " and \\ and / \t\n\r\b\f\x00\x1f\x7f é € \u2028 😀 \ufeff'
FLOATS = (0.1 + 0.2, -0.0, 1e16, 1e15, 1e-5, 1e-6, 5e-324, 1.7976931348623157e308, 1.5e-10)


def story() -> Story:
    """Everything that happened, from the first entry to the last."""
    told = Story()
    program = {"format": "research-ledger/v1", "program": "research-ledger 0.1.0", "keys": []}
    told.tell("ledger.created", program)
    told.tell("note.added", {"text": AWKWARD})
    rows = state_and_declare(told)
    synthetic(told)
    train(told, rows)
    report(told)
    trace(told, rows)
    strangers(told)
    return told


def state_and_declare(told: Story) -> dict[str, str]:
    """Claims, and what is demanded; the hash of each declaration."""
    prediction = "loss_final stays below 3 nats on every seed"
    claims = (("H-1", "it trains", prediction), ("H-2", "Q4_K_M is close to f16", None))
    for name, text, predicted in claims:
        told.tell("claim.stated", {"claim": name, "text": text, "prediction": predicted}, REVIEWER)
    demands: tuple[tuple[str, str, str, object, str | None, Fields], ...] = (
        ("LOSS", "loss_final", "<=", 3.0, "nats", {"model": "tiny4"}),
        ("SPEED", "speed", ">=", 1000, "tokens_per_sec", {"model": "tiny4", "device": "cpu"}),
        ("TIED", "weights_tied", "==", True, None, {}),
        ("FORMAT", "container", "==", "gguf v3", None, {"model": "tiny4"}),
        ("CLOSE", "trace_distance_max", "<", 0.001, "ratio", {"contract": "comparison/1"}),
        ("NEVER", "bits_per_weight", "!=", 0, "bit", {}),
    )
    found = {}
    for name, metric, operator, threshold, unit, binding in demands:
        body = {
            "criterion": name,
            "title": f"what {metric} has to be",
            "metric": metric,
            "operator": operator,
            "threshold": threshold,
            "unit": unit,
            "blocking": name != "SPEED",
            "model": None if name == "NEVER" else "tiny4",
            "binding": binding,
        }
        found[name] = told.tell("criterion.declared", body)
    return found


def started(run: str, executor: str, provenance: str) -> tuple[str, Fields]:
    """The beginning of a run."""
    on_cpu = provenance == "measured"
    body = {
        "run": run,
        "executor": executor,
        "program": "golden 1",
        "provenance": provenance,
        "arguments": {"steps": 30, "nested": {"list": [1, 2.5, None, True, "é"]}},
        "inputs": {"tokens": digest(b"tokens")},
        "model": {"name": "tiny4", "parameters": 4096},
        "device_asked": "auto" if on_cpu else None,
        "device_observed": "cpu" if on_cpu else None,
        "device_reason": "the only one" if on_cpu else None,
        "dtype": "float32" if on_cpu else None,
        "dtype_reason": "as stored" if on_cpu else None,
        "compiler": None,
        "environment": {"python": "3.11.7", "threads": 2},
        "seed": 7,
    }
    return "run.started", body


def step(
    run: str, number_: int, provenance: str = "measured", **metrics: object
) -> tuple[str, Any]:
    """A training step."""
    body = {"run": run, "step": number_, "provenance": provenance, "metrics": metrics}
    return "step.taken", body


def measured(run: str | None, metric: str, value: object, unit: str | None, **more: Any) -> Any:
    """A number about tiny4."""
    key = more.pop("key", {"model": "tiny4", "device": "cpu"})
    given = {"provenance": "measured", **more}
    body = {"run": run, "metric": metric, "value": value, "unit": unit, "key": key, **given}
    return "measurement.taken", body


def finished(run: str, entries: int) -> tuple[str, Fields]:
    """The good end of a run."""
    return "run.finished", {"run": run, "wall_ms": 1234.5, "entries": entries}


def synthetic(told: Story) -> None:
    """A run with made-up numbers, every awkward one among them."""
    run = "synthetic-0001"
    told.tell(*started(run, "train", "synthetic"), TRAIN)
    for index, value in enumerate((*FLOATS, 2**53, -(2**53), "NaN", "Infinity", "-Infinity")):
        told.tell(*step(run, index, "synthetic", loss=value, lr=0.001), TRAIN)
    told.tell(*measured(run, "loss_final", 0.5, "nats", provenance="synthetic"), TRAIN)
    told.tell(*finished(run, 17), TRAIN)
    told.tell(*measured(None, "bits_per_weight", 4.5, "bit", provenance="asserted"), REVIEWER)


def train(told: Story, rows: dict[str, str]) -> None:
    """Three runs: one that meets LOSS, one that does not, one that fails; and the verdicts."""
    crash_in_first(told)
    for run, loss in (("train-0001", 2.5), ("train-0002", 3.5), ("train-0003", 2.25)):
        told.tell(*started(run, "train", "measured"), TRAIN)
        steps = [
            step(run, n, loss=6.0 - (6.0 - loss) * n / 32, lr=3e-4, grad_norm=1.25,
                 tokens_per_sec=900 + n, wall_ms=22.5)
            for n in range(20)
        ]  # fmt: skip
        told.together(TRAIN, *steps)
        numbers = (
            measured(run, "loss_final", loss, "nats"),
            measured(run, "speed", 915, "tokens_per_sec"),
            measured(run, "weights_tied", True, None),
            measured(run, "container", "gguf v3", None),
        )
        hashes = told.together(TRAIN, *numbers)
        told.tell(*finished(run, 26), TRAIN)
        judge(told, rows, "LOSS", numbers[0][1], "<=", 3.0, hashes[0])
        if run == "train-0001":
            judge(told, rows, "SPEED", numbers[1][1], ">=", 1000, hashes[1])
            judge(told, rows, "TIED", numbers[2][1], "==", True, hashes[2])
            judge(told, rows, "FORMAT", numbers[3][1], "==", "gguf v3", hashes[3])
    told.tell(*started("train-0004", "train", "measured"), TRAIN)
    told.tell(*step("train-0004", 0, loss="NaN"), TRAIN)
    failure = {"run": "train-0004", "wall_ms": 3, "error": "Overflow", "reason": "loss is NaN"}
    told.tell("run.failed", failure, TRAIN)


def judge(
    told: Story, rows: dict[str, str], row: str, number_: Fields, operator: str, limit: Any, by: str
) -> None:
    """The verdict that follows, citing its declaration and its evidence."""
    value = number_["value"]
    met = {"<=": lambda: value <= limit, ">=": lambda: value >= limit, "<": lambda: value < limit,
           "==": lambda: value == limit}[operator]()  # fmt: skip
    body = {
        "criterion": row,
        "status": "DISCHARGED" if met else "FALSIFIED",
        "metric": number_["metric"],
        "value": value,
        "operator": operator,
        "threshold": limit,
        "unit": number_["unit"],
        "declaration": rows[row],
        "evidence": by,
    }
    told.tell("verdict.given", body, cites=(rows[row], by))


def crash_in_first(told: Story) -> None:
    """Two crashes: a line cut short, and NUL bytes where a power cut lost the pages."""
    for torn in (b'29 5d1c {"actor":"human:a', bytes(300)):
        segments = layout(told.steps)
        first, size = segments[-1][0], len(segments[-1][1])
        told.crash(torn, first, size)


def report(told: Story) -> None:
    """One statement of each kind that others made, in three streams."""
    for index, noun in enumerate(REPORTED):
        golden = json.loads(
            (HERE / "events" / f"{noun}.reported.v1.json").read_text(encoding="utf-8")
        )
        body = json.loads(golden["entry"])["body"]
        stream = ("import/recorded", "import/a", "import/b")[index % 3]
        told.tell(f"{noun}.reported", body, stream=stream)


def trace(told: Story, rows: dict[str, str]) -> None:
    """Two traces of three tokens, the second a little off, and their comparison."""
    off = {point: [[v + 0.125 for v in row] for row in known] for point, known in ROWS.items()}
    hashes = [
        record_trace(told, f"trace-000{index}", values, f"model {index}".encode())
        for index, values in ((1, ROWS), (2, off))
    ]
    run = "compare-0001"
    told.tell(*started(run, "compare", "derived"), COMPARE)
    points, table = [], []
    for point in ROWS:
        far = [distance(a, b) for a, b in zip(ROWS[point], off[point], strict=True)]
        largest = max(far)
        table.append([sorted(far)[1], largest, far.index(largest), 1.0, False])
        points.append([point, None])
    first = {"point": "embedding", "layer": None, "row": table[0][2], "distance": table[0][1]}
    paths = [{"name": "model_sha256", "a": digest(b"model 1")[7:], "b": digest(b"model 2")[7:]}]
    names = {"run_a": "trace-0001", "run_b": "trace-0002"}
    body = {
        "run": run, "provenance": "derived", "part": 0, "parts": 1, "result": "no_floor",
        "trace_a": hashes[0], "trace_b": hashes[1], "identity_differences": [],
        "path_differences": paths, "threshold": 0.001, "first_divergence": first,
        "columns": ["median_distance", "max_distance", "max_row", "std_ratio", "bit_equal"],
        "points": points, "rows": table, **names,
    }  # fmt: skip
    compared = told.tell("comparison.made", body, COMPARE, cites=hashes)
    worst = max(row[1] for row in table)
    key = {"contract": "comparison/1", "tokens": digest(TOKENS)}
    number_ = measured(run, "trace_distance_max", worst, "ratio", key=key, provenance="derived")
    by = told.tell(*number_, COMPARE, cites=(compared,))
    told.tell(*finished(run, 4), COMPARE)
    judge(told, rows, "CLOSE", number_[1], "<", 0.001, by)


def record_trace(told: Story, run: str, values: dict[str, list[list[float]]], model: bytes) -> str:
    """A trace with its blob; the hash of the entry."""
    flat = [x for rows in values.values() for row in rows for x in (*statistics(row), *sketch(row))]
    blob = told.keep(struct.pack(f"<{len(flat)}f", *flat))
    points = [[point, None, len(rows[0]), 3] for point, rows in values.items()]
    identity = {
        "boundaries": {
            "embedding": {"boundary": "rows of token_embd, before the first layer",
                          "layout": "[token, channel]"},
            "logits": {"boundary": "product with the output matrix",
                       "layout": "[token, vocabulary]"},
        },
        "format_version": 1,
        "positions": {"first": 0, "count": 3},
        "rows": {"selection": "all", "kept": [0, 1, 2]},
        "sketch_version": 1,
        "tokens_sha256": digest(TOKENS)[7:],
    }  # fmt: skip
    whole = identity | {"points": [point[:3] for point in points]}
    path = {
        "format_version": 1, "model_sha256": digest(model)[7:], "container": "gguf v3",
        "weight_formats": {"F16": "exact"}, "activation_dtype": "f32", "accumulate_dtype": "f64",
        "activation_quantisation": "none", "kv_dtype": "f32", "rope_angle_rule": "stated",
        "attention_form": "softmax", "batching": "prefill", "engine": "numpy",
        "engine_version": "1", "device": "cpu",
    }  # fmt: skip
    told.tell(*started(run, "trace", "measured"), TRACE)
    body = {
        "run": run, "provenance": "measured", "part": 0, "parts": 1, "identity": identity,
        "identity_digest": digest(canonical(whole).encode()), "path": path,
        "path_digest": digest(canonical(path).encode()), "columns": list(COLUMNS),
        "points": points, "kept_rows": [0, 1, 2], "blob": blob,
        "all_rows": [statistics([v for row in rows for v in row]) for rows in values.values()],
        "last_row": [statistics(rows[-1]) for rows in values.values()],
    }  # fmt: skip
    hash_ = told.tell("trace.captured", body, TRACE)
    told.tell(*finished(run, 3), TRACE)
    return hash_


def strangers(told: Story) -> None:
    """Entries of other ledgers, other branches, later kinds; and the longest entry there can be."""
    far = {"actor": "robot:later", "origin": ELSEWHERE}
    told.foreign("note.added", {"text": "from another ledger"}, stream="ledger", **far)
    told.foreign("step.taken", step("far-0001", 0, "synthetic", loss=1.5)[1], **far)
    told.foreign("unknowable.happened", {"how": [1, {"deep": 0.5}]}, stream="later/x", **far)
    newer = {"text": 5, "weight": 0.5}
    told.foreign("note.added", newer, schema_version=65535, actor="human:later")
    told.foreign("unknowable.happened", {}, stream="later/y", actor="robot:later")
    told.tell("note.added", {"text": "on a branch"}, branch="try/one")
    longest = {"text": ""}
    told.tell("note.added", longest)
    longest["text"] = "x" * (65_535 - len(canonical(told.steps[-1][1][0]).encode()))
    told.tell("note.added", {"text": "the end"})


def write(folder: Path) -> None:
    """Write the whole folder `.ledger`, without what can be rebuilt."""
    told = story()
    (folder / "journal").mkdir(parents=True)
    settings = f'origin = "{ORIGIN}"\nformat = "research-ledger/v1"\n'
    (folder / "ledger.toml").write_text(settings, encoding="utf-8")
    segments = layout(told.steps)
    for first, data in segments:
        path = folder / "journal" / f"{first:020d}.log"
        path.write_bytes(data)
        if first != segments[-1][0]:
            path.chmod(0o444)
    for name, data in told.blobs.items():
        path = folder / "blobs" / "sha256" / name[7:9] / name[9:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o444)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
