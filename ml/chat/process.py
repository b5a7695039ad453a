"""Rendering in a child process, which the limits hold for: one process a rendering."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from ml.errors import ChatFailed

#: What the loader and Python need; nothing else of the environment reaches the child.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT")
#: To start, and to say so itself once its time is up.
_GRACE_SECONDS: Final = 30.0
_HINT: Final = "give the text as a prompt, or another --template of the file"


@frozen(kw_only=True)
class Limits:
    """What a rendering may take; `memory_bytes` is the address space of the process."""

    seconds: float = 5.0
    memory_bytes: int = 512 << 20
    characters: int = 4 << 20
    date: str | None = None
    """What the template's clock says, `YYYY-MM-DD`; None: it has none."""


def render(source: str, names: Mapping[str, Any], limits: Limits) -> str:
    """Return the text of a template. Raises `ChatFailed`."""
    request = {
        "source": source,
        "names": names,
        "date": limits.date,
        "seconds": limits.seconds,
        "memory_bytes": limits.memory_bytes,
        "characters": limits.characters,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ml.chat.child"],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=limits.seconds + _GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChatFailed(
            f"the chat template took more than {limits.seconds:g} s", hint=_HINT
        ) from None
    return _read(done)


def _read(done: "subprocess.CompletedProcess[bytes]") -> str:
    """Return the text that the child answered with. Raises `ChatFailed`."""
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise ChatFailed(
            f"the process of the chat template ended with {done.returncode}: it took too much",
            hint=_HINT,
        ) from None
    if "failed" in answer:
        where = f", line {answer['line']}" if answer["line"] else ""
        raise ChatFailed(f"chat template{where}: {answer['failed']}", hint=_HINT)
    return str(answer["text"])


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LC_ALL": "C", "TZ": "UTC"}
