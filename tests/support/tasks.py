"""What the processes of `nursery.py` do. Arguments are texts; the result is an exit code."""

import os
import random
import resource
import time
from pathlib import Path

from ledgers import EXECUTOR, HUMAN, new_recorder, note, run_started, step
from nursery import wait_for

from ledger.clock import SystemClock
from ledger.errors import StoreFailed
from ledger.folder import open_folder
from ledger.journal.lock import WriterLock, shared
from ledger.recorder import Recorder

NOBODY = 65534


def hold_lock(path: str, taken: str, release: str) -> None:
    """Take the lock, say so by a file, and let go when told by another."""
    with WriterLock(Path(path)).hold():
        Path(taken).touch()
        wait_for(Path(release))


def hold_shared(path: str, taken: str, release: str) -> None:
    """Take the lock shared, say so by a file, and let go when told by another."""
    with shared(Path(path)):
        Path(taken).touch()
        wait_for(Path(release))


def write_steps(folder: str, run: str, count: str, segment_bytes: str) -> None:
    """Record `count` steps, one append each."""
    recorder = new_recorder(open_folder(Path(folder)), segment_bytes=int(segment_bytes))
    for number in range(int(count)):
        recorder.append([step(run, number)], actor=EXECUTOR)
    recorder.close()


def write_until_killed(folder: str, name: str, acknowledged: str, segment_bytes: str) -> None:
    """Record for ever: steps, notes, batches. Each hash is written down once append returned."""
    draw = random.Random(name)  # noqa: S311 - a seed, not a secret
    recorder = Recorder(open_folder(Path(folder)), SystemClock(), segment_bytes=int(segment_bytes))
    file = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    number = 0
    while True:
        size = draw.choice((1, 1, 1, 2, 5, 40))
        batch = f"{name}-{number}"
        if draw.random() < 0.2:
            drafts = [note(f"{batch} {index} {size}") for index in range(size)]
            receipts = recorder.append(drafts, actor=HUMAN)
        else:
            drafts = [step(f"{batch}.{size}", index) for index in range(size)]
            receipts = recorder.append(drafts, actor=EXECUTOR)
        os.write(file, "".join(f"{receipt.hash}\n" for receipt in receipts).encode())
        number += 1


def append_and_die(folder: str, calls: str, size: str, segment_bytes: str) -> int:
    """Append a batch of `size` and exit right before file-changing system call number `calls`.

    Exit code 9 where the process "died", 0 where the append came to its end before.
    """
    recorder = new_recorder(open_folder(Path(folder)), segment_bytes=int(segment_bytes))
    left = [int(calls)]

    def counted(function):
        def call(*arguments, **keywords):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return function(*arguments, **keywords)

        return call

    for name in ("open", "write", "rename", "unlink", "ftruncate", "truncate", "chmod", "replace"):
        setattr(os, name, counted(getattr(os, name)))
    recorder.append([step("train-0009", n) for n in range(int(size))], actor=EXECUTOR)
    return 0


def append_half_and_die(folder: str, taken_bytes: str, size: str, segment_bytes: str) -> int:
    """Append a batch of `size`, but the kernel takes only some bytes and the process dies."""
    recorder = new_recorder(open_folder(Path(folder)), segment_bytes=int(segment_bytes))
    write = os.write

    def write_part(descriptor: int, data: bytes) -> int:
        write(descriptor, data[: int(taken_bytes)])
        os._exit(9)

    os.write = write_part
    recorder.append([step("train-0009", n) for n in range(int(size))], actor=EXECUTOR)
    return 1


