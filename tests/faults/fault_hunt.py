"""The hunt: every fault is put into its model, and every detector says where it sees it."""

import contextlib
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs
from fault_base import Fault, Stage, is_found
from fault_detectors import DETECTORS, GATE
from fault_floors import RULES
from fault_ground import Ground, Named, say
from fault_list import FAULTS
from fault_models import TRIALS, Trial
from fault_strength import PAIRS, Smallest, strengths

Task = TypeVar("Task")
#: The rule for floors that faults are looked for with.
OURS = tuple(RULES)[-1]
#: Matrices this small are done before a second thread has woken up.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@attrs.frozen(kw_only=True)
class Hunt:
    """What came of it, by the name of the trial."""

    faults: Mapping[str, Mapping[str, Named]]
    controls: Mapping[str, Mapping[str, Mapping[str, Named]]]
    """By rule for floors, then by who made the sound pass."""
    least: Mapping[str, Mapping[str, Smallest]]
    """The least strengths, by the words for what is compared, then by family."""

    def finders(self, trial: Trial, fault: Fault) -> tuple[str, ...]:
        """The detectors that named the site of a fault or the stage after it."""
        named, layers = self.faults[trial.name][fault.name], trial.model.layers
        return tuple(name for name, stage in named.items() if is_found(stage, fault.site, layers))

    def survivors(self, trial: Trial, detectors: Collection[str] = tuple(GATE)) -> list[str]:
        """Names of the faults of a trial that none of these detectors finds."""
        return [
            fault.name
            for fault in FAULTS[trial.name]
            if not set(self.finders(trial, fault)) & set(detectors)
        ]

    def alarms(self, trial: Trial, detector: str, rule: str = OURS) -> list[Stage]:
        """What a detector named in the controls of a trial."""
        found = (named[detector] for named in self.controls[trial.name][rule].values())
        return [stage for stage in found if stage is not None]


def hunt() -> Hunt:
    """Put every fault into its model and ask every detector; a process for each of two cores."""
    trials = [partial(hunted, trial.name) for trial in TRIALS]
    results = at_once([*trials, *(partial(strengths, words) for words in PAIRS)])
    by_trial = dict(zip((trial.name for trial in TRIALS), results, strict=False))
    return Hunt(
        faults={name: faults for name, (faults, _) in by_trial.items()},
        controls={name: controls for name, (_, controls) in by_trial.items()},
        least=dict(zip(PAIRS, results[len(trials) :], strict=True)),
    )


def hunted(name: str) -> tuple[dict[str, Named], dict[str, dict[str, Named]]]:
    """What is said of the faults of one trial, and of its controls."""
    (trial,) = (one for one in TRIALS if one.name == name)
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground.of(trial, Path(folder))
        return {
            one.name: say(ground.with_fault(one), DETECTORS) for one in FAULTS[name]
        }, ground.controls()


def at_once(tasks: Sequence[Callable[[], Task]]) -> list[Task]:
    """The results of tasks, in their order, from processes with one thread each."""
    fresh = multiprocessing.get_context("spawn")
    with _environment(ONE_THREAD), ProcessPoolExecutor(2, mp_context=fresh) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
