"""Throughput: tokens a second that are decoded, the median of several tries."""

from typing import Final

from attrs import evolve

from ml.passes import Settings
from ml.quality.gates.base import Gate, Measured, Subject
from ml.quality.speed import Plan, Speed, measure_speed

_PROMPT_TOKENS: Final = 8


def decode_speed(subject: Subject, settings: Settings) -> Speed:
    """Return how fast the subject is with these settings."""
    room = subject.model.config.context_length - _PROMPT_TOKENS
    plan = Plan(
        prompt_tokens=_PROMPT_TOKENS,
        decode_tokens=min(subject.decode_tokens, room),
        repeats=subject.repeats,
    )
    return measure_speed(subject.model, settings, plan)


def on_device(settings: Settings, device: str) -> Settings:
    """Return the same settings on another device."""
    return evolve(settings, device=device)


def _measure(subject: Subject) -> Measured:
    speed = decode_speed(subject, subject.settings)
    low, high = min(speed.decode.tries), max(speed.decode.tries)
    return Measured(
        value=speed.decode.median,
        reason=f"{low:.3g} to {high:.3g} in {len(speed.decode.tries)} tries, on {speed.device}",
        n=len(speed.decode.tries),
    )


THROUGHPUT: Final = Gate(
    name="throughput",
    metric="qa_decode_tokens_per_second",
    unit="tokens/s",
    operator="at least",
    threshold=lambda subject: subject.least_tokens_per_second,
    measure=_measure,
)
