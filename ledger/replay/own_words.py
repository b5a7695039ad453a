"""Measurements that say themselves that they are not what they are used for."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ledger.replay.base import Examined, Examiner, as_number
from ledger.replay.history import History

#: A value this far from the one that was expected was not measured on what was expected. (A loss
#: moves by hundredths between seeds; 8.6 for 4.62 is another model.)
FAR: Final = 0.25
#: The names under which a measurement states a loss beside the cost of guessing.
LOSS_PREFIX: Final = "val_loss"


def examine(history: History) -> Iterable[Examined]:
    """Each measurement by itself."""
    for said in history.of("measurement.reported"):
        for subject, numbers, message in _faults(said.body["numbers"]):
            yield Examined(
                rule=f"{EXAMINER.rule}/{subject}",
                severity="suspect",
                subject=said.subject,
                events=(said.position,),
                numbers=numbers,
                message=message,
            )


def _faults(stated: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, float], str]]:
    numbers = {name: n for name, value in stated.items() if (n := as_number(value)) is not None}
    valid, steps = numbers.get("valid_steps"), numbers.get("steps")
    if valid is not None and steps is not None and valid < steps:
        yield (
            "few-valid-steps",
            {"valid_steps": valid, "steps": steps},
            f"only {valid:g} of its {steps:g} steps are valid",
        )
    expected, value = numbers.get("expected"), numbers.get("val")
    if expected and value is not None and abs(value - expected) > FAR * abs(expected):
        yield (
            "far-from-expected",
            {"value": value, "expected": expected},
            f"{value:g} where {expected:g} was expected: was it measured on the same thing?",
        )
    uniform = numbers.get("uniform_nats")
    worse = {
        name: n
        for name, n in numbers.items()
        if uniform is not None and name.startswith(LOSS_PREFIX) and n > uniform
    }
    for name, loss in worse.items():
        yield (
            "worse-than-guessing",
            {"loss": loss, "uniform": uniform or 0.0},
            f"{name} is {loss:g}, and guessing costs {uniform:g}",
        )


EXAMINER: Final = Examiner(
    rule="measurement",
    finds="A measurement with invalid steps, far from what was expected, or worse than guessing.",
    examine=examine,
)
