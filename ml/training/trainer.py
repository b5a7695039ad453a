"""A model in training: steps, evaluations, and its state.

Weights, moments and gradients stay on the device and are changed in place. A step is one pass a
batch (gradients add up), then clipping and AdamW; tinygrad captures both and replays them.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from tinygrad import Tensor, TinyJit

from ml.devices import DeviceChoice
from ml.errors import BadOption
from ml.tinygrad_devices import fixed_settings
from ml.training.adamw import norm_of, scalars, update
from ml.training.gradients import Network
from ml.training.kernels import Kernels
from ml.training.layer import make_rotation
from ml.training.settings import Settings, learning_rate
from ml.training.weights import initial, shapes

Arrays = dict[str, NDArray[np.float32]]
#: Steps whose loss and norm wait on a card before they are read together: reading waits for the
#: card, and a card that is waited for stands still. A kill loses the record of at most so many.
RING = 16
#: Parts of the state, each with an array for every weight.
PARTS = ("weights", "first", "second")


@frozen(kw_only=True)
class StepResult:
    """What one step measured."""

    step: int
    """Number of the step, 0-based."""
    loss: float
    """Mean training loss before the step, in nats a token."""
    grad_norm: float
    """Norm of all gradients before clipping."""
    lr: float
    """The learning rate of the step."""


@frozen(kw_only=True)
class State:
    """Everything that the next step follows from, but for the data: on the host."""

    step: int
    """Steps taken."""
    parts: Mapping[str, Arrays]
    """`weights`, `first` and `second` (AdamW's moments), each an array a weight."""

    def digest(self) -> str:
        """Return the SHA-256 of the state: steps taken, and bytes, shape and name of each array."""
        found = hashlib.sha256(f"research-ledger/training-state/1\n{self.step}\n".encode())
        for part in PARTS:
            for name in sorted(self.parts[part]):
                array = self.parts[part][name]
                found.update(f"{part}/{name} {array.shape}\n".encode())
                found.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return found.hexdigest()


def first_state(settings: Settings) -> State:
    """Return the state before the first step."""
    weights = initial(settings.preset, settings.vocabulary, settings.seed)
    zeros = [{name: np.zeros_like(array) for name, array in weights.items()} for _ in range(2)]
    return State(step=0, parts={"weights": weights, "first": zeros[0], "second": zeros[1]})


class Trainer:
    """A model on a device, and the steps that were taken."""

    def __init__(
        self, settings: Settings, device: DeviceChoice, state: State, ring: int | None = None
    ) -> None:
        """`ring` is how many steps wait to be read: 1 on a processor, 16 on a card."""
        assert device.tinygrad_name is not None
        self.settings = settings
        self.ring = ring or (1 if device.observed == "cpu" else RING)
        self._waiting: list[tuple[int, Tensor]] = []
        self.step = state.step
        self._device = device.tinygrad_name
        self._kernels = Kernels(settings, device)
        expected = shapes(settings.preset, settings.vocabulary)
        for part in PARTS:
            found = {name: array.shape for name, array in state.parts[part].items()}
            if found != expected:
                raise BadOption(
                    f"the state's {part} are not those of {settings.preset.name}",
                    hint="train on with the settings that the checkpoint was made with",
                )
        with fixed_settings(self._device):
            self._parts = [
                {name: self._put(state.parts[part][name]) for name in expected} for part in PARTS
            ]
            self._gradients = {
                name: Tensor.zeros(*shape, device=self._device).contiguous().realize()
                for name, shape in expected.items()
            }
            self._loss = Tensor.zeros(1, device=self._device).contiguous().realize()
            self._network = Network(
                settings=settings,
                weights=self._parts[0],
                rotation=make_rotation(settings.preset, settings.sequence, self._device),
            )
        self._pass = TinyJit(self._add_gradients)
        self._move = TinyJit(self._update)
        self._score = TinyJit(self._network.losses)
        self._next = TinyJit(self._network.next_logits)

    def _put(self, array: NDArray[np.generic]) -> Tensor:
        return Tensor(np.ascontiguousarray(array), device=self._device).contiguous().realize()

    def _add_gradients(self, ids: Tensor, targets: Tensor) -> None:
        """Add this batch's share to the gradients and the loss."""
        share = 1.0 / self.settings.accumulate

        def take(onward: Tensor, gradients: Mapping[str, Tensor]) -> Tensor:
            onward = onward.contiguous()
            kept = {name: self._gradients[name] for name in gradients}
            sums = [kept[name].assign(kept[name] + g * share) for name, g in gradients.items()]
            Tensor.realize(onward, *sums)
            return onward

        loss = self._network.backward(ids, targets, take)
        self._loss.assign(self._loss + loss * share).realize()

    def _update(self, at: Tensor) -> Tensor:
        """Take the step, clear the gradients, and return loss and norm, `float32 [2]`."""
        norm = norm_of(self._gradients).contiguous().realize()
        told = self._loss.cat(norm.reshape(1)).contiguous().realize()
        Tensor.realize(*update(self.settings, self._parts, self._gradients, norm, at))
        cleared = [kept.assign(kept.zeros_like()) for kept in self._gradients.values()]
        Tensor.realize(self._loss.assign(self._loss.zeros_like()), *cleared)
        return told

    @property
    def waiting(self) -> int:
        """Steps that were taken and not read."""
        return len(self._waiting)

    def enqueue(self, batches: Sequence[NDArray[np.int32]]) -> None:
        """Take one step over `accumulate` batches of windows, `int32 [batch, sequence + 1]` each.

        What it measured waits on the device until `read`. Raises `BadOption` for another number of
        batches or another shape.
        """
        self._check(batches, self.settings.accumulate)
        with fixed_settings(self._device):
            for batch in batches:
                self._pass(self._put(batch[:, :-1]), self._put(batch[:, 1:]))
            at = np.array(scalars(self.settings, self.step), dtype=np.float32)
            told = self._move(self._put(at)).clone().realize()
        self._waiting.append((self.step, told))
        self.step += 1

    def read(self) -> list[StepResult]:
        """Return what the steps measured that were not read, in their order."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        with fixed_settings(self._device):
            numbers = Tensor.cat(*(told for _, told in waiting)).numpy().reshape(-1, 2).tolist()
        self._kernels.keep()
        return [
            StepResult(step=step, loss=loss, grad_norm=norm, lr=learning_rate(self.settings, step))
            for (step, _), (loss, norm) in zip(waiting, numbers, strict=True)
        ]

    def take_step(self, batches: Sequence[NDArray[np.int32]]) -> StepResult:
        """Take one step and read it; none may be waiting. Raises `BadOption` as `enqueue` does."""
        assert not self._waiting
        self.enqueue(batches)
        return self.read()[0]

    def evaluate(self, batch: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return each window's mean loss in nats a token, `float64 [batch]`; nothing changes."""
        self._check([batch], 1)
        with fixed_settings(self._device):
            sums = self._score(self._put(batch[:, :-1]), self._put(batch[:, 1:])).numpy()
        self._kernels.keep()
        return np.asarray(sums, dtype=np.float64) / self.settings.sequence

    def next_logits(self, windows: NDArray[np.int32], at: int) -> NDArray[np.float32]:
        """Return the logits behind position `at` of windows `int32 [batch, sequence]`.

        `float32 [batch, vocabulary]`; what stands behind the position does not count.
        """
        here = np.zeros(self.settings.sequence, dtype=np.float32)
        here[at] = 1.0
        with fixed_settings(self._device):
            logits = self._next(self._put(windows), self._put(here)).numpy().copy()
        self._kernels.keep()
        return np.asarray(logits, dtype=np.float32)

    def _check(self, batches: Sequence[NDArray[np.int32]], count: int) -> None:
        wanted = (self.settings.batch, self.settings.sequence + 1)
        for batch in batches:
            if batch.shape != wanted or batch.dtype != np.int32:
                raise BadOption(
                    f"a batch is {batch.dtype} {batch.shape}, not int32 {wanted}",
                    hint="a window has one token more than it is trained on",
                )
            if batch.min() < 0 or batch.max() >= self.settings.vocabulary:
                raise BadOption(
                    f"ids go from {batch.min()} to {batch.max()}, the vocabulary has "
                    f"{self.settings.vocabulary}",
                    hint="the corpus was made with another tokenizer",
                )
        if len(batches) != count:
            raise BadOption(f"{len(batches)} batches, not {count}", hint="as many as accumulate")

    def state(self) -> State:
        """Return a copy of the state, on the host."""
        with fixed_settings(self._device):
            parts = {
                part: {name: tensor.numpy().copy() for name, tensor in tensors.items()}
                for part, tensors in zip(PARTS, self._parts, strict=True)
            }
        return State(step=self.step, parts=parts)
