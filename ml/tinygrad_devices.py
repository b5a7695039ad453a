"""Everything about tinygrad's devices that a choice of device needs; imports tinygrad.

`ml.devices` imports this where it is first needed, after the C compiler has been chosen: tinygrad
remembers what it once read from the environment.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np
from tinygrad import Device, Tensor
from tinygrad.helpers import NUM_CPU_THREADS, Context

from ml.devices import grammar_name
from ml.errors import DeviceUnavailable

# Numbers must not depend on the caller's environment: no searched kernels, no reduced precision.
# Kernels are compiled in this process: a pool of workers started behind the back of a command-line
# program costs a second, and outlives an interrupt.
FIXED_SETTINGS = {"ALLOW_TF32": 0, "BEAM": 0, "FLOAT16": 0, "NOOPT": 0, "PARALLEL": 0}


@contextmanager
def fixed_settings(name: str) -> Iterator[None]:
    """Run tinygrad with `FIXED_SETTINGS` on one device, whatever the environment says.

    A constant in an expression makes tinygrad ask for its default device: without a default it
    would try every backend it has, take a card that nobody asked for, and set `DEV` for children.
    """
    with Context(DEV=name.partition(":")[0], **FIXED_SETTINGS):
        yield


def probe(name: str) -> None:
    """Compute 1 + 1 on a device; raise `DeviceUnavailable` with what tinygrad said."""
    one = np.ones(1, dtype=np.float32)
    try:
        with fixed_settings(name):
            answer = (Tensor(one, device=name) + 1).numpy().tolist()
    except Exception as error:  # tinygrad raises what its drivers raise: OSError, RuntimeError, …
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise DeviceUnavailable(
            f"{name} does not compute here: {said}", hint=_hint(name)
        ) from error
    if answer != [2.0]:
        raise DeviceUnavailable(f"{name} computes 1 + 1 = {answer[0]}", hint="use another device")


def _hint(name: str) -> str:
    if name != "CPU":
        return "use --device cpu, or --device auto to let the device be chosen"
    compiler = os.environ.get("CC") or "clang"
    return f"the C compiler is {compiler}, and must take clang's options: unset CC to choose one"


def observed_device(tensor: Tensor) -> str:
    """Return the device that holds a realised tensor's buffer, in our grammar.

    On a card a part of a buffer is a buffer of its own, which `uop.base` does not know.
    """
    return grammar_name(tensor.uop.buffer.device)


def versions() -> dict[str, str]:
    """Return tinygrad's version and settings that belong in an environment record."""
    return {
        "tinygrad": version("tinygrad"),
        "tinygrad_settings": " ".join(f"{k}={v}" for k, v in sorted(FIXED_SETTINGS.items())),
        "threads": str(NUM_CPU_THREADS.value),
        "threads_reason": "NUM_CPU_THREADS of tinygrad: its setting, or the processors it found",
    }


def nvrtc_version() -> str:
    """Return NVRTC's version, such as `nvrtc 13.0`."""
    from tinygrad.runtime.autogen import nvrtc

    major, minor = ctypes.c_int(), ctypes.c_int()
    nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return f"nvrtc {major.value}.{minor.value}"


def cuda_driver(number: int) -> str:
    """Return the card's name and the CUDA version of its driver."""
    from tinygrad.runtime.autogen import cuda

    supported = ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(supported))
    card = ctypes.create_string_buffer(256)
    cuda.cuDeviceGetName(card, 256, Device[f"CUDA:{number}"].cu_device)
    major, minor = supported.value // 1000, supported.value % 1000 // 10
    return f"{card.value.decode()}, driver for CUDA {major}.{minor}"
