"""Events of a training run beside its steps: checkpoints, and going on from one."""

from collections.abc import Iterable
from typing import Any

from ledger import ids
from ledger.events.base import Event, FileDigest, event


@event("checkpoint.written", version=1, family="instrument", stream="run/{run}")
class CheckpointWritten(Event):
    """The state of a training was written to a file: what the next step follows from."""

    run: str
    """The run."""
    step: int
    """Steps taken."""
    file: str
    """Name of the file in the folder of the run."""
    digest: FileDigest
    """SHA-256 of its bytes, as sha256:HEX."""
    size_bytes: int
    """Its size."""
    state: FileDigest
    """SHA-256 of the state: steps taken, and name, shape and bytes of every weight and moment."""

    def problems(self) -> Iterable[str]:
        """Digests of the right form, and counts that are none below zero."""
        yield from _digest_problems({"digest": self.digest, "state": self.state})
        for name in ("step", "size_bytes"):
            if getattr(self, name) < 0:
                yield f"{name}: {getattr(self, name)} is below 0"


@event("run.resumed", version=1, family="instrument", stream="run/{run}")
class RunResumed(Event):
    """A run that was killed, or failed, goes on from a checkpoint.

    Steps after it cite it; one that was taken before is taken again, and the latest one counts.
    """

    run: str
    """The run."""
    step: int
    """Steps taken at the checkpoint: the number of the next step."""
    state: FileDigest
    """SHA-256 of the state that it goes on from; `checkpoint.written` names it."""
    program: str
    """Program and version that goes on."""
    device_observed: str | None
    """The device that computes from here on, as observed."""
    compiler: str | None
    """The compiler that made the kernels, with its version."""
    environment: dict[str, Any]
    """Versions and settings that could change the numbers, by name."""

    def problems(self) -> Iterable[str]:
        """A digest of the right form, and a number of steps."""
        yield from _digest_problems({"state": self.state})
        if self.step < 0:
            yield f"step: {self.step} is below 0"

    def standings(self) -> Iterable[tuple[str, str]]:
        """The run goes on."""
        return ((f"run/{self.run}", "started"),)


def _digest_problems(found: dict[str, str]) -> Iterable[str]:
    for name, digest in found.items():
        if not ids.is_hash(digest):
            yield f"{name}: {digest!r} is no digest (sha256: and 64 hex digits)"
