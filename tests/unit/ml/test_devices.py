"""The grammar of devices, and that asking is not getting."""

import subprocess
import sys
from pathlib import Path

import pytest

from ml import devices
from ml.errors import BadDevice, DeviceUnavailable


@pytest.mark.parametrize(
    ("asked", "parsed"),
    [
        ("cpu", ("cpu", 0)),
        ("auto", ("auto", 0)),
        ("cuda", ("cuda", 0)),
        ("cuda:0", ("cuda", 0)),
        ("cuda:15", ("cuda", 15)),
    ],
)
def test_names(asked, parsed):
    """What the grammar takes."""
    assert devices.parse(asked) == parsed


@pytest.mark.parametrize(
    "asked",
    ["", "CPU", "gpu", "cuda:", "cuda:16", "cuda:01", "cuda:-1", "cpu:0", "auto:1", "cpu\n"],
)
def test_what_is_no_name(asked):
    """Refused with the grammar in the hint."""
    with pytest.raises(BadDevice) as caught:
        devices.resolve(asked)
    assert "cuda:N" in caught.value.hint


def test_tinygrad_names_come_back():
    """From tinygrad's spelling to ours."""
    names = {"CPU": "cpu", "CUDA": "cuda:0", "CUDA:3": "cuda:3"}
    assert {name: devices.grammar_name(name) for name in names} == names


def test_the_cpu_says_what_it_is():
    """Observed, reason, type and compiler, each with its why."""
    choice = devices.resolve("cpu")
    assert (choice.observed, choice.tinygrad_name, choice.dtype) == ("cpu", "CPU", "float32")
    assert choice.reason == "asked for"
    assert choice.dtype_reason
    assert choice.compiler
    assert choice.compiler_reason
    assert choice.versions["tinygrad"].startswith("0.14")


def test_asking_for_cuda_is_never_a_silent_cpu(monkeypatch):
    """Where the card does not answer, it is an error; auto says why it took the CPU."""
    from ml import tinygrad_devices

    honest = tinygrad_devices.probe

    def no_card(name):
        if name.startswith("CUDA"):
            raise DeviceUnavailable(f"{name} does not compute here: no card", hint="h")
        honest(name)

    monkeypatch.setattr(tinygrad_devices, "probe", no_card)
    for asked in ("cuda", "cuda:3"):
        with pytest.raises(DeviceUnavailable, match="no card"):
            devices.resolve(asked)
    choice = devices.resolve("auto")
    assert (choice.asked, choice.observed) == ("auto", "cpu")
    assert "no CUDA device (CUDA does not compute here: no card)" in choice.reason


def test_no_other_device_is_touched(tiny4):
    """A constant makes tinygrad look for a default device, and open any card that it finds."""
    program = (
        "import os, sys; from ml.tracing import trace\n"
        f"trace({str(tiny4)!r}, [1, 2], engine='a', device='cpu', points=['logits'])\n"
        "from tinygrad import Device\n"
        "assert '_select_device' not in vars(Device), 'a default device was looked for'\n"
        "assert Device._opened_devices <= {'CPU', 'NPY', 'PYTHON'}, Device._opened_devices\n"
        "assert 'DEV' not in os.environ\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)


def test_the_host_engine_takes_no_card():
    """The numpy engine says so instead of computing on the CPU."""
    with pytest.raises(DeviceUnavailable, match="cuda:1 was asked for"):
        devices.resolve_host("cuda:1")
    assert devices.resolve_host("auto").reason.startswith("auto:")
    with pytest.raises(BadDevice):
        devices.resolve_host("tpu")
