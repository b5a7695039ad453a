"""What a template can do: Jinja, sandboxed and strict, without clock, chance, environment, files.

It is run in a process of its own (`ledger.render.child`), so this module imports nothing of the
record. Numbers multiply, texts do not; `range` is short; nothing prints where it lies in memory;
`{% assert EXPR, "message" %}` stops a rendering with file and line.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.filters import FILTERS
from jinja2.parser import Parser
from jinja2.runtime import BlockReference, Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from ledger.render.formats import FUNCTIONS

#: The longest `range`.
MOST_RANGE: Final = 10_000
#: The widest text that `center`, `indent` and `wordwrap` make.
_MOST_WIDTH: Final = 1_000
#: What templates may not have: chance, places in memory, and attributes by computed names.
_NO_FILTERS: Final = ("attr", "pprint", "random", "urlize", "xmlattr")
_WIDTHS: Final = ("batch", "center", "indent", "slice", "truncate", "wordwrap")
#: Methods of texts that make long texts of short ones.
_NO_METHODS: Final = ("center", "encode", "expandtabs", "ljust", "rjust", "translate", "zfill")
#: Names that every template has besides its queries and `FUNCTIONS`.
MORE_FUNCTIONS: Final = ("range", "namespace")


class Called:
    """A function as templates see it: it can be called, and prints the same everywhere."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function = function
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call it."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<function {self._name}>"


class Assert(Extension):
    """`{% assert EXPR, "message" %}`: where the expression is not true, rendering ends with it."""

    tags = {"assert"}  # noqa: RUF012 - Jinja's own declaration

    def parse(self, parser: Parser) -> nodes.Node:
        """The tag as `if not EXPR: fail`."""
        line = next(parser.stream).lineno
        test = parser.parse_expression()
        message: nodes.Expr = nodes.Const("this does not hold")
        if parser.stream.skip_if("comma"):
            message = parser.parse_expression()
        fail = nodes.ExprStmt(self.call_method("fail", [message], lineno=line), lineno=line)
        return nodes.If(nodes.Not(test, lineno=line), [fail], [], [], lineno=line)

    def fail(self, message: object) -> None:
        """End the rendering."""
        raise jinja2.TemplateRuntimeError(f"assert: {message}")


class Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox, in which an expression cannot be made to fill the memory or run for ever."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Multiply numbers, not texts; no powers."""
        numbers = all(isinstance(value, (int, float)) for value in (left, right))
        if operator == "**" or not numbers or max(abs(left), abs(right)) > 2**64:
            raise SecurityError(f"{operator} is for numbers of a usual size")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401
        """A column before a method of the same name; methods print the same everywhere."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return _printable(super().getattr(obj, attribute), attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401
        """Likewise."""
        return _printable(super().getitem(obj, argument), str(argument))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401
        """Nothing of a class or a function, and no method that pads."""
        if isinstance(obj, str) and attr in _NO_METHODS:
            return False
        return not isinstance(obj, Called) and super().is_safe_attribute(obj, attr, value)


def _printable(value: Any, name: str) -> Any:  # noqa: ANN401
    if isinstance(value, (BlockReference, Macro, Called)) or not inspect.isroutine(value):
        return value
    return Called(value, name)


def short_range(*numbers: int) -> range:
    """`range` of at most `MOST_RANGE` numbers. Raises `SecurityError` for a longer one."""
    found = range(*numbers)
    if len(found[: MOST_RANGE + 1]) > MOST_RANGE:
        raise SecurityError(f"range is for at most {MOST_RANGE} numbers")
    return found


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that gives a list where it gave a generator, and makes no wide text."""

    @functools.wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        given = [*args[1:], *kwargs.values()]
        if name in _WIDTHS and any(isinstance(n, int) and n > _MOST_WIDTH for n in given):
            raise SecurityError(f"{name} goes to {_MOST_WIDTH} at most")
        found = function(*args, **kwargs)
        return list(found) if isinstance(found, Iterator) else found

    return bounded


def _print(value: Any) -> Any:  # noqa: ANN401
    """What `{{ }}` prints. Raises `TemplateRuntimeError` for what is no value."""
    if isinstance(value, (Called, BlockReference, Namespace)) or inspect.isroutine(value):
        raise jinja2.TemplateRuntimeError(f"{_name_of(value)} is a function: call it")
    if isinstance(value, Iterator) or inspect.isclass(value):
        raise jinja2.TemplateRuntimeError("this is no value that can be printed")
    if isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, jinja2.Undefined):
                str(item)  # raises, and says what is not defined
    return value


def _name_of(value: object) -> str:
    return repr(value) if isinstance(value, Called) else "this"


def make_sandbox(sources: Mapping[str, str]) -> Sandbox:
    """The environment that renders; `sources` are what can be extended, included and imported."""
    environment = Sandbox(
        loader=jinja2.FunctionLoader(lambda name: _load(sources, name)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
        autoescape=False,  # Markdown, CSV and JSON: each function escapes for its own format
        auto_reload=False,
        finalize=_print,
        extensions=[Assert],
    )
    environment.globals.clear()
    functions: Mapping[str, Callable[..., Any]] = FUNCTIONS  # type: ignore[assignment]
    environment.globals.update({name: Called(f, name) for name, f in functions.items()})
    environment.globals["range"] = Called(short_range, "range")
    environment.globals["namespace"] = Called(Namespace, "namespace")
    environment.filters = {
        name: _bounded(name, cast("Callable[..., Any]", function))
        for name, function in FILTERS.items()
        if name not in _NO_FILTERS
    }
    return environment


def _load(sources: Mapping[str, str], name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """A source for Jinja, under its own name; None where there is none."""
    text = sources.get(name)
    return None if text is None else (text, name, lambda: True)
