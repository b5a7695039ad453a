"""The process in which templates are rendered: `python -m ledger.render.child`, see `process.py`.

It reads requests from stdin and answers on stdout, each with its length before it. Requests come
from this program and are pickled; answers are JSON, because a template may have a hand in them. It
has no file and no database: what a template asks of the record is asked of the parent, by name.
"""

import codecs
import importlib
import json
import os
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any, Final

import jinja2

from ledger.render.facts import read_facts
from ledger.render.sandbox import Called, Sandbox, make_sandbox

#: What Python and Jinja load when they first use it; once the limits stand, no file can be opened.
_LOADED: Final = (
    "_strptime", "base64", "calendar", "jinja2.debug", "linecache", "numbers", "stringprep",
    "textwrap", "traceback", "urllib.parse", "uuid",
)  # fmt: skip
_CODECS: Final = ("ascii", "latin-1", "unicode-escape", "utf-8")
#: Uses what most templates use, so that it is all there before the limits are.
_FIRST: Final = """{% macro m(x) %}{{ x | upper }}{% endmacro %}{% set n = namespace(a=1) %}
{% for x in range(2) %}{{ m("\\u00e9") ~ loop.index }}{% endfor %}{% assert n.a == 1, "so" %}
{{ [{"a": 1}] | groupby("a") | length }}{{ [1, 2] | sort | join(",") }}{{ {"a": 1} | tojson }}
{{ "a b" | wordwrap(10) | trim | title | replace("a", "b") }}{{ "%s" | format(1) }}
"""
#: What a template can say to a function of the parent's, in bytes.
_MOST_ASKED: Final = 1024**2
_LENGTH: Final = struct.Struct(">Q")
#: So many compiled templates are kept; a document with a page a row is compiled once.
_KEPT: Final = 64


class TookTooLong(BaseException):
    """The time of a request is up. No template can catch it."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TookTooLong


def read_frame() -> bytes:
    """One request. Raises `EOFError` once the parent is gone."""
    (length,) = _LENGTH.unpack(_read(_LENGTH.size))
    return _read(length)


def _read(size: int) -> bytes:
    parts, left = [], size
    while left:
        part = os.read(0, min(left, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def send(answer: Mapping[str, Any], most: int | None = None) -> None:
    """Write one answer, of at most so many bytes. Raises `UnicodeEncodeError`, `ValueError`."""
    data = json.dumps(answer, ensure_ascii=False, default=str).encode()
    if most is not None and len(data) > most:
        raise ValueError(f"what is asked is longer than {most} bytes")
    frame = memoryview(_LENGTH.pack(len(data)) + data)
    while frame:
        frame = frame[os.write(1, frame) :]


def limit(memory_bytes: int) -> None:
    """No more memory than this, no file, no other process, no core."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


class Renderer:
    """The sandbox with what can be included, and what was compiled."""

    def __init__(self, sources: Mapping[str, tuple[str, int]], *, is_html: bool) -> None:
        self._offsets = {name: offset for name, (_, offset) in sources.items()}
        self._sandbox: Sandbox = make_sandbox({name: body for name, (body, _) in sources.items()})
        self._sandbox.autoescape = is_html
        self._compiled: dict[tuple[str, str], jinja2.Template] = {}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Render, or look at, one template; what went wrong is an answer too."""
        try:
            signal.setitimer(signal.ITIMER_REAL, request["seconds"])
            if request["what"] == "facts":
                return {"facts": read_facts(self._sandbox, request["body"])}
            return {"text": self._render(request)}
        except jinja2.TemplateSyntaxError as error:
            where = error.name if error.name in self._offsets else None
            return _failure(where, error.lineno, self._offset(where, request), str(error.message))
        except BaseException as error:  # whatever a template brings about
            name, line = _place(error.__traceback__)
            where = name if name in self._offsets else None
            text = _said(error, request)
            return _failure(where, line, self._offset(where, request), text)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _offset(self, where: str | None, request: Mapping[str, Any]) -> int:
        return int(request["offset"]) if where is None else self._offsets[where]

    def _render(self, request: Mapping[str, Any]) -> str:
        key = (request["name"], request["body"])
        template = self._compiled.get(key)
        if template is None:
            if len(self._compiled) >= _KEPT:
                self._compiled.clear()
            template = self._compiled[key] = self._sandbox.from_string(request["body"])
        names = {**request["names"], **{name: _remote(name) for name in request["calls"]}}
        parts, room = [], request["characters"]
        # Not `generate`: it would put the template's lines over ours before they can be read.
        for part in template.root_render_func(template.new_context(names)):
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise jinja2.TemplateRuntimeError(
                    f"a page has at most {request['characters']} characters"
                )
        text = "".join(parts)
        text.encode()
        return text


def _said(error: BaseException, request: Mapping[str, Any]) -> str:
    """What went wrong, for a person."""
    if isinstance(error, TookTooLong):
        return f"it took more than {request['seconds']:g} s"
    if isinstance(error, MemoryError):
        return f"it needs more than {request['memory_bytes'] >> 20} MiB of memory"
    if isinstance(error, RecursionError):
        return "it calls or includes itself too deep"
    if isinstance(error, UnicodeEncodeError):
        return "its text has half a character (a lone surrogate)"
    if isinstance(error, jinja2.TemplateNotFound):
        return f"there is no template {error.name!r} to extend, include or import"
    return str(error)[:500] or type(error).__name__


def _place(trace: TracebackType | None) -> tuple[str | None, int]:
    """Template (None: the one asked for) and line of the innermost frame of a template."""
    name, line = None, 0
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, jinja2.Template):
            name, line = template.name, template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return name, line


def _failure(name: str | None, line: int | None, offset: int, text: str) -> dict[str, Any]:
    return {"failed": text, "template": name, "line": (line or 0) + offset}


def _remote(name: str) -> Called:
    """A function of the parent's."""

    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - a JSON value
        send({"call": name, "args": args, "kwargs": kwargs}, _MOST_ASKED)
        answer = pickle.loads(read_frame())  # noqa: S301 - from the parent
        if "error" in answer:
            raise jinja2.TemplateRuntimeError(answer["error"])
        return answer["value"]

    return Called(call, name)


def main() -> None:
    """Entry point of the child: its limits and sources first, then requests until stdin ends."""
    signal.signal(signal.SIGALRM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    for module in _LOADED:
        importlib.import_module(module)
    for codec in _CODECS:
        codecs.lookup(codec)
    make_sandbox({}).from_string(_FIRST).render()
    start = pickle.loads(read_frame())  # noqa: S301 - from the parent
    renderer = Renderer(start["sources"], is_html=start["is_html"])
    limit(start["memory_bytes"])
    while True:
        try:
            request = pickle.loads(read_frame())  # noqa: S301 - from the parent
        except EOFError:
            return
        answer = renderer.answer({**request, "memory_bytes": start["memory_bytes"]})
        try:
            send(answer)
        except MemoryError:
            send({"failed": "it needs too much memory", "template": None, "line": 0})


if __name__ == "__main__":
    sys.setrecursionlimit(1000)
    main()
