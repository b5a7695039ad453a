"""Checkpoints: round trip, the same bytes twice, and files that are not as they were written."""

import json

import numpy as np
import pytest
from attrs import evolve

from ml.containers import open_container
from ml.errors import BadOption, FileUnreadable, FileUnwritable, MalformedFile
from ml.training.checkpoints import CONTAINERS, latest, path_of, read_checkpoint, write_checkpoint
from ml.training.evaluation import Evaluation
from ml.training.presets import find_preset
from ml.training.settings import Settings
from ml.training.trainer import PARTS, State, first_state

SETTINGS = Settings(preset=find_preset("tiny"), vocabulary=64, steps=9, batch=2, sequence=8)
LOOKS = tuple(Evaluation(step=n, losses=np.array([4.1, 1 / 3, 1e-300]) + n) for n in (0, 5))


def moved(step=5):
    """A state whose parts all differ."""
    state = first_state(SETTINGS)
    parts = {
        part: {name: array + np.float32(n) for name, array in state.parts["weights"].items()}
        for n, part in enumerate(PARTS)
    }
    return State(step=step, parts=parts)


@pytest.fixture(params=CONTAINERS)
def written(request, tmp_path):
    """A checkpoint after five steps, in each container."""
    return write_checkpoint(tmp_path, SETTINGS, moved(), LOOKS, container=request.param)


def test_what_was_written_comes_back(written):
    """State, settings and the losses of each window, to the last bit."""
    found = read_checkpoint(written.path)
    assert found.settings == SETTINGS
    assert found.state.step == 5
    assert found.state.digest() == written.state == moved().digest()
    for part in PARTS:
        for name, array in moved().parts[part].items():
            assert found.state.parts[part][name].tobytes() == array.tobytes()
    assert [one.step for one in found.evaluations] == [0, 5]
    assert all(
        a.losses.tobytes() == b.losses.tobytes()
        for a, b in zip(found.evaluations, LOOKS, strict=True)
    )


def test_the_same_state_gives_the_same_bytes(written, tmp_path):
    """Twice, whatever the order of the arrays; and the digest is that of the file."""
    again = tmp_path / "again"
    again.mkdir()
    state = moved()
    turned = State(
        step=5, parts={part: dict(reversed(state.parts[part].items())) for part in reversed(PARTS)}
    )
    container = written.path.suffix[1:]
    second = write_checkpoint(again, SETTINGS, turned, LOOKS, container=container)
    assert second.path.read_bytes() == written.path.read_bytes()
    assert (second.digest, second.state) == (written.digest, written.state)
    assert written.size_bytes == written.path.stat().st_size
    assert open_container(written.path).digest() == written.digest


def test_the_digest_sees_everything():
    """One bit of one moment, the number of steps, and a name change it."""
    state = moved()
    name = next(iter(state.parts["second"]))
    found = {state.digest(), evolve(state, step=6).digest()}
    for part in PARTS:
        other = {p: {n: a.copy() for n, a in arrays.items()} for p, arrays in state.parts.items()}
        other[part][name].view(np.uint8).ravel()[0] ^= 1
        found.add(State(step=5, parts=other).digest())
    assert len(found) == 5


def test_a_file_that_was_cut_is_refused(written):
    """At any place."""
    whole = written.path.read_bytes()
    for size in (0, 4, 8, 100, len(whole) // 2, len(whole) - 1):
        written.path.write_bytes(whole[:size])
        with pytest.raises((MalformedFile, FileUnreadable)):
            read_checkpoint(written.path)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9, 0.999999])
def test_a_bit_that_flipped_is_found(written, place):
    """The state is hashed again when it is read; an APR file's footer sees it before."""
    data = bytearray(written.path.read_bytes())
    data[int(place * len(data))] ^= 4
    written.path.write_bytes(data)
    said = "the footer says" if written.path.suffix == ".apr" else "the state is"
    with pytest.raises(MalformedFile, match=said):
        read_checkpoint(written.path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'ledger/training-state/1"', b'ledger/training-state/9"'),
        (b'"step":"5"', b'"step":"6"'),
        (b'"step":"5"', b'"step":"x"'),
        (b'\\"beta1\\":0.9', b'\\"beta1\\":9.9'),
        (b'\\"layers\\":2', b'\\"lagers\\":2'),
        (b'"held_out":"[[', b'"held_out":"[{'),
        (b"weights/output_norm.weight", b"w3ights/output_norm.weight"),
    ],
)  # fmt: skip
def test_metadata_that_lies_is_refused(written, before, after):
    """Another format, other steps, settings that cannot be, another part."""
    data = written.path.read_bytes()
    assert data.count(before) == 1
    assert len(before) == len(after)
    written.path.write_bytes(data.replace(before, after))
    with pytest.raises(MalformedFile) as caught:
        read_checkpoint(written.path)
    assert caught.value.hint


def test_the_latest_has_the_most_steps(written, tmp_path):
    """Other files do not count, nor does one that was being written."""
    assert latest(tmp_path) == written.path
    container = written.path.suffix[1:]
    later = write_checkpoint(tmp_path, SETTINGS, moved(12), LOOKS, container=container)
    (tmp_path / "step-99.safetensors").write_bytes(b"")
    (tmp_path / ".new-1.safetensors").write_bytes(b"")
    assert latest(tmp_path) == later.path == path_of(tmp_path, 12, container)
    assert latest(tmp_path / "none") is None


def test_a_folder_that_is_not_there(tmp_path):
    """The file cannot be written, and the error says so."""
    with pytest.raises(FileUnwritable, match="cannot write"):
        write_checkpoint(tmp_path / "none", SETTINGS, moved())


def test_a_state_of_another_model_is_refused():
    """The trainer looks at every shape."""
    from ml import devices
    from ml.training.trainer import Trainer

    other = evolve(SETTINGS, vocabulary=128)
    with pytest.raises(BadOption, match="not those of tiny"):
        Trainer(other, devices.resolve("cpu"), moved())


def test_the_metadata_is_readable(written):
    """The settings are canonical JSON in the file, for other programs."""
    metadata = open_container(written.path).metadata
    prefix = "apr." if written.path.suffix == ".apr" else ""
    settings = json.loads(str(metadata[f"{prefix}settings"]))
    assert settings["preset"]["name"] == "tiny"
    assert list(settings) == sorted(settings)
