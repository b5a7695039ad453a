"""A run: what a training loop or another program measures, from its start to its end.

    with Ledger.open().run("train", seed=1) as run:
        run.step(loss=2.31, lr=3e-4)

Entering gives the run its name and records `run.started`; leaving records `run.finished`, or
`run.failed` with the reason when the block raises. What a call recorded stays, whatever comes next:
it is in the journal before the call returns. Several threads may use one run.
"""

import math
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, SupportsFloat, TypedDict

import attrs
import msgspec

from ledger import canonical
from ledger.draft import Draft
from ledger.entry import Frame
from ledger.errors import Conflict
from ledger.events import KINDS, find_kind
from ledger.events.base import Provenance
from ledger.events.form import bounded, check_body, field_types, parse_body

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.recorder import Receipt

_STEP: Final = KINDS["step.taken"]
_REASON_CHARACTERS: Final = 2000


class Facts(TypedDict, total=False):
    """What `run.started` says of a run; what is left out is empty or null."""

    program: str
    provenance: Provenance
    arguments: Mapping[str, Any]
    inputs: Mapping[str, str]
    model: Mapping[str, Any]
    device_asked: str | None
    device_observed: str | None
    device_reason: str | None
    dtype: str | None
    dtype_reason: str | None
    compiler: str | None
    environment: Mapping[str, Any]
    seed: int | None


@attrs.frozen(slots=True, kw_only=True)
class Resumed:
    """Where a run goes on that was killed, or failed."""

    run: str
    """Name of the run."""
    step: int
    """Number of the next step."""
    state: str
    """Digest of the state that it goes on from, as sha256:HEX."""


#: What `run.resumed` says of the program that goes on.
_RESUMED_FACTS: Final = ("program", "device_observed", "compiler", "environment")


class Run:
    """One run, made by `Ledger.run`. Use it as a context manager; `name` is set on entering."""

    def __init__(
        self, ledger: "Ledger", executor: str, facts: Facts, resumed: "Resumed | None" = None
    ) -> None:
        self.ledger = ledger
        self._resumed = resumed
        self.name = ""
        self.actor = f"executor:{executor}"
        self._executor = executor
        self._facts = _complete(facts)
        self._began_at = 0.0
        self._entries = 0
        self._next_step = 0
        self._is_open = False
        self._steps: _Steps | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        fields = {**self._facts, "executor": self._executor}
        names: list[str] = []
        try:
            with self._lock:
                self._begin(fields, names)
        except (KeyboardInterrupt, SystemExit) as error:
            self._end_begun(fields, names, error)
            raise
        return self

    def _begin(self, fields: dict[str, Any], names: list[str]) -> None:
        if self.name:
            raise Conflict(f"the run {self.name} has begun before", hint="begin another one")
        self._began_at = time.perf_counter()
        cites: tuple[str, ...] = ()
        if self._resumed is not None:
            cites = (self._go_on(self._resumed),)
        else:
            self.name, _ = self.ledger.start_run(
                self._executor, fields, actor=self.actor, on_name=names.append
            )
            self._entries = 1
        frame = self.ledger.recorder.framer.frame(
            _STEP, f"run/{self.name}", self.actor, branch=None, cites=cites
        )
        self._steps = _Steps(self.name, self._facts["provenance"], frame)
        self._is_open = True

    def _go_on(self, resumed: "Resumed") -> str:
        """Record `run.resumed`, if the run began here and did not finish; its hash.

        Raises `Conflict` for a run that finished or is another executor's.
        """
        with self.ledger.recorder.caught_up() as state:
            known = state.standing(f"run/{resumed.run}")
            begun = state.read(known[1]) if known is not None else None
        if known is None or begun is None or begun[0].actor != self.actor:
            raise Conflict(
                f"{self.actor} has begun no run {resumed.run}", hint="`ledger runs` lists the runs"
            )
        if known[0] == "finished":
            raise Conflict(f"the run {resumed.run} has finished", hint="begin another one")
        fields = {name: self._facts[name] for name in _RESUMED_FACTS}
        body = {**fields, "run": resumed.run, "step": resumed.step, "state": resumed.state}
        receipt = self.ledger.record("run.resumed", body, actor=self.actor)
        self.name, self._next_step = resumed.run, resumed.step
        self._entries = receipt.stream_version + 1
        return receipt.hash

    def _end_begun(
        self, fields: Mapping[str, Any], names: Sequence[str], error: BaseException
    ) -> None:
        """End a run that was stopped between its first entry and its `with` block."""
        name = names[-1] if names else ""
        with self.ledger.recorder.caught_up() as state:
            known = state.standing(f"run/{name}")
            begun = state.read(known[1]) if known is not None and known[0] == "started" else None
        ours = canonical.encode({**fields, "run": name})
        if begun is None or begun[0].actor != self.actor or canonical.encode(begun[0].body) != ours:
            return  # nothing was written, and another process may have taken the name
        wall_ms = round((time.perf_counter() - self._began_at) * 1000, 3)
        failed = {"run": name, "wall_ms": wall_ms, **_failure(error)}
        self.ledger.record("run.failed", failed, actor=self.actor)
        self._is_open = False

    def step(self, step: int | None = None, **metrics: SupportsFloat | str) -> "Receipt":
        """Record one training step: `run.step(loss=2.31, lr=3e-4)`.

        `step` is its number, 0-based; left out, it is the one after the last. A metric is a number
        of Python, numpy or a tensor of one element; NaN and infinities are kept as such. Raises
        `Malformed` for anything else, `Conflict` after the end of the run, `StoreFailed`.
        """
        with self._lock:
            number = self._next_step if step is None else step
            if not self._is_open or self._steps is None:
                raise self._over()
            body = self._steps.encode(number, metrics)
            receipt = self.ledger.recorder.append_body(self._steps.frame, body)
            self._next_step = number + 1
            self._entries += 1
        return receipt

    def measure(
        self,
        metric: str,
        value: Any,  # noqa: ANN401 - any JSON scalar
        unit: str | None,
        key: Mapping[str, Any],
        *,
        provenance: Provenance | None = None,
        cites: Sequence[str] = (),
    ) -> "Receipt":
        """Record one number with its unit and what it may be compared with (`key`).

        `provenance` is the run's unless given; a derived number cites what it derives from.
        """
        fields = {
            "metric": metric,
            "value": value,
            "unit": unit,
            "provenance": provenance or self._facts["provenance"],
            "key": dict(key),
        }
        return self.record("measurement.taken", fields, cites=cites)

    def record(
        self, kind: str, fields: Mapping[str, Any], *, cites: Iterable[str] = ()
    ) -> "Receipt":
        """Record one event of this run; `fields` are JSON values, `run` may be left out."""
        event = parse_body(find_kind(kind), {"run": self.name, **fields})
        with self._lock:
            if not self._is_open:
                raise self._over()
            drafts = [Draft(event=event, cites=tuple(cites))]
            receipt = self.ledger.append(drafts, actor=self.actor)[0]
            self._entries += 1
        return receipt

    def keep(self, data: bytes) -> str:
        """Keep evidence bytes as a blob; its digest goes into a field of an event."""
        return self.ledger.write_blob(data)

    def keep_file(self, name: str, data: bytes) -> str:
        """Keep a small file that the run made, and record that it did; its digest."""
        blob = self.keep(data)
        self.record("file.kept", {"name": name, "blob": blob, "size_bytes": len(data)})
        return blob

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            wall_ms = round((time.perf_counter() - self._began_at) * 1000, 3)
            if error is None:
                fields = {"wall_ms": wall_ms, "entries": self._entries + 1}
                self.record("run.finished", fields)
            else:
                self.record("run.failed", {"wall_ms": wall_ms, **_failure(error)})
            self._is_open = False

    def _over(self) -> Conflict:
        state = f"the run {self.name} is over" if self.name else "the run has not begun"
        return Conflict(state, hint="record within its `with` block")


