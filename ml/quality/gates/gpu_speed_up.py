"""GPU speed-up: what a card decodes over what the processor does; without a card it is skipped."""

from typing import Final

from ml import devices
from ml.engines import find_engine
from ml.errors import DeviceUnavailable
from ml.quality.gates.base import Gate, Measured, NotRun, Subject
from ml.quality.gates.throughput import decode_speed, on_device

#: A card that is no faster than the processor is not used as one.
SPEED_UP: Final = 2.0


def _measure(subject: Subject) -> Measured:
    if not find_engine(subject.settings.engine).uses_tinygrad:
        raise NotRun(f"engine {subject.settings.engine} computes on the host alone")
    try:
        devices.resolve("cuda")
    except DeviceUnavailable as error:
        raise NotRun(f"no card: {error}") from None
    card, host = (
        decode_speed(subject, on_device(subject.settings, device)) for device in ("cuda", "cpu")
    )
    return Measured(
        value=card.decode.median / host.decode.median,
        reason=f"{card.decode.median:.3g} on {card.device}, {host.decode.median:.3g} on the cpu",
        n=len(card.decode.tries),
    )


GPU_SPEED_UP: Final = Gate(
    name="gpu-speed-up",
    metric="qa_gpu_speed_up",
    unit="ratio",
    operator="at least",
    threshold=lambda _subject: SPEED_UP,
    measure=_measure,
)
