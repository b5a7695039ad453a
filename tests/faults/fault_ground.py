"""The ground of a trial: its models on disk, and what is to be seen of a fault in them."""

from collections.abc import Mapping
from pathlib import Path

import attrs
from fault_base import Detector, Evidence, Fault, Seen, Stage, Way
from fault_detectors import DETECTORS
from fault_floors import RULES, read
from fault_models import Parts, Trial, prompt
from fault_traces import by_engine, by_port

from ml.architectures import Model, open_model
from ml.passes import Pass

#: What each detector named, by its name.
Named = Mapping[str, Stage | None]


@attrs.frozen(kw_only=True)
class Ground:
    """A trial on disk, and its sound side."""

    trial: Trial
    folder: Path
    parts: Parts
    clean: Model
    """The model that faults are put into, without one."""
    reference: Pass
    sound: Seen

    @classmethod
    def of(cls, trial: Trial, folder: Path) -> "Ground":
        """Write the models and trace the sound one."""
        parts = trial.model.parts()
        clean = open_model(parts.write(folder / f"{trial.name}.gguf"))
        against = clean
        if trial.sound is not trial.model:
            against = open_model(trial.sound.parts().write(folder / f"{trial.name}-sound.gguf"))
        reference = by_engine(against, trial.engine).run(prompt(0))
        return cls(
            trial=trial,
            folder=folder,
            parts=parts,
            clean=clean,
            reference=reference,
            sound=Seen.of(prompt(0), reference.activations),
        )

    def with_fault(self, fault: Fault) -> Evidence:
        """What is to be seen of a fault: of a file through the numpy engine, of a pass the port."""
        if fault.in_file is None:
            return self.evidence(by_port(self.clean, fault.in_pass))
        changed = open_model(fault.in_file(self.parts).write(self.folder / "fault.gguf"))
        return self.evidence(by_engine(changed, "numpy"))

    def evidence(self, way: Way) -> Evidence:
        """A way that may be at fault, as the detectors get it."""
        return Evidence(
            layers=self.trial.model.layers,
            reference=self.reference,
            sound=self.sound,
            way=way,
            other=Seen.of(prompt(0), way.run(prompt(0)).activations),
            sound_file=self.clean.container,
            other_file=way.model.container,
            floor=read(self.trial),
        )

    def controls(self) -> dict[str, dict[str, Named]]:
        """What detectors say where nothing is wrong, by rule for floors and by way."""
        ways = {"engine numpy": by_engine(self.clean, "numpy"), "the port": by_port(self.clean, {})}
        seen = {name: self.evidence(way) for name, way in ways.items()}
        return {
            name: {
                control: say(attrs.evolve(evidence, floor=read(self.trial, rule)), DETECTORS)
                for control, evidence in seen.items()
            }
            for name, rule in RULES.items()
        }


def say(evidence: Evidence, detectors: Mapping[str, Detector]) -> Named:
    """What detectors name."""
    return {name: detect(evidence) for name, detect in detectors.items()}
