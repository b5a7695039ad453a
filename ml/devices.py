"""Devices: the grammar of their names, choosing one, and what the choice was made of.

    cpu | cuda | cuda:N (N from 0 to 15) | auto

`cuda` is `cuda:0`. What was asked for is what computes, or it is an error: only `auto` may choose,
and it says why. The device that a result names is the one observed after the run (`ml.tracing`).
"""

import re
from collections.abc import Mapping
from contextlib import suppress

from attrs import field, frozen

from ml.compiler import ensure_c_compiler
from ml.errors import BadDevice, CompilerMissing, DeviceUnavailable, MlError

GRAMMAR = "cpu|cuda|cuda:N|auto, N from 0 to 15"
_NAME = re.compile(r"(?P<kind>cpu|cuda|auto)(?::(?P<number>[0-9]|1[0-5]))?")
DTYPE = "float32"
DTYPE_REASON = "activations are float32 between operations, and a trace compares paths at float32"


@frozen(kw_only=True)
class DeviceChoice:
    """A device that computes, and why."""

    asked: str
    """As it was asked for."""
    observed: str
    """The device that was opened, in our grammar: `cpu`, `cuda:0`."""
    tinygrad_name: str | None
    """tinygrad's name of it; None for an engine that computes on the host without tinygrad."""
    reason: str
    """Why this device."""
    dtype: str
    """Type of activations."""
    dtype_reason: str
    """Why this type."""
    compiler: str | None
    """What compiled the kernels, and its version."""
    compiler_reason: str | None
    """Why this compiler."""
    driver: str | None
    """Name of the card and versions of its driver and runtime."""
    versions: Mapping[str, str] = field(factory=dict)
    """tinygrad's own version, where it is used."""


def parse(asked: str) -> tuple[str, int]:
    """Return kind and number; raise `BadDevice` for what is not in the grammar."""
    match = _NAME.fullmatch(asked)
    if match is None or (match["number"] is not None and match["kind"] != "cuda"):
        raise BadDevice(f"{asked!r} names no device", hint=f"the grammar is {GRAMMAR}")
    return match["kind"], int(match["number"] or 0)


def resolve(asked: str) -> DeviceChoice:
    """Open a tinygrad device and return the choice.

    Raises `BadDevice`, `DeviceUnavailable`, or `CompilerMissing` where the CPU has no compiler.
    """
    kind, number = parse(asked)
    if kind == "cpu":
        return _cpu(asked, "asked for")
    with suppress(CompilerMissing):  # before tinygrad is imported, and of no matter to a card
        ensure_c_compiler()
    if kind == "cuda":
        return _cuda(asked, number, "asked for")
    try:
        return _cuda(asked, 0, "auto: a CUDA device answers")
    except MlError as error:
        return _cpu(asked, f"auto: no CUDA device ({error})")


def resolve_host(asked: str) -> DeviceChoice:
    """Return the host's CPU for an engine that needs no tinygrad; raise for CUDA."""
    kind, _ = parse(asked)
    if kind == "cuda":
        raise DeviceUnavailable(
            f"{asked} was asked for, and this engine computes on the CPU only",
            hint="use --device cpu, or --engine a for CUDA",
        )
    reason = "asked for" if kind == "cpu" else "auto: this engine computes on the CPU only"
    return DeviceChoice(
        asked=asked,
        observed="cpu",
        tinygrad_name=None,
        reason=reason,
        dtype="float64",
        dtype_reason="the reference keeps float64 between operations",
        compiler=None,
        compiler_reason=None,
        driver=None,
    )


def _cpu(asked: str, reason: str) -> DeviceChoice:
    compiler = ensure_c_compiler()
    from ml import tinygrad_devices

    tinygrad_devices.probe("CPU")
    return DeviceChoice(
        asked=asked,
        observed="cpu",
        tinygrad_name="CPU",
        reason=reason,
        dtype=DTYPE,
        dtype_reason=DTYPE_REASON,
        compiler=compiler.version,
        compiler_reason=compiler.reason,
        driver=None,
        versions=tinygrad_devices.versions(),
    )


def _cuda(asked: str, number: int, reason: str) -> DeviceChoice:
    from ml import tinygrad_devices

    name = f"CUDA:{number}" if number else "CUDA"
    tinygrad_devices.probe(name)
    return DeviceChoice(
        asked=asked,
        observed=f"cuda:{number}",
        tinygrad_name=name,
        reason=reason,
        dtype=DTYPE,
        dtype_reason=DTYPE_REASON,
        compiler=tinygrad_devices.nvrtc_version(),
        compiler_reason="tinygrad's CUDA device compiles with NVRTC",
        driver=tinygrad_devices.cuda_driver(number),
        versions=tinygrad_devices.versions(),
    )


def grammar_name(tinygrad_name: str) -> str:
    """Return our name of a tinygrad device.

    >>> grammar_name("CUDA")
    'cuda:0'
    """
    kind, _, number = tinygrad_name.lower().partition(":")
    return kind if kind == "cpu" and not number else f"{kind}:{number or 0}"
