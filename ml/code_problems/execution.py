"""One candidate in a limited process: the parent's side of `child.py`.

Limits are of time, processor time, memory, file size, processes and output. Where the kernel allows
it, the process has no network, sees no other processes, and can write nowhere but in a folder of
its own in memory; an outcome says which of these measures held. As root it becomes nobody.

What this cannot stop: the tests run in the candidate's own process. A candidate that set out to
deceive (an answer that claims to equal everything, a search through the harness's memory) could.
"""

import contextlib
import hashlib
import hmac
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, Literal

from attrs import asdict, define, field, frozen

from ml.code_problems.problems import Problem
from ml.containers.base import legible

CHILD: Final = Path(__file__).with_name("child.py")
#: What the child needs to start and to end, beyond the candidate's time.
_GRACE_SECONDS: Final = 10.0
_MOST_SAID: Final = 4096
Result = Literal["passed", "failed", "timed out", "died"]


@frozen(kw_only=True)
class Limits:
    """What a candidate may take."""

    seconds: float = 10.0
    """By the clock."""
    cpu_seconds: int = 10
    memory_bytes: int = 1 << 30
    """Address space."""
    file_bytes: int = 1 << 24
    """Of one file; all files together have 16 MiB where the folder is in memory."""
    processes: int = 64
    open_files: int = 64
    output_bytes: int = 1 << 16
    """Kept of what it prints; the rest is thrown away."""

    @property
    def of_kernel(self) -> dict[str, int]:
        """By the names of `resource`."""
        return {
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
        }


@frozen(kw_only=True)
class Outcome:
    """How it ended."""

    result: Result
    reason: str
    """What was raised, or how the process died; empty where it passed."""
    output: str = field(repr=False)
    """What it printed, the beginning."""
    seconds: float
    measures: tuple[str, ...]
    """Which of "no network", "own processes", "files read-only" held."""


def harness_digest(limits: Limits) -> str:
    """Return the SHA-256 of what decides an outcome: the child's source and the limits, in hex."""
    text = json.dumps(asdict(limits), sort_keys=True).encode()
    return hashlib.sha256(CHILD.read_bytes() + b"\0" + text).hexdigest()


def execute(problem: Problem, program: str, limits: Limits) -> Outcome:
    """Run a program and the tests of its problem."""
    with (
        tempfile.TemporaryDirectory(prefix="candidate-") as folder,
        contextlib.ExitStack() as stack,
    ):
        nonce_out, nonce_in = _pipe(stack)
        proof_out, proof_in = _pipe(stack)
        report_out, report_in = _pipe(stack)
        nonce = os.urandom(32)
        os.write(nonce_in, nonce)
        job = {
            "program": program,
            "test": problem.test,
            "entry_point": problem.entry_point,
            "has_check": problem.has_check,
            "folder": folder,
            "seconds": limits.seconds,
            "limits": limits.of_kernel,
            "nonce_fd": nonce_out,
            "proof_fd": proof_in,
            "report_fd": report_in,
        }
        process = _start(folder, (nonce_out, proof_in, report_in))
        assert process.stdin is not None
        assert process.stdout is not None
        for end in (nonce_out, proof_in, report_in):
            os.close(end)
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(job).encode())
        heard = _Heard(report_out, proof_out, process.stdout.fileno(), limits.output_bytes)
        heard.listen(limits.seconds + _GRACE_SECONDS)
        _end(process)
        return _outcome(heard, hashlib.sha256(b"passed:" + nonce).hexdigest())


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe whose ends are closed with the stack, unless they were before."""
    ends = os.pipe()
    for end in ends:
        stack.callback(_close, end, os.fstat(end).st_ino)
    return ends


def _close(end: int, inode: int) -> None:
    """Close an end of a pipe, if the number still belongs to it."""
    with contextlib.suppress(OSError):
        if os.fstat(end).st_ino == inode:
            os.close(end)


def _start(folder: str, passed: tuple[int, ...]) -> subprocess.Popen[bytes]:
    environment = {
        "HOME": folder,
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "0",  # the order of a set is not the candidate's luck
        "TMPDIR": folder,
    }
    return subprocess.Popen(
        [sys.executable, "-S", "-s", "-P", "-B", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=environment,
        pass_fds=passed,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the process end, or kill it with its whole group."""
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


@define
class _Heard:
    """What came through the pipes, each up to its limit; more is read and thrown away."""

    report: int
    proof: int
    output: int
    output_bytes: int
    texts: dict[int, bytearray] = field(factory=dict)

    def listen(self, seconds: float) -> None:
        """Read until the child has ended, or the time is up."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as watched:
            for end in (self.report, self.proof, self.output):
                os.set_blocking(end, False)
                self.texts[end] = bytearray()
                watched.register(end, selectors.EVENT_READ)
            is_over = False
            while not is_over and (left := deadline - time.monotonic()) > 0:
                for key, _ in watched.select(left):
                    if not self._take(key.fd):
                        watched.unregister(key.fd)
                        is_over = is_over or key.fd == self.report
        for end in (self.proof, self.output):
            for _ in range(64):
                if not self._take(end):
                    break

    def _take(self, end: int) -> bool:
        """Read what is there; False at the end, or where there is nothing."""
        try:
            data = os.read(end, 1 << 16)
        except BlockingIOError:
            return False
        most = self.output_bytes if end == self.output else _MOST_SAID
        self.texts[end] += data[: max(0, most - len(self.texts[end]))]
        return bool(data)

    def text(self, end: int) -> str:
        """What came through one of the pipes."""
        return self.texts[end].decode("utf-8", "replace")


def _outcome(heard: _Heard, proof: str) -> Outcome:
    """Weigh what was heard. Only the proof makes a pass, and only of a process that ended well."""
    try:
        report = json.loads(heard.text(heard.report))
    except ValueError:
        report = {"timed_out": True, "status": None, "seconds": 0.0, "measures": []}
    said = heard.text(heard.proof)
    result: Result = "died"
    reason = f"the process ended with code {report['status']} and no result"
    if report["timed_out"]:
        result, reason = "timed out", "the time was up"
    elif said.startswith("failed:"):
        result, reason = "failed", legible(said.removeprefix("failed:"))
    elif hmac.compare_digest(said.encode(), f"passed:{proof}".encode()) and report["status"] == 0:
        result, reason = "passed", ""
    return Outcome(
        result=result,
        reason=reason,
        output=heard.text(heard.output),
        seconds=float(report["seconds"]),
        measures=tuple(report["measures"]),
    )
