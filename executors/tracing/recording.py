"""What is recorded of a trace: its table, its tensors where asked for, and numbers for criteria."""

import io
import math
from typing import TYPE_CHECKING, Any, Final

import attrs

from executors import base

if TYPE_CHECKING:
    from ml.imported_traces import ImportedTrace
    from ml.statistics import Statistics
    from ml.tracing import Trace

CONTRACT: Final = "trace/1"


def record_table(run: base.Run, traced: "Trace | ImportedTrace", provenance: str) -> None:
    """Record the table of a trace in as many parts as it needs."""
    from ml import identity
    from ml.statistics import COLUMNS

    blob = run.keep(traced.blob)
    points = [[p.point, p.layer, p.width, p.rows] for p in traced.points]
    all_rows = [_numbers(p.all) for p in traced.points]
    last_row = [_numbers(p.last) for p in traced.points]
    parts = base.split_rows(len(points), lambda i: [points[i], all_rows[i], last_row[i]])
    for part, rows in enumerate(parts):
        chosen = slice(rows.start, rows.stop)
        run.record(
            "trace.captured",
            {
                "provenance": provenance,
                "part": part,
                "parts": len(parts),
                "identity": {k: v for k, v in traced.identity.items() if k != "points"},
                "identity_digest": f"sha256:{identity.canonical_digest(dict(traced.identity))}",
                "path": dict(traced.path),
                "path_digest": f"sha256:{identity.canonical_digest(dict(traced.path))}",
                "columns": list(COLUMNS),
                "points": points[chosen],
                "all_rows": all_rows[chosen],
                "last_row": last_row[chosen],
                "kept_rows": list(traced.kept_rows),
                "blob": blob,
            },
        )


def record_tensors(run: base.Run, traced: "Trace") -> None:
    """Keep each full activation as a blob, a NumPy file; record which blob is which point."""
    import numpy as np

    from ml import identity

    tensors: list[list[Any]] = []
    blobs: list[str] = []
    for (point, layer), tensor in (traced.tensors or {}).items():
        file = io.BytesIO()
        np.lib.format.write_array(file, tensor.astype("<f4"), version=(1, 0), allow_pickle=False)
        tensors.append([point, layer, *tensor.shape])
        blobs.append(run.keep(file.getvalue()))
    parts = base.split_rows(len(tensors), lambda i: [tensors[i], blobs[i]])
    for part, rows in enumerate(parts):
        chosen = slice(rows.start, rows.stop)
        run.record(
            "tensors.kept",
            {
                "provenance": "measured",
                "part": part,
                "parts": len(parts),
                "identity_digest": f"sha256:{identity.canonical_digest(dict(traced.identity))}",
                "tensors": tensors[chosen],
                "blobs": blobs[chosen],
            },
        )


def measure(run: base.Run, traced: "Trace") -> None:
    """Record the numbers that criteria ask for."""
    path, identity_ = traced.path, traced.identity
    key = {
        "contract": CONTRACT,
        "model": f"sha256:{path['model_sha256']}",
        "engine": path["engine"],
        "device": path["device"],
        "kv_dtype": path["kv_dtype"],
        "tokens": f"sha256:{identity_['tokens_sha256']}",
    }
    if path["activation_quantisation"] != "none":
        key["activation"] = path["activation_quantisation"]
    if path["batching"] != "prefill":
        key["batching"] = path["batching"]
    bad = sum(p.all.nan_count + p.all.inf_count for p in traced.points)
    (best, largest), (_, second) = traced.top(2)
    run.measure("nonfinite_count", bad, "count", key)
    run.measure("logits_argmax", best, "token id", key)
    run.measure("logits_top2_margin", number(largest - second), "logit", key)


def _numbers(statistics: "Statistics") -> list[Any]:
    from ml.statistics import COLUMNS

    values = attrs.asdict(statistics)
    return [number(values[name]) for name in COLUMNS]


def number(value: float) -> float | str:
    """A number as an event holds it: what is not finite is spelled."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def trace_table(traced: "Trace") -> base.Table:
    """The table that a person sees."""
    columns = ("layer", "point", "mean", "std", "min", "max", "nan", "inf", "zero", "std_last")
    rows = tuple(
        (
            p.layer, p.point, p.all.mean, p.all.std, p.all.min, p.all.max, p.all.nan_count,
            p.all.inf_count, p.all.zero_count, p.last.std,
        )
        for p in traced.points
    )  # fmt: skip
    return base.Table(columns, rows)
