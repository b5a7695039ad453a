"""A small laboratory: one ledger with every sort of event, made by the program's own parts.

The real history, criteria, three traces of tiny4 through the float64 reference, comparisons that
are over the threshold (0001), not possible (0002) and equal (0003), training steps, claims and
verdicts, a floor and a bisection, a trace with whole activations. The clock is fixed, so it is the
same ledger every time but for wall times.
"""

import hashlib
import json
import math
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from histories import history_bytes
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, run_started, step
from written import published, written

from executors.compare import record_comparison
from executors.floor import record_floor
from executors.trace import record_trace
from executors.tracing.bisections import Asked, record_bisection
from ledger.commands.judge import judge
from ledger.folder import Folder, open_folder
from ledger.importers import find_importer, read_drafts, take_in
from ledger.ledger import Ledger
from ledger.sections.recording import state_action
from ledger.store.reader import open_reader

MODELS = Path(__file__).parents[1] / "data" / "reference"
F16, Q4 = (MODELS / f"tiny4-{name}.gguf" for name in ("f16", "Q4_K_M"))
TOKENS = [319, 75, 75, 78]
SCRIPT = Path(sysconfig.get_path("scripts")) / "ledger"


def digest(path: Path) -> str:
    """The digest of a file, as events name it."""
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def criterion(name: str, **changes: Any) -> dict[str, Any]:
    """The body of a declaration: loss_final below 3 nats, on tiny4."""
    body = {
        "criterion": name,
        "title": "the final loss is below three",
        "metric": "loss_final",
        "operator": "<=",
        "threshold": 3.0,
        "unit": "nats",
        "blocking": True,
        "model": "tiny4",
        "binding": {"model": "tiny4"},
    }
    return body | changes


#: What knowing nothing costs with the vocabulary of the tiny models.
UNIFORM = {"constant": "uniform-loss", "formula": "ln(512)", "value": math.log(512), "unit": "nats"}


def build_lab(directory: Path, *, history: bool = True) -> Folder:
    """Make the laboratory in `directory`."""
    with new_ledger(directory) as lab:
        if history:
            take_in(lab, read_drafts(find_importer("ship-two"), history_bytes()))
        lab.record("criterion.declared", criterion("LOSS"))
        lab.record("criterion.declared", criterion("NEVER-MEASURED", metric="bits", unit="bit"))
        about = {"model_a": digest(F16), "model_b": digest(Q4)}
        distance = {"metric": "trace_distance_max", "unit": "ratio", "binding": about}
        lab.record("criterion.declared", criterion("CLOSE", **distance, threshold=1e-3))
        lab.record("claim.stated", {"claim": "H-1", "text": "it will hold", "expires_at": 1})
        for model in (F16, Q4):
            trace(lab, model)
        trace(lab, F16, TOKENS[:3])
        record_comparison(lab, "trace-0001", "trace-0002", threshold=1e-3)
        record_comparison(lab, "trace-0001", "trace-0003", threshold=1e-3)
        record_comparison(lab, "trace-0001", "trace-0001", threshold=1e-3)
        train(lab, "train-0001", 2.5)
        lab.record("note.added", {"text": "tables | pipes * stars"})
        judge(lab, [], actor=HUMAN)
        measure_floor_and_bisect(lab)
        trace(lab, F16, points=("output", "logits"), tensors=True)
        lab.record("constant.declared", UNIFORM)
        write_sections(lab)
        return lab.folder


def write_sections(lab: Ledger) -> None:
    """A published section about a number, a draft, and two next actions, one of them refuted."""
    number = published(lab, "It is [[loss_final of train-0001 | nats]].", "The loss")
    written(lab, "not yet", "A draft")
    _, stated = state_action(lab, "train it longer", number)
    state_action(lab, "measure it again", number)
    shown = lab.query("cells", metric="loss_final").objects()[0]["hash"]
    body = {"entry": stated.hash, "evidence": shown, "reason": "it is low enough"}
    lab.record("entry.refuted", body, cites=(stated.hash, shown))


def measure_floor_and_bisect(lab: Ledger) -> None:
    """A floor between caches of f32 and f16, and a bisection that goes by it."""
    paths = {"a": "engine=numpy", "b": "engine=numpy,kv=f16"}
    record_floor(lab, F16, **paths)
    record_bisection(lab, F16, None, TOKENS, Asked(**paths))


def trace(lab: Ledger, model: Path, tokens: list[int] | None = None, **asked: Any) -> str:
    """Trace a model through the reference; the run's name."""
    more = {"engine": "numpy", "device": "cpu", "kv": "f32"}
    return record_trace(lab, model, tokens or TOKENS, **more, **asked)[0]


def train(lab: Ledger, run: str, loss: object, **changes: object) -> str:
    """A training run with three steps and its final loss; the hash of the measurement."""
    drafts = [
        run_started(run),
        *(step(run, n) for n in range(3)),
        measurement(run, loss, **changes),
    ]
    return lab.append(drafts, actor=EXECUTOR)[-1].hash


def copy_lab(source: Folder, directory: Path) -> Folder:
    """A copy of a laboratory that a test may change."""
    shutil.copytree(source.path, directory / ".ledger")
    for path in (directory / ".ledger").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return open_folder(directory / ".ledger")


def ask(folder: Folder, sql: str, at: int | None = None) -> list[tuple[Any, ...]]:
    """The rows of a statement over the record."""
    with open_reader(folder, at=at) as db:
        return db.execute(sql).fetchall()


def bodies(folder: Folder, kind: str) -> list[dict[str, Any]]:
    """The bodies of all entries of a kind, in order."""
    rows = ask(folder, f"select entry from events where kind = '{kind}' order by position")
    return [json.loads(entry)["body"] for (entry,) in rows]


def tree(path: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of change of every file below a folder."""
    return {
        file.relative_to(path).as_posix(): (digest(file), file.stat().st_mtime_ns)
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def command(where: Path, *words: object, input: bytes = b"", **environment: str):  # noqa: A002
    """The installed script, run in a folder to its end; bytes in and out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return subprocess.run(
        [SCRIPT, *map(str, words)],
        cwd=where,
        env={**kept, "LEDGER_ACTOR": HUMAN, **environment},
        input=input,
        capture_output=True,
        timeout=120,
        check=False,
    )
