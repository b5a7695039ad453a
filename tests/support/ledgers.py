"""Small ledgers for tests: fixed origin, fixed clock, and looks at the raw journal."""

from pathlib import Path
from typing import Any

from ledger.clock import FixedClock
from ledger.events import KINDS
from ledger.events.claim import ClaimStated
from ledger.events.form import completed
from ledger.events.ledger import GapFound, NoteAdded
from ledger.events.run import MeasurementTaken, RunFailed, RunStarted, StepTaken
from ledger.folder import Folder, create_folder, open_folder
from ledger.journal.line import Line
from ledger.journal.reader import scan
from ledger.journal.segments import beginning, list_segments, segment_path
from ledger.ledger import Ledger
from ledger.recorder import Draft, Recorder
from ledger.state import remove_state

ORIGIN = "example.org/lab"
START_US = 1_767_225_600_000_000
HUMAN = "human:ada"
EXECUTOR = "executor:train"


def new_ledger(directory: Path) -> Ledger:
    """A ledger in `directory` with its first entry, on a fixed clock."""
    directory.mkdir(exist_ok=True)
    return Ledger.create(directory, ORIGIN, actor=HUMAN, clock=FixedClock(START_US))


def new_folder(directory: Path) -> Folder:
    """A ledger's folder without any entry."""
    directory.mkdir(exist_ok=True)
    return create_folder(directory, ORIGIN)


def new_recorder(folder: Folder, *, segment_bytes: int = 64 * 1024 * 1024) -> Recorder:
    """A recorder of its own, as another process would have."""
    return Recorder(folder, FixedClock(START_US), segment_bytes=segment_bytes)


class SmallLedger(Ledger):
    """The Python interface over small segments, so that rotation happens."""

    def __init__(self, folder: Folder, segment_bytes: int, **more: Any) -> None:
        super().__init__(folder, **more)
        self._segment_bytes = segment_bytes

    @property
    def recorder(self) -> Recorder:
        """The writer, opened on first use."""
        if self._recorder is None:
            self._recorder = Recorder(
                self.folder, self._clock, durable=self._durable, segment_bytes=self._segment_bytes
            )
        return self._recorder


def draft_of(wanted: Any) -> Draft:
    """An event of the naive store (`memory_store.Wanted`), for the program."""
    kind = KINDS[wanted.kind]
    event = kind.event(**completed(kind, wanted.body))
    return Draft(event=event, cites=wanted.cites, stream=wanted.stream, branch=wanted.branch)


def note(text: str) -> Draft:
    """A decided event without conditions."""
    return Draft(event=NoteAdded(text=text))


def claim(name: str) -> Draft:
    """A decided event that a rule refuses the second time."""
    return Draft(
        event=ClaimStated(
            claim=name, text="it holds", prediction=None, over=None, commit=None, expires_at=None
        )
    )


def run_body(run: str, provenance: str = "measured") -> dict[str, object]:
    """The fields of the beginning of a run."""
    empty = ("device_asked", "device_observed", "device_reason", "dtype", "dtype_reason")
    return {
        "run": run,
        "executor": "train",
        "program": "test 1",
        "provenance": provenance,
        "arguments": {},
        "inputs": {},
        "model": {},
        **dict.fromkeys(empty),
        "compiler": None,
        "environment": {},
        "seed": None,
    }


def run_started(run: str, provenance: str = "measured") -> Draft:
    """The beginning of a run."""
    return Draft(event=RunStarted(**run_body(run, provenance)))


def run_failed(run: str) -> Draft:
    """The bad end of a run."""
    return Draft(event=RunFailed(run=run, wall_ms=1, error="Overflow", reason="loss is NaN"))


def step(run: str, number: int) -> Draft:
    """An instrument event, the hot path."""
    metrics = {"loss": 2.5, "lr": 0.001}
    event = StepTaken(run=run, step=number, provenance="measured", metrics=metrics)
    return Draft(event=event)


def measurement(run: str | None, value: object, **changes: object) -> Draft:
    """A number with its unit; `cites` among the changes goes around the event."""
    cites = changes.pop("cites", ())
    fields = {
        "run": run,
        "metric": "loss_final",
        "value": value,
        "unit": "nats",
        "provenance": "measured",
        "key": {"model": "tiny4"},
    }
    return Draft(event=MeasurementTaken(**{**fields, **changes}), cites=cites)


def lines_of(folder: Folder) -> list[Line]:
    """Every line of the journal, chain verified from the beginning."""
    return [line for line, _ in scan(folder.journal, beginning(folder.origin))]


def gaps_of(folder: Folder) -> list[Line]:
    """The lines that record a gap."""
    mark = f'"kind":"{GapFound.KIND.name}"'.encode()
    return [line for line in lines_of(folder) if mark in line.entry]


def last_segment(folder: Folder) -> Path:
    """The file that the next append goes to."""
    return segment_path(folder.journal, list_segments(folder.journal)[-1])


def forget_state(folder: Folder) -> Folder:
    """The folder as someone finds it who has only the journal."""
    remove_state(folder)
    return open_folder(folder.path)


def snapshot(folder: Folder) -> dict[str, bytes]:
    """The bytes of every file of the journal, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.journal.iterdir())}
