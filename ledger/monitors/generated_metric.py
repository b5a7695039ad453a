"""A metric whose values look drawn from a uniform generator, and not measured.

What is measured on a machine has a centre, tails, outliers and a memory from one step to the next.
A generator `50 ± 5` has none of them: flat, bounded, each value independent of the one before.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: Fewer values do not tell flat from bell-shaped.
LEAST_VALUES: Final = 100
#: More are not looked at: the first so many.
MOST_VALUES: Final = 1000
#: All of these must hold. A uniform generator meets them in about nine of ten samples of 100 or of
#: 1000; normal noise in fewer than one of a thousand, a sum of two uniforms in one of a hundred of
#: 100 values (and never of 1000), a random walk or a trend never: they remember.
KURTOSIS: Final = 2.15  # uniform 1.8, normal 3; standard error for 100 normal values 0.49
RANGE_IN_DEVIATIONS: Final = 3.75  # uniform sqrt(12) = 3.46 at most; normal about 5 for 100
DISTANCE: Final = 1.3  # Kolmogorov's, from the uniform between least and greatest, times sqrt(n)
MEMORY: Final = 3.0  # autocorrelation at lags 1 to 5, times sqrt(n)
#: Rounded metrics are counts in disguise: so large a share of the values must be different ones.
DISTINCT_SHARE: Final = 0.9
#: A metric that follows another one (their correlation, times sqrt(n), beyond this) is measured.
COMPANY: Final = 4.0
#: Narrow around a centre away from zero, as `50 ± 5`; a random ratio between 0 and 1 is not.
SPREAD: Final = 0.5


def check(view: RunView) -> Iterable[Mark]:
    """Each metric of the steps."""
    for metric in view.metrics():
        series = view.series(metric)[:MOST_VALUES]
        values = [value for _, value in series]
        found = looks_generated(values)
        if found is None:
            continue
        others = [view.series(other)[:MOST_VALUES] for other in view.metrics() if other != metric]
        if any(_follows(values, [value for _, value in other]) for other in others):
            continue
        yield Mark(
            monitor=MONITOR.name,
            mark="SUSPECT",
            why=f"{metric}: {len(values)} values between {found['least']:.6g} and "
            f"{found['greatest']:.6g}, flat and without memory, as from a generator",
            events=(series[0][0], series[-1][0]),
            numbers={"metric": metric, **found},
        )


def looks_generated(values: Sequence[float]) -> dict[str, float] | None:
    """The statistics of values that look drawn from a uniform generator; null for others."""
    n = len(values)
    if n < LEAST_VALUES or not all(map(math.isfinite, values)):
        return None
    if len(set(values)) < DISTINCT_SHARE * n:
        return None
    mean = math.fsum(values) / n
    apart = [value - mean for value in values]
    square = math.fsum(a * a for a in apart)
    if square == 0.0:
        return None
    deviation = math.sqrt(square / (n - 1))
    least, greatest = min(values), max(values)
    found = {
        "values": float(n),
        "least": least,
        "greatest": greatest,
        "mean": mean,
        "kurtosis": n * math.fsum(a**4 for a in apart) / square**2,
        "range_in_deviations": (greatest - least) / deviation,
        "distance": _distance(values, least, greatest) * math.sqrt(n),
        "memory": max(
            abs(math.fsum(apart[i] * apart[i + lag] for i in range(n - lag))) / square
            for lag in range(1, 6)
        )
        * math.sqrt(n),
    }
    if abs(mean) == 0.0 or (greatest - least) / abs(mean) > SPREAD:
        return None
    limits = {
        "kurtosis": KURTOSIS,
        "range_in_deviations": RANGE_IN_DEVIATIONS,
        "distance": DISTANCE,
        "memory": MEMORY,
    }
    return found if all(found[name] <= limit for name, limit in limits.items()) else None


def _distance(values: Sequence[float], least: float, greatest: float) -> float:
    """Greatest distance between the values' distribution and the uniform one."""
    n = len(values)
    places = [(value - least) / (greatest - least) for value in sorted(values)]
    return max(max((i + 1) / n - place, place - i / n) for i, place in enumerate(places))


def _follows(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether two series go together, or against one another."""
    n = len(a)
    if len(b) != n or not all(map(math.isfinite, b)):
        return False
    mean_a, mean_b = math.fsum(a) / n, math.fsum(b) / n
    square_a = math.fsum((x - mean_a) ** 2 for x in a)
    square_b = math.fsum((x - mean_b) ** 2 for x in b)
    if square_a == 0.0 or square_b == 0.0:
        return False
    together = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return abs(together) / math.sqrt(square_a * square_b) * math.sqrt(n) > COMPANY


MONITOR: Final = Monitor(
    name="generated-metric",
    sees="A metric that is flat between two bounds and forgets each value: as from a generator.",
    mark="SUSPECT",
    check=check,
)
