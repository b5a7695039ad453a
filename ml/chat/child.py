"""The process in which a chat template is rendered: `python -m ml.chat.child`, see `process.py`.

It reads one request from stdin and answers on stdout, both JSON. By then it can open no file, start
no process, and take no more memory and time than it was given.
"""

import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

import jinja2

from ml.chat.sandbox import make_sandbox

#: What Python and Jinja load when they first use it; behind the limits no file can be opened.
_LOADED: Final = ("_strptime", "calendar", "encodings.unicode_escape", "jinja2.debug", "linecache")
_FIRST: Final = (
    "{% macro m(x) %}{{ x | trim | upper }}{% endmacro %}{% set n = namespace(a=1) %}"
    "{% for x in ['\\u00e9'] %}{% if loop.first %}{{ m(x) | tojson(indent=2) }}{% endif %}"
    "{% endfor %}"
    "{{ {'a': 1} | tojson }}{{ {'a': 1}.items() | list | length }}{{ strftime_now('%d %B %Y') }}"
)


class TookTooLong(BaseException):
    """The time is up. No template can catch it."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TookTooLong


def limit(memory_bytes: int, seconds: float) -> None:
    """No more memory and time than this, no file, no other process, no core."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, int(seconds) + 2),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    signal.setitimer(signal.ITIMER_REAL, seconds)


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Render; what went wrong is an answer too, with the line of the template."""
    try:
        template = make_sandbox(request["date"]).from_string(request["source"])
        parts, room = [], int(request["characters"])
        for part in template.generate(**request["names"]):
            parts.append(part)
            room -= len(part)
            if room < 0:
                return _failed(f"its text is longer than {request['characters']} characters", 0)
        text = "".join(parts)
        text.encode()
    except jinja2.TemplateSyntaxError as error:
        return _failed(str(error.message), error.lineno)
    except TookTooLong:
        return _failed(f"it took more than {request['seconds']:g} s", 0)
    except MemoryError:
        return _failed(f"it needs more than {request['memory_bytes'] >> 20} MiB of memory", 0)
    except RecursionError:
        return _failed("it calls itself too deep", 0)
    except Exception as error:  # whatever a template brings about
        return _failed(_said(error), _line(error))
    return {"text": text}


def _said(error: Exception) -> str:
    if isinstance(error, jinja2.UndefinedError) and "strftime_now" in str(error):
        return "the template asks for the date, and none was given"
    return str(error)[:500] or type(error).__name__


def _line(error: BaseException) -> int:
    """The line of the template; 0 where it cannot be told."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _failed(text: str, line: int) -> dict[str, Any]:
    return {"failed": text, "line": line}


def main() -> None:
    """Entry point: one request, one answer."""
    signal.signal(signal.SIGALRM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    for module in _LOADED:
        importlib.import_module(module)
    make_sandbox("2000-01-01").from_string(_FIRST).render()
    request = json.loads(sys.stdin.buffer.read())
    limit(int(request["memory_bytes"]), float(request["seconds"]))
    try:
        data = json.dumps(answer(request)).encode()
    except TookTooLong:
        data = json.dumps(_failed(f"it took more than {request['seconds']:g} s", 0)).encode()
    signal.setitimer(signal.ITIMER_REAL, 0)
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    main()
