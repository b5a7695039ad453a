"""The fault zoo: every fault is found at its site or one stage late, and nothing sound is."""

import inspect
import json
import re
from pathlib import Path

import fault_in_files
import fault_in_passes
import fault_list
import numpy as np
import pytest
from fault_base import is_found, stages
from fault_detectors import BAND_NAME, DETECTORS, stage_of
from fault_floors import FILE, measure
from fault_hunt import hunt
from fault_list import FAULTS
from fault_models import DEEP, FIRST_TOKEN, LOUD_LAYER, MASSIVE, SHALLOW, TRIALS, prompt
from fault_traces import by_engine, by_port
from write_fault_page import PAGE, page

from ml.architectures import open_model

#: Where both sides have the same weights.
EXACT = [trial for trial in TRIALS if trial.sound is trial.model]
ROUNDED = [trial for trial in TRIALS if trial.sound is not trial.model]
each_fault = pytest.mark.parametrize(
    ("trial", "fault"),
    [(trial, fault) for trial in EXACT for fault in FAULTS[trial.name]],
    ids=lambda one: one.name,
)


@pytest.fixture(scope="module")
def seen():
    """One hunt for all tests."""
    return hunt()


@pytest.fixture
def opened(tmp_path):
    """Opens a model of the zoo."""
    return lambda model: open_model(model.parts().write(tmp_path / "model.gguf"))


@pytest.mark.slow
@each_fault
def test_a_fault_is_found(trial, fault, seen):
    """Row distance, sketch, local scan or bytes names its site or the stage after it."""
    assert fault.name not in seen.survivors(trial), seen.faults[trial.name][fault.name]


@pytest.mark.slow
@pytest.mark.parametrize("trial", TRIALS, ids=lambda one: one.name)
@pytest.mark.parametrize("detector", DETECTORS)
def test_nothing_sound_is_found(trial, detector, seen):
    """Sound passes by the numpy engine and by the port are silent on a prompt of their own."""
    assert seen.alarms(trial, detector) == []


@pytest.mark.slow
@pytest.mark.parametrize("trial", EXACT, ids=lambda one: one.name)
def test_nothing_is_named_before_its_site(trial, seen):
    """With the same weights on both sides, no detector points at a stage before the fault."""
    order = stages(trial.model.layers)
    early = [
        (fault.name, name)
        for fault in FAULTS[trial.name]
        for name, stage in seen.faults[trial.name][fault.name].items()
        if stage is not None and order.index(stage) < order.index(fault.site)
    ]
    assert early == []


@pytest.mark.slow
def test_the_band_finds_few(seen):
    """The seeds' band misses more than half of what the gate finds, in every trial."""
    for trial in TRIALS:
        assert 2 * len(seen.survivors(trial, [BAND_NAME])) > len(FAULTS[trial.name])


@pytest.mark.slow
def test_only_a_fault_of_a_rounded_product_survives(seen):
    """Against weights of another type, the gate misses what its own rounding is as large as."""
    assert seen.survivors(ROUNDED[0]) == []
    assert seen.survivors(ROUNDED[1]) == ["one block misread"]


@pytest.mark.slow
def test_the_page_is_current(seen):
    """spec/reference/faults.md is what a hunt gives."""
    assert PAGE.read_text(encoding="utf-8") == page(seen), "make docs"


def test_the_list_has_what_was_asked_for():
    """Eight on 24 layers, two dozen on 4, both lists on the massive one; each name once a trial."""
    assert DEEP.layers == 24
    assert SHALLOW.layers == 4
    assert [len(FAULTS[trial.name]) for trial in TRIALS] == [8, 24, 23, 11, 11]
    for faults in FAULTS.values():
        assert len({fault.name for fault in faults}) == len(faults)
        assert all((fault.in_file is None) == bool(fault.in_pass) for fault in faults)


def test_every_fault_that_can_be_made_is_listed():
    """Each maker of a fault stands in the list."""
    text = inspect.getsource(fault_list)
    for room in (fault_in_files, fault_in_passes):
        source = inspect.getsource(room)
        makers = set(re.findall(r"^def (\w+)\((?:(?!^def )[\s\S])*?\) -> Fault:", source, re.M))
        assert len(makers) > 8
        assert [one for one in sorted(makers - {"slip", "turned"}) if f".{one}(" not in text] == []


@pytest.mark.parametrize("model", [SHALLOW, MASSIVE], ids=lambda one: one.name)
def test_the_port_is_sound(model, opened):
    """Without a slip it gives what the numpy engine gives, up to the last rounding."""
    own, ours = (
        by_port(opened(model), {}).run(prompt(0)).activations,
        by_engine(opened(model), "numpy").run(prompt(0)).activations,
    )
    assert list(own) == list(ours) == list(stages(model.layers))
    for stage, tensor in ours.items():
        np.testing.assert_allclose(own[stage], tensor, rtol=1e-6, atol=1e-6 * np.abs(tensor).max())


def test_the_models_are_what_they_say(opened):
    """A first token over 1,000 times the median, three outliers, and a product beyond f16."""
    massive = by_engine(opened(MASSIVE), "numpy").run(prompt(0)).activations
    assert prompt(0).count(FIRST_TOKEN) == 1
    for layer in range(MASSIVE.layers):
        output = np.abs(massive["output", layer])
        assert output[0].max() > 1000 * np.median(output)
        loudest = np.argsort(-np.median(output[1:], axis=0))[:3]
        assert sorted(loudest) == [11, 50, 101]
    loud = by_engine(opened(SHALLOW), "numpy").run(prompt(0)).activations
    peaks = [np.abs(loud["ffn_swigl", layer]).max() for layer in range(SHALLOW.layers)]
    assert [peak > 65_504 for peak in peaks] == [at == LOUD_LAYER for at in range(SHALLOW.layers)]


def test_every_tensor_makes_a_stage():
    """What bytes finds in a tensor has a place among the stages."""
    for name in SHALLOW.parts().tensors:
        assert stage_of(name) in stages(SHALLOW.layers), name


@pytest.mark.parametrize(
    ("named", "found"),
    [(("q_rope", 1), True), (("k_rope", 1), True), (("attn_mix", 1), False), (None, False)],
)
def test_one_stage_late_is_found(named, found):
    """The site and the stage after it count; silence, later stages and earlier ones do not."""
    assert is_found(named, ("q_rope", 1), 4) is found
    assert not is_found(("qkv", 1), ("q_rope", 1), 4)


def test_floors_are_what_is_measured(tmp_path: Path):
    """Measured again, the floors of the trial that needs no compiler are those on file."""
    recorded = json.loads(FILE.read_text(encoding="utf-8"))["rounded"]
    again = measure(ROUNDED[0], tmp_path)
    assert list(again) == list(recorded)
    for point, layers in recorded.items():
        for expected, numbers in zip(layers, again[point], strict=True):
            assert numbers == pytest.approx(expected, rel=0.1, abs=1e-6), point
