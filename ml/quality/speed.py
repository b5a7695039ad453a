"""How fast a model is: prefill, decoding, the first token, memory; medians of several tries.

What is timed, with weights loaded and kernels compiled by the tries that warm up:

- prefill: all positions of a prompt in one causal batch, and the logits behind the last of them;
- decoding: one token after the other over the cache, each waiting for the one before it, its logits
  on the host;
- the first token: from the prompt's ids to the logits that the first token is chosen from, as
  `ledger run generate` computes them (one position after the other in the tinygrad engines).

A median has the smallest and the largest try beside it. The largest resident size of the process
counts the interpreter and its libraries, and everything that was loaded before.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from attrs import evolve, frozen

from ml.architectures import Model
from ml.engines import find_engine
from ml.errors import BadOption
from ml.generation import open_generator
from ml.passes import Settings
from ml.quality.settings import request_for, resolve

Clock = Callable[[], float]
# (stage in words, tries done, in all)
Progress = Callable[[str, int, int], None]


@frozen(kw_only=True)
class Plan:
    """What is timed, and how often."""

    prompt_tokens: int = 128
    decode_tokens: int = 32
    repeats: int = 5
    warmups: int = 1

    def check(self, model: Model) -> None:
        """Raise `BadOption` for what cannot be timed."""
        room = model.config.context_length
        if self.prompt_tokens < 1 or self.decode_tokens < 1 or self.repeats < 1 or self.warmups < 0:
            raise BadOption("nothing to time", hint="ask for one token and one try at the least")
        if self.prompt_tokens + self.decode_tokens > room:
            raise BadOption(
                f"{self.prompt_tokens} and {self.decode_tokens} tokens, and the model has {room} "
                "positions",
                hint="time fewer tokens",
            )


@frozen(kw_only=True)
class Timed:
    """Tries of one kind, in their order."""

    tries: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one, or the mean of the middle two."""
        return statistics.median(self.tries)


@frozen(kw_only=True)
class Speed:
    """What `measure_speed` returns."""

    plan: Plan
    prefill: Timed
    """Tokens a second."""
    decode: Timed
    """Tokens a second."""
    first_token: Timed
    """Milliseconds."""
    load_seconds: float
    """Opening the engine: weights onto the device."""
    peak_bytes: int
    """Largest resident size of the process so far."""
    device: str
    """As observed."""


def prompt_of(count: int, vocabulary: int) -> tuple[int, ...]:
    """Return ids to time: the same for every run, and not all alike.

    >>> prompt_of(4, 512)
    (0, 38, 78, 120)
    """
    return tuple((i * 37 + i * i) % vocabulary for i in range(count))


def measure_speed(
    model: Model,
    settings: Settings,
    plan: Plan,
    *,
    ids: Sequence[int] | None = None,
    progress: Progress | None = None,
    clock: Clock = time.perf_counter,
) -> Speed:
    """Time a model. `ids` are the prompt, if its length alone does not matter.

    Raises `BadOption`, and what opening the engine and the device raise.
    """
    plan.check(model)
    prompt = tuple(ids or prompt_of(plan.prompt_tokens, model.config.vocabulary))
    report = progress or (lambda _stage, _done, _total: None)
    began = clock()
    prefill, load_seconds = _time_prefill(model, settings, plan, prompt, report, clock, began)
    first, decode = [], []
    with open_generator(
        model,
        engine=settings.engine,
        device=settings.device,
        activation=settings.activation,
        kv=settings.kv,
        clock=clock,
    ) as generator:
        for done in range(plan.warmups + plan.repeats):
            report("decoding", done, plan.warmups + plan.repeats)
            made = generator.generate(prompt, max_tokens=plan.decode_tokens + 1)
            if done >= plan.warmups:
                first.append(1000 * made.seconds_prefill)
                decode.append(len(made.seconds_each) / sum(made.seconds_each))
        device = generator.device.observed
    return Speed(
        plan=plan,
        prefill=prefill,
        decode=Timed(tries=tuple(decode)),
        first_token=Timed(tries=tuple(first)),
        load_seconds=load_seconds,
        peak_bytes=peak_bytes(),
        device=device,
    )


def _time_prefill(
    model: Model,
    settings: Settings,
    plan: Plan,
    prompt: Sequence[int],
    report: Progress,
    clock: Clock,
    began: float,
) -> tuple[Timed, float]:
    """Return tokens a second, and the seconds that loading took."""
    request = evolve(
        request_for(model, settings), device=resolve(settings), points=frozenset(), statistics=False
    )
    scorer = find_engine(settings.engine).scorer(request)
    load_seconds, tries = clock() - began, []
    for done in range(plan.warmups + plan.repeats):
        report("prefill", done, plan.warmups + plan.repeats)
        started = clock()
        scorer.read(prompt)
        scorer.logits(len(prompt) - 1, len(prompt))
        if done >= plan.warmups:
            tries.append(len(prompt) / (clock() - started))
    return Timed(tries=tuple(tries)), load_seconds


def peak_bytes() -> int:
    """Return the largest resident size that this process has had."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
