"""Programs that tinygrad has made, kept for the next process that trains the same shapes.

A training needs about a hundred kernels; making them takes half a minute on a processor, each time
a run begins or goes on. tinygrad keeps what the compiler made of a source, not the source. Here the
programs themselves are kept, in tinygrad's own cache (`CACHELEVEL=0` turns it off), under a name
that covers all they depend on: shapes, versions, compiler, settings, the processor's instructions.
What comes back is what would be made again, so numbers do not depend on it.
"""

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from tinygrad.codegen import to_program_cache
from tinygrad.helpers import diskcache_get, diskcache_put

from ml.devices import DeviceChoice
from ml.environment import environment
from ml.training.settings import Settings

_TABLE: Final = "research_ledger_training"
#: Settings that no kernel depends on.
_ELSEWHERE: Final = ("steps", "lr", "min_lr", "warmup", "seed", "weight_decay")


class Kernels:
    """The programs of one shape of training on one device. Only those of a processor are kept."""

    def __init__(self, settings: Settings, device: DeviceChoice) -> None:
        self._name = _name(settings, device) if device.observed == "cpu" else None
        self._kept: dict[Any, Any] = {}
        self._before = set(to_program_cache)
        # Of another version, damaged, locked: whatever a cache raises, its programs are made again.
        if self._name is not None:
            with contextlib.suppress(Exception):
                self._kept = dict(diskcache_get(_TABLE, self._name) or {})
        for key, program in self._kept.items():
            to_program_cache.setdefault(key, program)

    def keep(self) -> None:
        """Keep what was made since; where the cache cannot be written, nothing is kept."""
        new = to_program_cache.keys() - self._before - self._kept.keys()
        if self._name is None or not new:
            return
        self._kept |= {key: to_program_cache[key] for key in new}
        with contextlib.suppress(Exception):
            diskcache_put(_TABLE, self._name, self._kept)


def _name(settings: Settings, device: DeviceChoice) -> str:
    shape = {name: value for name, value in settings.record().items() if name not in _ELSEWHERE}
    told = [shape, dict(environment(device)), _instructions()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _instructions() -> str:
    """What the processor can do: kernels are compiled for this one."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
