"""The environment of a run: every choice that depends on the machine, with its reason."""

import os
import platform
import sys
from collections.abc import Mapping

import numpy as np

from ml.devices import DeviceChoice


def environment(choice: DeviceChoice) -> Mapping[str, str]:
    """Return it as texts by sorted key; what does not apply is absent."""
    known = {
        "compiler": choice.compiler,
        "compiler_reason": choice.compiler_reason,
        "device_asked": choice.asked,
        "device_observed": choice.observed,
        "device_reason": choice.reason,
        "driver": choice.driver,
        "dtype": choice.dtype,
        "dtype_reason": choice.dtype_reason,
        "machine": platform.machine(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": sys.platform,
        "threads": str(len(os.sched_getaffinity(0))),
        "threads_reason": "processors this process may use; its libraries decide on their own",
        **choice.versions,
    }
    return {key: value for key, value in sorted(known.items()) if value is not None}
