"""Processes beside the one that audits: one that dies is an error, and none is left over."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checks import Buggy, Deadly, Failing
from ledgers import EXECUTOR, new_ledger, run_started, step

import ledger.audit
from ledger.audit import audit
from ledger.errors import StoreFailed

RANGE = 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three hundred steps: five ranges."""
    with new_ledger(tmp_path_factory.mktemp("steps") / "lab") as lab:
        lab.append([run_started("r-1"), *(step("r-1", n) for n in range(300))], actor=EXECUTOR)
        return lab.folder


def children(pid):
    """The processes that a process started and that are there."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in found]


def add_check(monkeypatch, check):
    """Let the audit ask one check more."""
    monkeypatch.setattr(ledger.audit, "CHECKS", (*ledger.audit.CHECKS, check))


@pytest.mark.parametrize("count", [2, 3, 9])
def test_as_many_as_wanted(folder, count):
    """Any number of processes gives the same answer, and none is left."""
    before = children(os.getpid())
    report = audit(folder, processes=count, range_bytes=RANGE)
    assert report == audit(folder, processes=1)
    assert report.entries == 302
    assert children(os.getpid()) == before


def test_small_ledgers_need_none(folder, monkeypatch):
    """A journal of one range is read by the process itself, whatever was asked for."""
    add_check(monkeypatch, Deadly)
    assert audit(folder, processes=8).exit_code == 0


def test_killed(folder, monkeypatch):
    """A process that is killed is an error that says where it was; it is never `sound`."""
    add_check(monkeypatch, Deadly)
    with pytest.raises(StoreFailed, match=r"was ended by SIGKILL at bytes \d+ to \d+") as caught:
        audit(folder, processes=2, range_bytes=RANGE)
    assert caught.value.exit_code == 7
    assert "--processes 1" in caught.value.hint


def test_error(folder, monkeypatch):
    """What a process cannot do is said as if this process could not."""
    add_check(monkeypatch, Failing)
    with pytest.raises(StoreFailed, match="the disk said no") as caught:
        audit(folder, processes=2, range_bytes=RANGE)
    assert caught.value.hint == "ask it nicely"


def test_bug(folder, monkeypatch, capfd):
    """A fault of the program shows as one, and ends the audit."""
    add_check(monkeypatch, Buggy)
    with pytest.raises(StoreFailed, match="a process of the audit ended at bytes"):
        audit(folder, processes=2, range_bytes=RANGE)
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped(folder, sent, code):
    """Ctrl-C or SIGTERM ends the audit and its processes at once."""
    script = (
        "import ledger.audit, functools, sys; from checks import Slow; "
        "ledger.audit.CHECKS += (Slow,); "
        f"ledger.audit.audit = functools.partial(ledger.audit.audit, range_bytes={RANGE}); "
        "from ledger.cli import main; "
        f"sys.argv[1:] = ['audit', '--processes', '2', '--ledger', {str(folder.path)!r}]; main()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while len(started := children(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)  # until they are at work
    process.send_signal(sent)
    said = process.communicate(timeout=10)[1]
    assert process.returncode == code
    assert b"Traceback" not in said
    assert len(started) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_parent_killed(folder):
    """The processes of an audit that was killed itself end, too."""
    script = (
        "import ledger.audit; from pathlib import Path; from ledger.folder import open_folder\n"
        f"folder = open_folder(Path({str(folder.path)!r}))\n"
        f"while True: ledger.audit.audit(folder, processes=2, range_bytes={RANGE})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    deadline = time.monotonic() + 30
    while len(started := children(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(started) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_script_without_a_guard(folder, tmp_path):
    """A script that audits as it is imported works: the processes do not import it again."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom ledger.audit import audit\n"
        "from ledger.folder import open_folder\n"
        f"report = audit(open_folder(Path({str(folder.path)!r})), processes=2, "
        f"range_bytes={RANGE})\nprint('entries', report.entries)\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("entries 302\n", "", 0)


def test_how_many(folder, capsys):
    """`--processes` takes a count from one on."""
    from ledger.cli import run

    for count, code in (("1", 0), ("2", 0), ("0", 2), ("x", 2)):
        assert run(["audit", "--processes", count, "--ledger", str(folder.path)]) == code
    capsys.readouterr()
