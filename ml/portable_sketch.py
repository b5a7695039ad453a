"""Ten statistics and the sketch of each row of an activation: paste this file beside your program.

It needs numpy alone, and takes numpy arrays and torch tensors. In a hook:

    np.save(f"trace/attn_out.{layer}.npy", rows(output))

`ledger run import-trace trace --contract trace.yaml` then takes the folder in. What the 74 columns
are: spec/formats/trace.md and sketch.md of research-ledger. MIT licence.
"""

import numpy as np

COLUMNS = (
    "count", "mean", "m2", "min", "max", "abs_sum", "nan_count", "pos_inf_count", "neg_inf_count",
    "zero_count",
)  # fmt: skip


def rows(values: "np.typing.NDArray[np.float32]") -> "np.typing.NDArray[np.float32]":
    """Return float32 [tokens, 74] of [tokens, width], or of [1, tokens, width]."""
    if hasattr(values, "detach"):  # torch
        values = values.detach().float().cpu().numpy()
    values = np.asarray(values, dtype=np.float32)
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"rows of tokens by channels are needed, not {values.shape}")
    return np.concatenate([statistics(values), sketch(values)], axis=1)


def statistics(values: "np.typing.NDArray[np.float32]") -> "np.typing.NDArray[np.float32]":
    """Return float32 [tokens, 10]: over finite values, but for the last four columns."""
    finite = np.isfinite(values)
    count = finite.sum(axis=1)
    held = np.where(finite, values, 0).astype(np.float64)
    mean = held.sum(axis=1) / np.maximum(count, 1)
    m2 = (np.where(finite, held - mean[:, None], 0) ** 2).sum(axis=1)
    low = np.where(finite, values, np.inf).min(axis=1)
    high = np.where(finite, values, -np.inf).max(axis=1)
    columns = [
        count,
        mean,
        m2,
        np.where(count > 0, low, 0),
        np.where(count > 0, high, 0),
        np.abs(held).sum(axis=1),
        np.isnan(values).sum(axis=1),
        (values == np.inf).sum(axis=1),
        (values == -np.inf).sum(axis=1),
        (values == 0).sum(axis=1),
    ]
    with np.errstate(over="ignore"):
        return np.stack(columns, axis=1).astype(np.float32)


def sketch(values: "np.typing.NDArray[np.float32]") -> "np.typing.NDArray[np.float32]":
    """Return float32 [tokens, 64], sketch v1; NaN where a row has a value that is not finite."""
    channels = np.arange(values.shape[1], dtype=np.uint32)
    signs = 1.0 - 2.0 * (_fmix32(channels + np.uint32(0x9E3779B9)) & np.uint32(1))
    turns = _fmix32(channels // np.uint32(64) + np.uint32(0x85EBCA6B)) >> np.uint32(8)
    lanes = (channels.astype(np.int64) + turns) % 64
    finite = np.asarray(np.isfinite(values).all(axis=1))
    signed = np.where(finite[:, None], values, 0).astype(np.float64) * signs
    found = np.zeros((64, len(values)))
    np.add.at(found, lanes, signed.T)
    found[:, ~finite] = np.nan
    with np.errstate(over="ignore"):
        return found.T.astype(np.float32)


def _fmix32(h: "np.typing.NDArray[np.uint32]") -> "np.typing.NDArray[np.uint32]":
    """MurmurHash3's 32-bit finaliser."""
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32(0x85EBCA6B)
    h = h ^ (h >> np.uint32(13))
    h = h * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))
