"""Templates are hostile input: they are rendered in a process of its own, with limits.

One process renders many documents. It has no file, no database and no environment; the functions of
a page that need the record (`cell`, `cite`, `footnotes`) are asked of this process, by name. A
template that breaks a limit is an error with file and line; where the process cannot say so itself,
it is killed, and the next page starts another.
"""

import contextlib
import functools
import json
import os
import pickle
import selectors
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import jinja2

from ledger.errors import BadArguments, LedgerError, StoreFailed, TemplateFailed
from ledger.render.base import TEMPLATES, Template, split_front

#: What the loader and Python need; nothing else of the environment reaches the child.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT")
_LENGTH: Final = struct.Struct(">Q")
#: What the child has to say so itself once its time is up.
_GRACE_SECONDS: Final = 2.0
_START_SECONDS: Final = 60.0
#: Template (None: the one asked for) → its body and the lines before it.
Sources = Mapping[str, tuple[str, int]]
#: How our own templates are called where others extend, include or import them.
OURS: Final = "ledger/"
_FAILURES: Final = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    BadArguments,
    TemplateFailed,
)


@attrs.frozen(slots=True, kw_only=True)
class Limits:
    """What one page may take: `seconds` to compute, `asking_seconds` for all that it asks.

    `memory_bytes` is the address space of the process, `calls` how often a page asks.
    """

    seconds: float = 10.0
    asking_seconds: float = 60.0
    memory_bytes: int = 1024**3
    characters: int = 64 * 1024**2
    calls: int = 200_000


class Late(Exception):
    """The child did not answer in time."""


