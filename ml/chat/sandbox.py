"""What a chat template can do: Jinja as Hugging Face's `apply_chat_template` sets it up.

Immutable and sandboxed, blocks trimmed, `break` and `continue`, `tojson` that escapes no HTML,
`raise_exception`, and `{% generation %}` around what the model says. There is no clock: a
date is given, or `strftime_now` is not defined, as templates may ask.
"""

import datetime
import json
from collections.abc import Callable
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: The longest text that a multiplication makes.
_MOST_CHARACTERS: Final = 1 << 20


class Generation(Extension):
    """`{% generation %}…{% endgeneration %}`: marks what the model says, and prints it."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own declaration

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The body as it is."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox; multiplication makes no endless text, and there are no powers."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Multiply numbers, and texts or lists to a bounded length."""
        if operator == "**":
            raise SecurityError("there are no powers")
        for many, times in ((left, right), (right, left)):
            long = isinstance(many, (str, list, tuple)) and isinstance(times, int)
            if long and len(many) * times > _MOST_CHARACTERS:
                raise SecurityError(f"{len(many)} times {times} is too long")
        return super().call_binop(context, operator, left, right)


def make_sandbox(date: str | None) -> Sandbox:
    """Return the environment; `date` is what the clock says, `YYYY-MM-DD`, or there is none."""
    environment = Sandbox(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Generation, loopcontrols],
        auto_reload=False,
    )
    environment.filters["tojson"] = to_json
    del environment.filters["random"], environment.globals["lipsum"]  # they are chance
    environment.globals["raise_exception"] = refuse
    if date is not None:  # else a template that asks whether there is a clock finds none
        environment.globals["strftime_now"] = _clock(date)
    return environment


def to_json(
    value: Any,  # noqa: ANN401 - a JSON value
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Return JSON, as Hugging Face's templates have it: no HTML is escaped."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def refuse(message: object) -> str:
    """What a template calls that does not want these messages."""
    raise jinja2.TemplateError(f"the template refuses: {message}")


def _clock(date: str) -> Callable[[str], str]:
    def strftime_now(form: str) -> str:
        return datetime.date.fromisoformat(date).strftime(form)

    return strftime_now
