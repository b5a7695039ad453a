"""Real child processes, started in a millisecond: one process loads the package, then forks.

The test kills, waits and looks; what the children do is in `tasks.py`. Run as a program, this file
is the forking process: it reads a JSON command a line and answers a JSON line each.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class Nursery:
    """Starts tasks as processes of their own. Use as a context manager; leftovers are killed."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._alive = set()
        return self

    def start(self, task: str, *arguments: object, said: Path | None = None) -> int:
        """Begin `tasks.<task>(*arguments)`, or `<module>.<task>`, in a new process; its pid.

        What it writes to stderr goes to the file `said`; else to where the test's goes.
        """
        words = [str(argument) for argument in arguments]
        pid = self._ask({"task": task, "arguments": words, "said": str(said or "")})
        self._alive.add(pid)
        return pid

    def wait(self, pid: int) -> int:
        """Wait for the end of a task: its exit code, or minus the signal that killed it."""
        code = self._ask({"wait": pid})
        self._alive.discard(pid)
        return code

    def run(self, task: str, *arguments: object) -> int:
        """Begin a task and wait for its end."""
        return self.wait(self.start(task, *arguments))

    def kill(self, pid: int) -> int:
        """`kill -9`, and wait until the process is gone: -9, or the code it had ended with."""
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def _ask(self, command: dict) -> int:
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __exit__(self, *_):
        for pid in tuple(self._alive):
            self.kill(pid)
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def wait_for(path: Path, seconds: float = 20.0) -> None:
    """Wait until a child has made `path`."""
    until = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > until:
            raise TimeoutError(f"no {path.name} after {seconds} s")
        time.sleep(0.001)


def _serve() -> None:
    import lasting  # noqa: F401 - loaded once, not in every child
    import tasks  # noqa: F401

    for text in sys.stdin:
        command = json.loads(text)
        if "wait" in command:
            _, status = os.waitpid(command["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                module, _, name = command["task"].rpartition(".")
                task = getattr(sys.modules[module or "tasks"], name)
                _become(task, command["arguments"], command["said"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _become(task, arguments: list[str], said: str) -> None:
    """Run the task and end without the parent's clean-up. An error goes to stderr, code 70."""
    null = os.open(os.devnull, os.O_RDWR)
    if said:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.dup2(null, 0)
    os.dup2(null, 1)
    code = 70
    try:
        code = task(*arguments) or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
