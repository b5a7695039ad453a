"""The demo: the command lines of the whole flow, in the order in which a user would type them.

Each step is a real command line, run as it is printed. What a step is expected to end with is part
of the tour: a criterion that is not met ends with 1, a changed byte with 6.
"""

import hashlib
import json
import shlex
from pathlib import Path
from typing import Final

import attrs

from ledger.errors import BadArguments

PROMPT_IDS: Final = "319,75,75,78,220,272,68"
ORIGIN: Final = "research-ledger/demo"
MODEL: Final = "tiny4-f16.gguf"
QUANTISED: Final = "tiny4-Q4_K_M.gguf"
HISTORY: Final = "ship_two_history.jsonl"


@attrs.frozen(slots=True)
class Step:
    """One command line, why it is there, and the exit code it must end with."""

    why: str
    words: tuple[str, ...]
    expected: int = 0
    is_long: bool = False

    @property
    def line(self) -> str:
        """The command as a user types it."""
        return shlex.join(("ledger", *self.words))


def find_data(given: Path | None) -> Path:
    """The folder with the models and the history: as given, else in the clone beside us.

    Raises `BadArguments` where the files are not there.
    """
    data = given or Path(__file__).resolve().parents[2] / "tests" / "data"
    missing = [
        name
        for name in (f"reference/{MODEL}", f"reference/{QUANTISED}", f"history/{HISTORY}")
        if not (data / name).is_file()
    ]
    if missing:
        raise BadArguments(
            f"{data} does not have {', '.join(missing)}",
            hint="run the demo in a clone of the project, or give --data DIR",
        )
    return data


def criteria(data: Path) -> str:
    """Three criteria as JSONL, declared before anything is measured.

    The third demands more of a 4-bit file than it can give: a board that is only green proves
    nothing about the judge.
    """
    full, quantised = (_digest(data / "reference" / name) for name in (MODEL, QUANTISED))
    pair = {"model_a": full, "engine_a": "numpy"}
    rows = (
        ("ENGINE-PARITY", "engine a agrees with the float64 reference at every point and layer",
         "trace_distance_max", "<=", 2e-5, "ratio", pair | {"model_b": full, "engine_b": "a"}),
        ("TRACE-FINITE", "no capture point holds a NaN or an infinity",
         "nonfinite_count", "==", 0, "count", {"model": full, "engine": "a"}),
        ("QUANT-LOGITS", "the 4-bit file keeps the logits within a tenth of their size",
         "logits_distance_max", "<=", 0.1, "ratio",
         {"model_a": full, "engine_a": "a", "model_b": quantised, "engine_b": "a"}),
    )  # fmt: skip
    names = ("criterion", "title", "metric", "operator", "threshold", "unit", "binding")
    lines = [
        {
            "kind": "criterion.declared",
            "body": dict(zip(names, row, strict=True)) | {"blocking": True, "model": "tiny4"},
        }
        for row in rows
    ]
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)


def _digest(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def steps(data: Path) -> tuple[Step, ...]:
    """The tour, with paths into `data`; it starts in an empty folder that has criteria.jsonl."""
    model, quantised = (str(data / "reference" / name) for name in (MODEL, QUANTISED))
    ids = ("--ids", PROMPT_IDS)
    return (
        Step("Make a ledger.", ("init", "--origin", ORIGIN)),
        Step(
            "Take in a real project's history, as stated, line by line.",
            ("import", "ship-two", str(data / "history" / HISTORY)),
        ),
        Step(
            "Say what is demanded before anything is measured.",
            ("record", "--from", "criteria.jsonl"),
        ),
        Step(
            "Trace the model through the float64 reference.",
            ("run", "trace", model, *ids, "--engine", "numpy"),
            is_long=True,
        ),
        Step(
            "Trace it through tinygrad: another engine, no shared arithmetic.",
            ("run", "trace", model, *ids, "--engine", "a", "--device", "cpu"),
            is_long=True,
        ),
        Step(
            "Trace the 4-bit file through tinygrad …",
            ("run", "trace", quantised, *ids, "--engine", "a", "--device", "cpu"),
            is_long=True,
        ),
        Step(
            "… and through the reference.",
            ("run", "trace", quantised, *ids, "--engine", "numpy"),
            is_long=True,
        ),
        Step(
            "Where do the two engines differ?",
            ("run", "compare", "trace-0001", "trace-0002"),
            is_long=True,
        ),
        Step(
            "Where does the 4-bit file leave the full one?",
            ("run", "compare", "trace-0002", "trace-0003"),
            is_long=True,
        ),
        Step("Judge the criteria. One is not met, so this ends with 1.", ("judge",), expected=1),
        Step("The board of this ledger.", ("board", "--own")),
        Step("Render specification and evidence.", ("render",), is_long=True),
        Step("Nothing drifted: the files are what the ledger says.", ("render", "--check")),
        Step("Audit everything from the raw journal.", ("audit",)),
    )


def tamper(ledger_dir: Path, copy_dir: Path) -> int:
    """Copy a ledger and change one digit of a measured value in the copy; the byte's offset."""
    import shutil

    shutil.copytree(ledger_dir, copy_dir)
    segment = min((copy_dir / "journal").glob("*.log"))
    segment.chmod(0o644)
    data = bytearray(segment.read_bytes())
    line = data.find(b'"kind":"measurement.taken"', data.find(b'"kind":"comparison.made"'))
    offset = data.rfind(b'"value":', 0, line) + len(b'"value":')
    data[offset] ^= 1
    segment.write_bytes(data)
    return offset