class Renderer:
    """Renders templates in a child process, which is started when it is first needed."""

    def __init__(
        self,
        sources: Sources | None = None,
        limits: Limits | None = None,
        python: str = sys.executable,
        *,
        is_html: bool = False,
    ) -> None:
        """`is_html` escapes whatever a template prints: what is on record may be a stranger's."""
        self.sources = read_parts() if sources is None else sources
        self._limits = limits or Limits()
        self._python = python
        self._is_html = is_html
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.RLock()

    def render(self, template: Template, names: Mapping[str, Any]) -> str:
        """The text of a template that sees these names. Raises `TemplateFailed`."""
        calls = {name: value for name, value in names.items() if callable(value)}
        values = {name: value for name, value in names.items() if name not in calls}
        return str(self._ask("text", template, values, calls)["text"])

    def facts(self, template: Template) -> dict[str, list[dict[str, Any]]]:
        """What stands in a template, see `ledger.render.facts`. Raises `TemplateFailed`."""
        found: dict[str, list[dict[str, Any]]] = self._ask("facts", template, {}, {})["facts"]
        return found

    def start(self) -> None:
        """Start the child, if it is not there; it gets ready while others work."""
        with self._lock:
            if (
                self._child is not None
                and self._child.poll() is None
                and self._owner == os.getpid()
            ):
                return
            self._child = subprocess.Popen(
                [self._python, "-P", "-m", "ledger.render.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
            )
            self._owner = os.getpid()
            weakref.finalize(self, _end, self._child, self._owner)
            self._write(
                {
                    "sources": self.sources,
                    "memory_bytes": self._limits.memory_bytes,
                    "is_html": self._is_html,
                }
            )

    def stop(self) -> None:
        """End the child; the next page starts another."""
        with self._lock:
            if self._child is not None:
                _end(self._child, self._owner)
            self._child = None

    def _ask(
        self,
        what: str,
        template: Template,
        values: Mapping[str, Any],
        calls: Mapping[str, Callable[..., Any]],
    ) -> dict[str, Any]:
        request = {
            "what": what,
            "name": template.name,
            "body": template.body,
            "offset": template.body_line,
            "names": values,
            "calls": sorted(calls),
            "seconds": self._limits.seconds,
            "characters": self._limits.characters,
        }
        with self._lock:
            self.start()
            try:
                self._write(request)
                answer = self._listen(calls)
            except Late as error:
                self.stop()
                raise _failed(template.name, 0, str(error)) from error
            except RecursionError as error:
                self.stop()
                raise _failed(template.name, 0, "it asks for something too deep") from error
            except (EOFError, BrokenPipeError, ValueError) as error:
                raise self._died(template) from error
            except BaseException:
                self.stop()  # it waits for an answer that will not come
                raise
        if "failed" in answer:
            name = str(answer["template"] or template.name)
            raise _failed(name, int(answer["line"]), str(answer["failed"]))
        return answer

    def _listen(self, calls: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
        """The child's answer; what it asks on the way is answered."""
        left, asking, asked = self._limits.seconds, 0.0, 0
        while True:
            began = time.monotonic()
            answer = self._read(left + _GRACE_SECONDS)
            left -= time.monotonic() - began
            if left < -_GRACE_SECONDS:
                raise Late(f"it took more than {self._limits.seconds:g} s")
            if "call" not in answer:
                return answer
            asked += 1
            began = time.monotonic()
            self._write(_call(calls, answer))
            asking += time.monotonic() - began
            if asked > self._limits.calls:
                raise Late(f"it asks for more than {self._limits.calls} things")
            if asking > self._limits.asking_seconds:
                raise Late(f"what it asks for took more than {self._limits.asking_seconds:g} s")

    def _write(self, message: Mapping[str, Any]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        data = pickle.dumps(message, protocol=5)
        self._child.stdin.write(_LENGTH.pack(len(data)) + data)
        self._child.stdin.flush()

    def _read(self, seconds: float) -> dict[str, Any]:
        """One answer. Raises `Late`, `EOFError`, `ValueError` for what is no answer."""
        until = time.monotonic() + seconds
        (length,) = _LENGTH.unpack(self._read_bytes(_LENGTH.size, until))
        if length > 8 * self._limits.characters:
            raise Late(f"a page has at most {self._limits.characters} characters")
        answer = json.loads(self._read_bytes(length, until))
        if not isinstance(answer, dict) or not {"call", "failed", "text", "facts"} & set(answer):
            raise ValueError("no answer")
        return answer

    def _read_bytes(self, size: int, until: float) -> bytes:
        assert self._child is not None
        assert self._child.stdout is not None
        place = self._child.stdout.fileno()
        parts: list[bytes] = []
        with selectors.DefaultSelector() as ready:
            ready.register(place, selectors.EVENT_READ)
            while size:
                if not ready.select(max(0.0, until - time.monotonic())):
                    raise Late(f"it took more than {self._limits.seconds:g} s")
                part = os.read(place, min(size, 1 << 20))
                if not part:
                    raise EOFError
                parts.append(part)
                size -= len(part)
        return b"".join(parts)

    def _died(self, template: Template) -> LedgerError:
        """What to say where the child is gone."""
        child = self._child
        self.stop()
        code = child.wait() if child is not None else 0
        if code < 0 or code == 1:
            return _failed(
                template.name, 0, f"its process ended ({code}): too much memory, or worse"
            )
        return StoreFailed(
            f"the process that renders ended with {code}",
            hint="this is a fault of the program, not of the template",
        )


@functools.cache
def shared_renderer() -> Renderer:
    """The renderer of this process for whoever brings none: our own parts, the usual limits."""
    return Renderer()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LC_ALL": "C", "TZ": "UTC"}


def _end(child: "subprocess.Popen[bytes]", owner: int) -> None:
    """Kill a child of this process; one of another (after a fork) is not ours to end."""
    if owner != os.getpid():
        return
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _call(calls: Mapping[str, Callable[..., Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one call of the child's: a value or what went wrong."""
    try:
        function = calls[str(asked["call"])]
        return {"value": function(*asked["args"], **asked["kwargs"])}
    except _FAILURES as error:
        return {"error": str(error) or type(error).__name__}


def _failed(name: str, line: int, text: str) -> TemplateFailed:
    where = f"{name}, line {line}" if line else name
    return TemplateFailed(f"{where}: {text}", hint="mend the template or its queries")


def read_parts(root: Path = TEMPLATES, prefix: str = OURS) -> dict[str, tuple[str, int]]:
    """All templates and parts below `root` by name, front matter taken off, with its lines.

    Raises `TemplateFailed`.
    """
    found = {}
    try:
        for path in sorted(root.rglob("*")):
            if path.suffix in (".j2", ".jinja") and path.is_file():
                name = prefix + path.relative_to(root).as_posix()
                found[name] = split_front(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateFailed(
            f"cannot read a template: {error}", hint="templates are text in UTF-8"
        ) from error
    return found
