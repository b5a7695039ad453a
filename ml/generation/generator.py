"""A model that stands ready to generate: weights loaded once, any number of prompts.

The engine computes positions and knows nothing of samplers; the loop is here. A token that was
chosen last is not computed: nothing asks for what would follow it.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from attrs import define, evolve, field

from ml import devices
from ml.architectures import Model
from ml.engines import KV_DTYPES, Request, Session, choose_activation, find_engine
from ml.errors import BadOption, DeviceDiffers
from ml.generation.base import Generation, Logits, OnText, OnToken, Sampler, Stop, StoppedBy
from ml.generation.sampler import GREEDY
from ml.generation.stream import Decoder, TextStream
from ml.prompts import check_ids

# Buffers of a cache are made for one of these or a multiple of the last: kernels are compiled for
# a size, and another prompt should find them compiled.
_CAPACITIES = (64, 256, 1024)
# (stage in words, steps done, steps in all)
Progress = Callable[[str, int, int], None]
Clock = Callable[[], float]


@define
class Generator:
    """An open model. Not for several threads at once."""

    model: Model = field(repr=False)
    request: Request = field(repr=False)
    """The pass that sessions are opened for; its `ids` and `generate` are filled in."""
    engine: str
    clock: Clock = field(default=time.perf_counter, repr=False)
    session: Session | None = field(default=None, repr=False)

    @property
    def device(self) -> devices.DeviceChoice:
        """The device that was chosen, and why."""
        return self.request.device

    def __enter__(self) -> "Generator":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of weights and cache; the next prompt loads them again."""
        self.session = None

    def generate(
        self,
        ids: Sequence[int],
        *,
        sampler: Sampler = GREEDY,
        max_tokens: int = 64,
        stop: Stop | None = None,
        tokenizer: Decoder | None = None,
        on_token: OnToken | None = None,
        on_text: OnText | None = None,
    ) -> Generation:
        """Continue a prompt by at most so many tokens.

        `on_token` is told of each, and stops it by False; `on_text` is told of text as it becomes
        certain. Raises `BadPrompt` for ids that the model cannot take, `BadOption` for stop texts
        without a tokenizer, and what the engine raises.
        """
        config, stop = self.model.config, stop or Stop()
        prompt = check_ids(ids, config)
        if max_tokens < 1:
            raise BadOption(f"{max_tokens} tokens to generate", hint="ask for at least one")
        if stop.texts and tokenizer is None:
            raise BadOption("a text stops, and there is no tokenizer", hint="give a tokenizer")
        room = config.context_length - len(prompt) + 1  # the last token is not computed
        session = self.ready(len(prompt) + min(max_tokens, room) - 1)
        began = self.clock()
        logits = session.prefill(prompt)
        seconds_prefill = self.clock() - began
        stream = None if tokenizer is None else TextStream(tokenizer, stop.texts)
        run = _Run(stop, stream, on_token, on_text, self.clock)
        stopped_by = run.loop(session, logits, sampler, min(max_tokens, room))
        if stopped_by == "tokens" and room < max_tokens:
            stopped_by = "full"
        return Generation(
            prompt=prompt,
            ids=tuple(run.ids),
            text=None if stream is None else stream.text,
            margins=tuple(run.margins),
            seconds_prefill=seconds_prefill,
            seconds_each=tuple(run.seconds),
            device=self._observed(session),
            stopped_by=stopped_by,
        )

    def ready(self, positions: int) -> Session:
        """Return the session, rewound, with room for so many positions; opened where needed."""
        if self.session is not None and self.session.capacity >= positions:
            self.session.rewind(0)
            return self.session
        request = evolve(self.request, generate=_capacity(positions, self.model) - 1)
        self.session = find_engine(self.engine).open(request, self.session)
        return self.session

    def _observed(self, session: Session) -> str:
        chosen = self.request.device.observed
        if session.device != chosen:
            raise DeviceDiffers(
                f"logits came from {session.device}, and {chosen} was chosen",
                hint="this is a fault of the engine: report it",
            )
        return session.device