def append_beyond_limit(folder: str, room: str, size: str) -> int:
    """Append where the file may grow by `room` bytes only, then again without the limit."""
    recorder = new_recorder(open_folder(Path(folder)))
    drafts = [step("train-0009", number) for number in range(int(size))]
    limit = sum(path.stat().st_size for path in Path(folder, "journal").glob("*.log")) + int(room)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        recorder.append(drafts, actor=EXECUTOR)
    except StoreFailed as error:
        said = f"{error}; {error.hint}"
    else:
        return 1
    if "bytes" not in said or "nothing was recorded" not in said:
        return 3
    Path(folder, "after_failure").write_bytes(b"".join(_segments(folder)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    receipts = recorder.append(drafts, actor=EXECUTOR)
    return 0 if receipts[0].stream_version == 0 else 2


def _segments(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(folder, "journal").glob("*.log"))]


def append_as_nobody(folder: str) -> int:
    """Append without the right to write; code 7 for the clear error that is wanted."""
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    try:
        new_recorder(open_folder(Path(folder))).append([note("x")], actor=HUMAN)
    except StoreFailed as error:
        return error.exit_code if error.hint and "ermission" in f"{error} {error.hint}" else 1
    return 0


def append_around_fork(folder: str, count: str) -> int:
    """One Ledger, used on both sides of a fork at the same time."""
    from ledger.ledger import Ledger

    ledger = Ledger(open_folder(Path(folder)), actor=EXECUTOR)
    ledger.append([run_started("train-0001")])
    child = os.fork()
    run = "train-0001" if child else "train-0002"
    for number in range(int(count)):
        ledger.append([step(run, number)])
        time.sleep(0)
    if child == 0:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def hold_database(path: str, taken: str, release: str) -> None:
    """Read the database file as a query does, say so by a file, and let go when told."""
    import duckdb

    with duckdb.connect(path, read_only=True) as db:
        db.execute("select count(*) from events").fetchall()
        Path(taken).touch()
        wait_for(Path(release), 60)


def be_the_one_that_folds(folder: str, taken: str, release: str) -> None:
    """Hold what a rebuild holds, say so by a file, and let go when told."""
    from ledger.store.catch_up import _alone

    with _alone(open_folder(Path(folder))):
        Path(taken).touch()
        wait_for(Path(release), 60)


def catch_up_again_and_again(folder: str) -> None:
    """Fold for ever, in small slices, beginning anew whenever everything is folded."""
    from ledger.store import catch_up, slices

    slices.SLICE_BYTES = 3000
    where = open_folder(Path(folder))
    draw = random.Random(os.getpid())  # noqa: S311 - a seed, not a secret
    while True:
        try:
            catch_up.catch_up(where)
        except catch_up.Busy:
            continue
        if draw.random() < 0.5:
            where.database.unlink(missing_ok=True)


def ask_without_room(folder: str, room: str, answers: str) -> int:
    """Fold and ask while no file may grow beyond `room` bytes; code 7 for the clear error."""
    from ledger.store.catch_up import catch_up
    from ledger.store.reader import open_reader

    where = open_folder(Path(folder))
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), most))
    code = 0
    try:
        catch_up(where)
    except StoreFailed as error:
        code = error.exit_code if error.hint and "space" in error.hint else 1
    with open_reader(where) as db:
        rows = db.execute("select count(*), max(position) from events").fetchall()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    Path(answers).write_text(repr(rows))
    return code


def rebuild_once(folder: str) -> int:
    """Fold, waiting for others that do the same; code 1 where that never came to its end."""
    from ledger.store import catch_up

    where = open_folder(Path(folder))
    return 0 if catch_up.patiently(lambda: catch_up.catch_up(where), 60) else 1


def append_flat_out(folder: str, seconds: str) -> None:
    """Record steps and notes as fast as it goes."""
    recorder = Recorder(open_folder(Path(folder)), SystemClock())
    until = time.monotonic() + float(seconds)
    number = 0
    while time.monotonic() < until:
        recorder.append([step("r-1", number), step("r-1", number + 1)], actor=EXECUTOR)
        number += 2
    recorder.close()


def ask_again_and_again(folder: str, seconds: str, answers: str) -> int:
    """Ask as often as it goes; code 1 where an answer contradicts itself or one before it."""
    from ledger.store.reader import open_reader

    where = open_folder(Path(folder))
    until, before, asked = time.monotonic() + float(seconds), 0, 0
    sql = (
        "select count(*), max(position) + 1, min(position), count(distinct position), "
        "count(*) filter (kind = 'step.taken'), (select count(distinct position) from steps) "
        "from events"
    )
    while time.monotonic() < until:
        with open_reader(where) as db:
            ((count, end, first, distinct, kinds, steps),) = db.execute(sql).fetchall()
        if not (count == end == distinct >= before and first == 0 and kinds == steps):
            Path(answers).write_text(f"{count} {end} {first} {distinct} {before} {kinds} {steps}")
            return 1
        before, asked = count, asked + 1
    Path(answers).write_text(f"{asked} {before}")
    return 0


def ask_as_nobody(folder: str, answers: str) -> int:
    """Count the events without the right to write anything. Python itself may be out of reach."""
    from ledger.store.reader import connect_memory, open_reader

    with connect_memory() as db:
        db.execute("select 1").fetchall()
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    with open_reader(open_folder(Path(folder))) as db:
        rows = db.execute("select count(*), max(position) from events").fetchall()
    Path(answers).write_text(repr(rows))
    return 0
