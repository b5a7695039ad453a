"""The gates of `ledger run qa`: the list, in the order in which they run; contract: `base`."""

from typing import Final

from ml.quality.gates.base import Gate, NotRun, Subject, Verdict, run_gate
from ml.quality.gates.format_parity import FORMAT_PARITY
from ml.quality.gates.golden_output import GOLDEN_OUTPUT
from ml.quality.gates.gpu_speed_up import GPU_SPEED_UP
from ml.quality.gates.kernel_parity import KERNEL_PARITY
from ml.quality.gates.metadata import METADATA
from ml.quality.gates.program_parity import PROGRAM_PARITY
from ml.quality.gates.tensor_contracts import TENSOR_CONTRACTS
from ml.quality.gates.throughput import THROUGHPUT

GATES: Final[tuple[Gate, ...]] = (
    METADATA,
    TENSOR_CONTRACTS,
    GOLDEN_OUTPUT,
    FORMAT_PARITY,
    KERNEL_PARITY,
    PROGRAM_PARITY,
    THROUGHPUT,
    GPU_SPEED_UP,
)

__all__ = ["GATES", "Gate", "NotRun", "Subject", "Verdict", "run_gate"]