def _capacity(positions: int, model: Model) -> int:
    """How many positions a session is opened for."""
    largest = _CAPACITIES[-1]
    whole = -(-positions // largest) * largest
    fitting = next((size for size in _CAPACITIES if size >= positions), whole)
    return max(positions, min(fitting, model.config.context_length))


@define
class _Run:
    """One generation under way."""

    stop: Stop
    stream: TextStream | None
    on_token: OnToken | None
    on_text: OnText | None
    clock: Clock
    ids: list[int] = field(factory=list)
    margins: list[float] = field(factory=list)
    seconds: list[float] = field(factory=list)

    def loop(self, session: Session, logits: Logits, sampler: Sampler, most: int) -> StoppedBy:
        """Choose and compute until something stops it; return what did."""
        while True:
            self.margins.append(top_margin(logits))
            self.ids.append(sampler.choose(logits, len(self.ids)))
            stopped_by = self._stopped(most)
            if stopped_by is not None:
                self._tell("" if self.stream is None else self.stream.finish())
                return stopped_by
            began = self.clock()
            logits = session.step(self.ids[-1])
            self.seconds.append(self.clock() - began)

    def _stopped(self, most: int) -> StoppedBy | None:
        token = self.ids[-1]
        told = None if self.on_token is None else self.on_token(token)
        if token in self.stop.ids:
            return "id"
        if self.stream is not None:
            self._tell(self.stream.push(token))
            if self.stream.is_stopped:
                return "text"
        if told is False:
            return "consumer"
        return "tokens" if len(self.ids) >= most else None

    def _tell(self, text: str) -> None:
        if self.on_text is not None and text:
            self.on_text(text)


def top_margin(logits: Logits) -> float:
    """Return the largest logit less the second; NaN counts for nothing, one alone is infinite."""
    known = np.where(np.isnan(logits), -np.inf, logits)
    if known.size == 1:
        return float("inf")
    second, first = np.partition(known, -2)[-2:]
    return 0.0 if first == second else float(first) - float(second)


def open_generator(
    model: Model,
    *,
    engine: str = "a",
    device: str = "auto",
    activation: str = "none",
    kv: str = "f32",
    progress: Progress | None = None,
    clock: Clock = time.perf_counter,
) -> Generator:
    """Choose the device and return a generator; weights are loaded with the first prompt.

    Raises `UnknownEngine`, `BadOption`, `BadDevice`, `DeviceUnavailable`.
    """
    member = find_engine(engine)
    chosen = choose_activation(member, activation)
    known = next((one for one in KV_DTYPES if one == kv), None)
    if known is None:
        raise BadOption(f"{kv!r} is no type of the cache", hint=f"use {' or '.join(KV_DTYPES)}")
    choice = (devices.resolve if member.uses_tinygrad else devices.resolve_host)(device)
    request = Request(
        model=model,
        ids=(0,),
        kv=known,
        points=frozenset(),
        device=choice,
        activation=chosen,
        batching="one by one",
        statistics=False,
        progress=progress,
    )
    return Generator(model=model, request=request, engine=engine, clock=clock)


def generate(
    model: Model,
    ids: Sequence[int],
    *,
    engine: str = "a",
    device: str = "auto",
    sampler: Sampler = GREEDY,
    max_tokens: int = 64,
    stop: Stop | None = None,
    tokenizer: Decoder | None = None,
    on_token: OnToken | None = None,
    on_text: OnText | None = None,
    activation: str = "none",
    kv: str = "f32",
) -> Generation:
    """Continue one prompt: `open_generator` and `Generator.generate` in one."""
    with open_generator(
        model, engine=engine, device=device, activation=activation, kv=kv
    ) as generator:
        return generator.generate(
            ids,
            sampler=sampler,
            max_tokens=max_tokens,
            stop=stop,
            tokenizer=tokenizer,
            on_token=on_token,
            on_text=on_text,
        )
