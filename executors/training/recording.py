"""What happens in a run, as events: steps, evaluations, checkpoints, and how it ended."""

from typing import TYPE_CHECKING, Any, Final

import attrs

from executors import base

if TYPE_CHECKING:
    from ml.training.loop import Evaluated, Happening, Sampled, Saved, Took
    from ml.training.oracle import Verdict

CONTRACT: Final = "held-out loss/1"
SAMPLES: Final = "greedy samples/1"
ORACLE: Final = "fixed batch/1"
#: Characters of a sample that are recorded: an entry has a limit.
_LONGEST: Final = 8000


class GateClosed(Exception):
    """A gate ended the run as failed; its text is the reason that `run.failed` states."""


@attrs.define(kw_only=True)
class Recording:
    """Records what happens in a run."""

    run: base.Run
    key: dict[str, Any]
    """What a held-out loss may be compared with: data, tokenizer, sequence."""
    bytes_per_token: float
    """Of the held-out text."""
    seconds: float = 0.0
    """Time of all steps."""
    recording_seconds: float = 0.0
    """Of these, what recording took."""
    steps: int = 0
    last: "Evaluated | None" = None
    checkpoint: "Saved | None" = None

    def take(self, happening: "Happening") -> None:
        """Record one happening."""
        from ml.training.loop import Evaluated, Sampled, Saved, Took

        if isinstance(happening, Took):
            self._step(happening)
        elif isinstance(happening, Evaluated):
            self.evaluation(happening)
        elif isinstance(happening, Sampled):
            self._samples(happening)
        elif isinstance(happening, Saved):
            self._checkpoint(happening)

    def _step(self, took: "Took") -> None:
        import time

        from ml.training.memory import used_bytes

        began = time.perf_counter()
        self.run.step(
            took.result.step,
            loss=took.result.loss,
            grad_norm=took.result.grad_norm,
            lr=took.result.lr,
            tokens=took.tokens,
            tokens_per_sec=took.tokens / took.seconds,
            wall_ms=took.seconds * 1e3,
            memory_bytes=used_bytes(),
            # Their wall time is the mean of them all.
            **({"read_together": took.together} if took.together > 1 else {}),
        )
        self.recording_seconds += time.perf_counter() - began
        self.seconds += took.seconds
        self.steps += 1

    def evaluation(self, evaluated: "Evaluated") -> None:
        """Record a held-out loss with the number of windows and its interval."""
        import math

        found = evaluated.evaluation
        low, high = found.interval
        about = {
            **self.key,
            "step": found.step,
            "n": len(found.losses),
            **({"low": low, "high": high} if math.isfinite(low) else {}),
        }
        self.run.measure("val_loss", found.mean, "nats/token", about)
        bits = found.mean / math.log(2) / self.bytes_per_token
        self.run.measure("val_bits_per_byte", bits, "bits/byte", about)
        self.last = evaluated

    def _samples(self, sampled: "Sampled") -> None:
        """Each text as a value, and how many of them parse."""
        about = {"contract": SAMPLES, "data": self.key["data"], "step": sampled.step}
        for number, one in enumerate(sampled.samples):
            said = {**about, "sample": number, "document": one.document, "parses": one.parses}
            self.run.measure("sample", one.text[:_LONGEST], None, said)
        share = sum(one.parses for one in sampled.samples) / len(sampled.samples)
        about["n"] = len(sampled.samples)
        self.run.measure("sample_parse_rate", share, "ratio", about)

    def oracle(self, verdict: "Verdict", step: int) -> None:
        """Record how far the fixed batch's losses are from those of the checkpoint."""
        about = {
            "contract": ORACLE,
            "step": step,
            "recorded": verdict.recorded,
            "band": verdict.band,
        }
        self.run.measure("fixed_batch_loss", verdict.loss, "nats/token", about)
        self.run.measure("fixed_batch_difference", verdict.largest, "nats/token", about)

    def gap(self, most: int, step: int) -> None:
        """Record how many steps the stop may have kept from the record; they are taken again."""
        about = {"contract": "training/1", "step": step}
        self.run.measure("unrecorded_steps_at_most", most, "count", about)

    def _checkpoint(self, saved: "Saved") -> None:
        written = saved.checkpoint
        self.run.record(
            "checkpoint.written",
            {
                "step": written.step,
                "file": written.path.name,
                "digest": f"sha256:{written.digest}",
                "size_bytes": written.size_bytes,
                "state": f"sha256:{written.state}",
            },
        )
        self.checkpoint = saved

    @property
    def share(self) -> float:
        """Recording's share of the time of all steps."""
        return self.recording_seconds / self.seconds if self.seconds else 0.0