class _Steps:
    """The bodies of a run's steps: what does not change from step to step is encoded once."""

    _METRICS: Final = msgspec.json.Decoder(bounded(field_types(_STEP.event)["metrics"]))

    def __init__(self, run: str, provenance: Provenance, frame: Frame) -> None:
        self.frame = frame
        self._run = run
        self._provenance = provenance
        self._after_metrics = b',"provenance":%b,"run":%b,"step":' % (
            canonical.encode(provenance),
            canonical.encode(run),
        )
        self._known_names: set[str] = set()

    def encode(self, step: int, metrics: Mapping[str, Any]) -> bytes:
        """The canonical bytes of one body. Raises `Malformed`.

        Where names were seen before, and numbers come back equal when they are read again, the
        metrics are sound; whatever leaves a doubt goes through the form check of the kind.
        """
        try:
            encoded = canonical.encode(metrics)
            is_sound = (
                type(step) is int
                and 0 <= step <= canonical.MAX_INTEGER
                and self._known_names.issuperset(metrics)
                and self._METRICS.decode(encoded) == metrics
            )
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
            is_sound = False
        if is_sound:
            return b'{"metrics":%b%b%d}' % (encoded, self._after_metrics, step)
        plain = {name: _plain(value) for name, value in metrics.items()}
        body = check_body(
            _STEP,
            {"run": self._run, "step": step, "provenance": self._provenance, "metrics": plain},
        )
        self._known_names.update(plain)
        return body


def _complete(facts: Facts) -> dict[str, Any]:
    """Every field of `run.started` but its name and executor."""
    empty: dict[str, Any] = {name: {} for name in ("arguments", "inputs", "model", "environment")}
    null = dict.fromkeys(
        ("device_asked", "device_observed", "device_reason", "dtype", "dtype_reason", "compiler")
    )
    program = Path(sys.argv[0]).name or "python"
    given = {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in facts.items()
    }
    return {"program": program, "provenance": "measured", "seed": None, **empty, **null, **given}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a training loop has at hand
    """A metric as JSON has it: numbers of numpy and tensors as Python's, NaN as its name."""
    if hasattr(value, "item"):
        value = value.item()
    elif isinstance(value, float):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return canonical.name_of(value)
    return value


def _failure(error: BaseException) -> dict[str, str]:
    """Name and message of an error, as `run.failed` has them."""
    is_stop = isinstance(error, (KeyboardInterrupt, SystemExit))
    name = "interrupted" if is_stop else type(error).__name__
    # A file name may hold bytes that are no text, and a message may be longer than an entry.
    reason = str(error)[:_REASON_CHARACTERS].encode("utf-8", "replace").decode()
    return {"error": name, "reason": reason or name}
