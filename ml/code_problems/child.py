"""The program that runs one candidate with its tests, given as JSON on stdin: `python child.py`.

It needs the standard library alone, and shares no code with the rest. Two processes: the outer one
cuts itself off (no network, own processes, a file system that can only be read, where the kernel
lets it), starts the inner one, kills it when its time is up, and says how it ended. The inner one
gives up its rights, sets limits, and runs the candidate and then the tests.

That the tests passed is proved by a number which the inner process reads from a pipe only once they
have ended. What a candidate prints proves nothing, and neither does ending early with code 0.
"""

import builtins
import contextlib
import ctypes
import hashlib
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

_NEWNS, _NEWUSER, _NEWPID, _NEWNET, _NEWIPC = (
    0x20000, 0x10000000, 0x20000000, 0x40000000, 0x8000000,
)  # fmt: skip
_MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV = 0x4000, 1 << 18, 2, 4
_MOUNT_SETATTR, _RDONLY, _RECURSIVE, _AT_FDCWD = 442, 1, 0x8000, -100
_NO_NEW_PRIVILEGES, _PARENT_DEATH, _SUBREAPER, _KEEP_RIGHTS = 38, 1, 36, 8
_READ_FILES = 1 << 2  # CAP_DAC_READ_SEARCH
_NOBODY = 65534
_REASON_CHARACTERS = 500

_libc = ctypes.CDLL(None, use_errno=True)
Job = dict[str, Any]


def main() -> None:
    """Run the job of stdin."""
    job = json.loads(sys.stdin.buffer.read())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    measures = cut_off(job)
    began = time.monotonic()
    inner = os.fork()
    if inner == 0:
        os.close(job["report_fd"])
        run_inner(job)
    os.close(job["nonce_fd"])
    os.close(job["proof_fd"])
    timed_out, status = wait_for(inner, job["seconds"])
    report = {
        "timed_out": timed_out,
        "status": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - began,
        "measures": measures,
    }
    end_others()
    os.write(job["report_fd"], json.dumps(report).encode())


def cut_off(job: Job) -> list[str]:
    """Cut this process and its children off; return which measures the kernel allowed."""
    everything = _NEWNS | _NEWPID | _NEWNET | _NEWIPC
    user, group = os.geteuid(), os.getegid()
    # Root may lack the right all the same, in a container; then as any user does it.
    ways = [0, _NEWUSER] if user == 0 else [_NEWUSER]
    way = next((way for way in ways if _libc.unshare(way | everything) == 0), None)
    if way is None:
        return ["no network"] if _libc.unshare(_NEWNET) == 0 else []
    if way:
        map_user(user, group)
    read_only = ["files read-only"] if make_read_only(job["folder"]) else []
    return ["no network", "own processes", *read_only]


def map_user(user: int, group: int) -> None:
    """Keep the user's own number in the new user namespace."""
    for name, text in (
        ("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1"),
    ):  # fmt: skip
        with contextlib.suppress(OSError), Path(f"/proc/self/{name}").open("w") as file:
            file.write(text)


def make_read_only(folder: str) -> bool:
    """Make every mounted file system read-only, and the folder a small one in memory."""
    if _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None) != 0:
        return False
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attributes = (ctypes.c_uint64 * 4)(_RDONLY, 0, 0, 0)
    if _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, b"/", _RECURSIVE, attributes, 32) != 0:
        return False
    options = b"size=16m,nr_inodes=4096,mode=1777"
    flags = _MS_NOSUID | _MS_NODEV
    return bool(_libc.mount(b"tmpfs", folder.encode(), b"tmpfs", flags, options) == 0)


def wait_for(inner: int, seconds: float) -> tuple[bool, int]:
    """Wait for the inner process, or kill it; return whether its time was up, and its status."""
    watched = select.poll()
    watched.register(os.pidfd_open(inner), select.POLLIN)
    timed_out = not watched.poll(seconds * 1000)
    if timed_out:
        os.kill(inner, signal.SIGKILL)
    return timed_out, os.waitpid(inner, 0)[1]


def end_others() -> None:
    """Kill what the inner process left behind: without namespaces it could have slipped away."""
    for _ in range(200):
        try:
            for left in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(left), signal.SIGKILL)
            os.waitpid(-1, 0)
        except OSError:
            return


def run_inner(job: Job) -> None:
    """Set limits, run candidate and tests, and say how that ended. Never returns."""
    _libc.prctl(_PARENT_DEATH, int(signal.SIGKILL), 0, 0, 0)
    os.setpgid(0, 0)
    os.chdir(job["folder"])
    give_up_rights(job["folder"])
    for name, amount in job["limits"].items():
        _, most = resource.getrlimit(getattr(resource, name))
        amount = amount if most == resource.RLIM_INFINITY else min(amount, most)
        resource.setrlimit(getattr(resource, name), (amount, amount))
    read, write, digest, leave = os.read, os.write, hashlib.sha256, os._exit
    nonce_fd, proof_fd, whoami, me = job["nonce_fd"], job["proof_fd"], os.getpid, os.getpid()
    reason = judge(job)
    if whoami() != me:
        leave(0)  # a fork of the candidate's came out here too
    if reason is None:
        write(proof_fd, b"passed:" + digest(b"passed:" + read(nonce_fd, 64)).hexdigest().encode())
    else:
        write(proof_fd, b"failed:" + reason.encode("utf-8", "replace"))
    leave(0)


def give_up_rights(folder: str) -> None:
    """Become nobody where this is root, and gain no rights later.

    A limit of processes does not count for root. Where nobody could not read Python's own library,
    the right to read files is kept, and no other.
    """
    _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.geteuid() != 0:
        return
    kept = 0 if is_readable_by_all(Path(os.__file__).resolve()) else _READ_FILES
    with contextlib.suppress(OSError):
        os.chown(folder, _NOBODY, _NOBODY)
    _libc.prctl(_KEEP_RIGHTS, 1, 0, 0, 0)
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:
        return  # a root of a namespace, or without the right: it has none to give up
    # struct cap_user_header: version 3, this process; twice effective, permitted, inheritable.
    header, rights = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(kept, kept)
    _libc.capset(header, rights)
    _libc.prctl(_PARENT_DEATH, int(signal.SIGKILL), 0, 0, 0)  # forgotten when the user changes


def is_readable_by_all(path: Path) -> bool:
    """Whether anybody may read a file, and search the folders on the way to it."""
    may_search = all(folder.stat().st_mode & 0o001 for folder in path.parents)
    return may_search and bool(path.stat().st_mode & 0o004)


def judge(job: Job) -> str | None:
    """Run the candidate, then its tests; return why they failed, None where all passed."""
    # Bound before the candidate runs: it may put anything in their place.
    run, build, mended = exec, compile, dict(vars(builtins))
    namespace: dict[str, Any] = {"__name__": "candidate"}
    try:
        run(build(job["program"], "candidate.py", "exec"), namespace)
        vars(builtins).update(mended)
        candidate = namespace.get(job["entry_point"])
        if not callable(candidate):
            return f"{job['entry_point']} is not defined"
        namespace.pop("check", None)
        run(build(job["test"], "test.py", "exec"), namespace)
        vars(builtins).update(mended)
        if job["has_check"]:
            namespace["check"](candidate)
    except BaseException as error:  # whatever a candidate raises is its failure
        return describe(error)
    return None


def describe(error: BaseException) -> str:
    """Name and message of an error that a candidate raised; its message may raise again."""
    try:
        text = str(error)
    except BaseException:  # as above
        text = "?"
    return f"{type(error).__name__}: {text}"[:_REASON_CHARACTERS]


if __name__ == "__main__":
    main()
