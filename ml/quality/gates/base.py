"""The contract of a gate: one number, one threshold, and when it cannot be measured.

A gate that did not run says SKIP and why, never PASS. One that ran and has no finite number, or met
an error, fails: what could not be shown is not shown.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from attrs import field, frozen

from ml.architectures import Model
from ml.errors import MlError
from ml.passes import Settings

Result = Literal["PASS", "FAIL", "SKIP"]
Operator = Literal["at least", "at most"]
_HOLDS: Final[dict[Operator, Callable[[float, float], bool]]] = {
    "at least": lambda value, threshold: value >= threshold,
    "at most": lambda value, threshold: value <= threshold,
}


class NotRun(Exception):
    """A gate has nothing to look at, or was not asked for; the text says why."""


@frozen(kw_only=True)
class Subject:
    """What the gates look at."""

    path: Path
    model: Model
    settings: Settings
    ids: tuple[int, ...]
    """A text for what is compared step by step."""
    golden: Path | None = None
    """A file of golden outputs (`ml.generation`)."""
    other: Path | None = None
    """The same model in another format or packing."""
    peer_logits: Path | None = None
    """Last token's logits by another program, `.npy` or raw little-endian float32."""
    peer_ids: tuple[int, ...] = ()
    """Over which ids."""
    required_keys: tuple[str, ...] = ()
    """Metadata that must be there, besides what every model needs."""
    least_tokens_per_second: float = 30.0
    decode_tokens: int = 32
    repeats: int = 3
    skipped: frozenset[str] = field(factory=frozenset)
    """Gates that are not to run."""


@frozen(kw_only=True)
class Measured:
    """What a gate found."""

    value: float
    reason: str
    """In words, for people: what was looked at, and what stood out."""
    n: int | None = None
    """Samples the value rests on."""


@frozen(kw_only=True)
class Gate:
    """One gate."""

    name: str
    metric: str
    unit: str
    operator: Operator
    threshold: Callable[[Subject], float]
    measure: Callable[[Subject], Measured]
    """Raises `NotRun` where there is nothing to measure."""


@frozen(kw_only=True)
class Verdict:
    """What a gate says of a model."""

    gate: Gate
    result: Result
    value: float | None
    threshold: float
    reason: str
    n: int | None = None


def run_gate(gate: Gate, subject: Subject) -> Verdict:
    """Run a gate; whatever `ml` refuses while it runs makes it fail, with the reason."""
    threshold = gate.threshold(subject)
    if gate.name in subject.skipped:
        return Verdict(
            gate=gate, result="SKIP", value=None, threshold=threshold, reason="not asked for"
        )
    try:
        found = gate.measure(subject)
    except NotRun as reason:
        return Verdict(
            gate=gate, result="SKIP", value=None, threshold=threshold, reason=str(reason)
        )
    except MlError as error:
        return Verdict(gate=gate, result="FAIL", value=None, threshold=threshold, reason=str(error))
    holds = math.isfinite(found.value) and _HOLDS[gate.operator](found.value, threshold)
    return Verdict(
        gate=gate,
        result="PASS" if holds else "FAIL",
        value=found.value,
        threshold=threshold,
        reason=found.reason,
        n=found.n,
    )


def shown(findings: Sequence[str], most: int = 3) -> str:
    """Return the first few of what stood out, in one line."""
    return "; ".join(findings[:most]) + ("; …" if len(findings) > most else "")
