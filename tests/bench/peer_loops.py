"""What other people's programs do with the same steps, and what of it is left after `kill -9`.

`python peer_loops.py NAME log FOLDER STEPS TIMES` takes the steps with the peer and is killed right
after its last call returned; `… end FOLDER STEPS` ends the peer's run as its guide says instead;
`… read FOLDER` prints how many steps the peer's own reader finds. Runs in the environment of the
peers, which need not have the ledger. Each peer is used as its guide shows it, with its extras
(system metrics, console capture) switched off.
"""

import importlib.metadata
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Logs one step; ends the run.
Peer = tuple[Callable[[int, dict[str, float]], Any], Callable[[], Any]]
PROJECT = "bench"


def trackio_log(folder: Path) -> Peer:
    """A local project."""
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    trackio.init(project=PROJECT, embed=False, auto_log_gpu=False, auto_log_cpu=False)
    return lambda number, metrics: trackio.log(metrics, step=number), trackio.finish


def trackio_read(folder: Path) -> int:
    """Steps in its database."""
    os.environ["TRACKIO_DIR"] = str(folder)
    from trackio.sqlite_storage import SQLiteStorage

    runs = SQLiteStorage.get_runs(PROJECT)
    return sum(len(SQLiteStorage.get_logs(PROJECT, run)) for run in runs)


def wandb_log(folder: Path) -> Peer:
    """An offline run."""
    import wandb

    settings = wandb.Settings(console="off", x_disable_stats=True, silent=True)
    run = wandb.init(mode="offline", dir=folder, project=PROJECT, settings=settings)
    return lambda number, metrics: run.log(metrics, step=number), run.finish


def wandb_read(folder: Path) -> int:
    """Steps among the records of the run's file: LevelDB's log format around its own messages."""
    from wandb.proto.wandb_internal_pb2 import Record

    steps = set()
    for file in folder.glob("wandb/offline-run-*/*.wandb"):
        for data in _leveldb_records(file.read_bytes()):
            record = Record.FromString(data)
            names = {item.key or item.nested_key[0] for item in record.history.item}
            if "loss" in names:
                steps.add(record.history.step.num)
    return len(steps)


def _leveldb_records(data: bytes) -> list[bytes]:
    """Whole records: blocks of 32 KiB, a header of 7 bytes each part; the file has one more."""
    records, parts, at, block = [], b"", 7, 32768
    while at + 7 <= len(data):
        room = block - at % block
        if room < 7:
            at += room
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        body = data[at + 7 : at + 7 + length]
        if kind == 0 or len(body) < length:
            break
        parts = body if kind in (1, 2) else parts + body
        if kind in (1, 4):
            records.append(parts)
        at += 7 + length
    return records


def tensorboard_log(folder: Path) -> Peer:
    """An event file, all metrics of a step in one event: the cheapest way it has."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))

    def log(number: int, metrics: dict[str, float]) -> None:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
        writer.add_event(Event(step=number, summary=Summary(value=values)))

    return log, writer.close


def tensorboard_read(folder: Path) -> int:
    """Events with a summary."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    files = folder.glob("events.out.tfevents.*")
    events = (event for file in files for event in EventFileLoader(str(file)).Load())
    return sum(event.HasField("summary") for event in events)


def aim_log(folder: Path) -> Peer:
    """A local repository."""
    from aim import Run

    run = Run(repo=str(folder), system_tracking_interval=None, capture_terminal_logs=False)
    return lambda number, metrics: run.track(metrics, step=number), run.close


def aim_read(folder: Path) -> int:
    """Values of the loss. A run that was killed is opened to be resumed: that recovers it."""
    from aim import Repo, Run

    repo, count = Repo(str(folder)), 0
    for name in repo.list_all_runs():
        quiet = {"system_tracking_interval": None, "capture_terminal_logs": False}
        run = Run(name, repo=repo, force_resume=True, **quiet)
        count += sum(len(m.values.sparse_list()[0]) for m in run.metrics() if m.name == "loss")
        run.close()
    return count


def mlflow_log(folder: Path, *, synchronous: bool = True) -> Peer:
    """A local SQLite store."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.start_run()

    def log(number: int, metrics: dict[str, float]) -> None:
        mlflow.log_metrics(metrics, step=number, synchronous=synchronous)

    def end() -> None:
        if not synchronous:
            mlflow.flush_async_logging()
        mlflow.end_run()

    return log, end


def mlflow_async_log(folder: Path) -> Peer:
    """The same, asynchronous."""
    return mlflow_log(folder, synchronous=False)


def mlflow_read(folder: Path) -> int:
    """Steps that have a loss."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = [run.info.run_id for run in client.search_runs(experiments)]
    return len({m.step for run in runs for m in client.get_metric_history(run, "loss")})


#: Distribution, how it logs, how it is read, and the most steps worth waiting for.
PEERS: dict[str, tuple[str, Callable[[Path], Peer], Callable[[Path], int], int]] = {
    "Trackio": ("trackio", trackio_log, trackio_read, 100_000),
    "W&B offline": ("wandb", wandb_log, wandb_read, 100_000),
    "TensorBoard": ("tensorboard", tensorboard_log, tensorboard_read, 100_000),
    "Aim": ("aim", aim_log, aim_read, 100_000),
    "MLflow": ("mlflow", mlflow_log, mlflow_read, 1_000),
    "MLflow async": ("mlflow", mlflow_async_log, mlflow_read, 1_000),
}


def main(name: str, task: str, folder: str, *more: str) -> None:
    """Log until killed or to the end, or print how many steps are left, or what is installed."""
    distribution, begin, read, _ = PEERS[name]
    if task == "version":
        print(importlib.metadata.version(distribution))
        return
    if task == "read":
        print(f"left: {read(Path(folder))}")
        return
    from training import flat_out, metrics_of

    log, end = begin(Path(folder))
    if task == "log":
        flat_out(log, int(more[0]), Path(more[1]))
    for number in range(int(more[0])):
        log(number, metrics_of(number))
    end()


if __name__ == "__main__":
    main(*sys.argv[1:])
