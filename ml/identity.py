"""The two records of a trace: identity, which must be equal to compare, and path, which may differ.

Both are plain JSON-able dicts with ASCII keys and no floats, so that their canonical form is one
byte string: compact JSON, keys sorted. The digest of that form names the record.
"""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from ml import rope, sketch
from ml.architectures import Model, ModelConfig
from ml.engines import Activation, Batching, Capture, Engine, KvDtype
from ml.rows import Rows

FORMAT_VERSION = 1

Record = dict[str, object]


def canonical_bytes(record: Record) -> bytes:
    """Return compact JSON with sorted keys; ValueError for NaN and infinities."""
    text = json.dumps(
        record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def canonical_digest(record: Record) -> str:
    """Return the SHA-256 of the canonical bytes, in hex.

    >>> canonical_digest({"b": 1, "a": [True, None]})[:16]
    '51705a2c9eb3e7e4'
    """
    return hashlib.sha256(canonical_bytes(record)).hexdigest()


def tokens_sha256(ids: Sequence[int]) -> str:
    """Return the SHA-256 of the ids as little-endian unsigned 32-bit numbers, in hex."""
    return hashlib.sha256(np.array(ids, dtype="<u4").tobytes()).hexdigest()


def identity_record(ids: Sequence[int], captures: Sequence[Capture], rows: Rows) -> Record:
    """Return what two traces must agree on for their numbers to mean the same thing.

    What a point is stands once for each kind of point, so that the record stays small however many
    layers a model has.
    """
    return {
        "boundaries": {
            capture.point.id: {"boundary": capture.point.boundary, "layout": capture.point.layout}
            for capture in captures
        },
        "format_version": FORMAT_VERSION,
        "points": [[capture.point.id, capture.layer, capture.width] for capture in captures],
        "positions": {"count": len(ids), "first": 0},
        "rows": {"kept": list(rows.kept), "selection": rows.selection},
        "sketch_version": sketch.VERSION,
        "tokens_sha256": tokens_sha256(ids),
    }


def path_record(
    model: Model,
    model_sha256: str,
    engine: Engine,
    kv: KvDtype,
    device_observed: str,
    activation: Activation,
    batching: Batching = "prefill",
) -> Record:
    """Return how the numbers came about: every difference here is listed by a comparison."""
    types = {tensor.quant_type.name: tensor.quant_type for tensor in model.tensors.values()}
    stored = [types[name] for name in sorted(types)]
    quantised = {engine.activation_quantisation(t, activation) for t in stored} - {"none"}
    described = dict(engine.describe(activation))
    described["attention_form"] += _windows(model.config)
    return {
        **described,
        "activation_quantisation": ", ".join(sorted(quantised)) or "none",
        "batching": batching,
        "container": model.container.format,
        "device": device_observed,
        "engine": engine.id,
        "format_version": FORMAT_VERSION,
        "kv_dtype": kv,
        "model_sha256": model_sha256,
        "rope_angle_rule": rope.rule(model.config),
        "weight_formats": {t.name: engine.weight_decoding(t) for t in stored},
    }


def _windows(config: ModelConfig) -> str:
    """Say which layers see a window of positions only; nothing where none does."""
    layers: dict[int, list[str]] = {}
    for layer, window in enumerate(config.windows):
        if window:
            layers.setdefault(window, []).append(str(layer))
    return "".join(
        f"; window of {window} in layers {', '.join(found)}" for window, found in layers.items()
    )
