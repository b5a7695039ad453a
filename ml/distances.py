"""Distances of rows: from their sketches and statistics alone, or from full activations.

By sketches, distance² of two rows ≈ Σ(y_a - y_b)², about ±17 % at 95 % for one row of unrelated
differences (spec/formats/sketch.md).
"""

import numpy as np
from numpy.typing import NDArray

from ml.statistics import COUNT, M2, MEAN, WIDTH

# Below this the sketch's own float32 sums drown the difference.
RESOLUTION = 1e-5


def row_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return d_row of `float32 [rows, 74]` each: rms(a - b) / rms(a), from sketch and statistics.

    rms(a - b)² · width ≈ Σ(y_a - y_b)², and rms(a)² · width = M2 + count · mean². A row that has no
    sketch on one side is infinitely far; without one on either, 0 if stored alike, else infinite.
    """
    left, right = a.astype(np.float64), b.astype(np.float64)
    distances: NDArray[np.float64]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        squared = ((left[:, WIDTH:] - right[:, WIDTH:]) ** 2).sum(axis=1)
        energy = left[:, M2] + left[:, COUNT] * left[:, MEAN] ** 2
        distances = np.sqrt(squared / energy)
    distances[np.isnan(distances)] = np.inf
    alike = (a.view(np.uint32) == b.view(np.uint32)).all(axis=1)
    distances[alike | (squared == 0)] = 0.0
    return distances


def full_row_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return d_row of full activations `float32 [tokens, width]` each: rms(a - b) / rms(a).

    Rows that are stored alike are at 0. A row that differs from one of zeros is infinitely far, and
    so is one that differs from another where either holds a value that is not finite.
    """
    left, right = a.astype(np.float64), b.astype(np.float64)
    distances: NDArray[np.float64]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        squared = ((left - right) ** 2).sum(axis=1)
        distances = np.sqrt(squared / (left**2).sum(axis=1))
    distances[np.isnan(distances)] = np.inf
    alike = (a.view(np.uint32) == b.view(np.uint32)).all(axis=1)
    distances[alike | (squared == 0)] = 0.0
    return distances


def channel_distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the distance of the channel that is furthest apart, of `float32 [tokens, width]` each.

    rms over the tokens of a - b in that channel, over the rms of all of a. A fault in one row of a
    weight is one channel: in a row distance it is diluted by all the others. Values that are stored
    alike are at 0; others that are not finite are infinitely far.
    """
    left, right = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        difference = left - right
        difference[a.view(np.uint32) == b.view(np.uint32)] = 0.0
        furthest = float(np.sqrt((difference**2).mean(axis=0)).max())
        size = float(np.sqrt((left[np.isfinite(left)] ** 2).mean())) if furthest else 1.0
        distance = furthest / size if size else float("inf")
    return float("inf") if np.isnan(distance) else distance


def lower_median(distances: NDArray[np.float64]) -> float:
    """Return the lower median: one of the rows' own values, infinite ones included."""
    return float(np.sort(distances)[(len(distances) - 1) // 2])
