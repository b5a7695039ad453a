"""From a template to pages.

Jinja runs sandboxed and strict: no clock, no randomness, no environment, LF, and an undefined name
is an error with file and line. A page states `as of position N`, the greatest position among the
rows of its queries, so that an unrelated event changes nothing in it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import jinja2
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ledger.errors import LedgerError, TemplateFailed
from ledger.queries import find_query
from ledger.render.base import Template
from ledger.render.formats import FUNCTIONS, escape, number

if TYPE_CHECKING:
    import duckdb

Rows = list[dict[str, Any]]
_FIELD: Final = re.compile(r"\{(\w+)\}")
#: What an expression of a template can raise.
_FAILURES: Final = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


@attrs.frozen(slots=True)
class Page:
    """One rendered file: its path below the output folder, its text, what it rests on."""

    path: str
    text: str
    as_of: int


class Footnotes:
    """The evidence cells of one page: each cited once, numbered in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str], int] = {}

    def cite(self, row: Mapping[str, Any]) -> str:
        """A footnote mark for a row that has `position` and `hash` (or `evidence`)."""
        hash_ = row.get("hash") or row.get("evidence")
        if not hash_ or "position" not in row:
            raise jinja2.UndefinedError("a citation needs a row with position and hash")
        key = (int(row["position"]), str(hash_))
        return f"[^{self._numbers.setdefault(key, len(self._numbers) + 1)}]"

    def cell(self, row: Mapping[str, Any], digits: int = 4) -> str:
        """An evidence cell: value, unit, and the footnote that says where it comes from."""
        unit = f" {escape(row['unit'])}" if row.get("unit") else ""
        return escape(number(row["value"], digits)) + unit + self.cite(row)

    def print(self) -> str:
        """The footnotes: position and entry hash of everything cited."""
        return "\n".join(
            f"[^{number}]: position {position}, `{hash_}`"
            for (position, hash_), number in self._numbers.items()
        )


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, in which an expression cannot be made to fill the memory or run for ever."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Multiply numbers, not texts; no powers."""
        numbers = all(isinstance(value, (int, float)) for value in (left, right))
        if operator == "**" or not numbers or max(abs(left), abs(right)) > 2**64:
            raise SecurityError(f"{operator} is for numbers of a usual size")
        return super().call_binop(context, operator, left, right)


def _environment() -> _Environment:
    environment = _Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
        autoescape=False,  # Markdown, CSV and JSON: each function escapes for its own format
    )
    environment.globals.clear()
    environment.globals.update(FUNCTIONS)
    return environment


_ENVIRONMENT: Final = _environment()


def render_pages(template: Template, db: "duckdb.DuckDBPyConnection") -> Iterator[Page]:
    """Yield the pages of a template over the record behind `db`. Raises `TemplateFailed`."""
    if template.for_each is None:
        page = _render(template, db, None)
        if page is not None:
            yield page
        return
    for item in _ask(template, template.for_each, db, None):
        page = _render(template, db, item)
        if page is not None:
            yield page


def _ask(
    template: Template, name: str, db: "duckdb.DuckDBPyConnection", item: Mapping[str, Any] | None
) -> Rows:
    """The rows of one of the template's queries."""
    given = template.queries[name]
    filled = {key: _fill(value, item) for key, value in given.items() if key != "query"}
    try:
        return find_query(str(given["query"])).run(db, filled).objects()
    except LedgerError as error:
        raise TemplateFailed(f"{template.name}: {error.message}", hint=error.hint) from error


def _fill(value: object, item: Mapping[str, Any] | None) -> object:
    """A parameter or path with `{name}` filled from the item."""
    if not isinstance(value, str) or item is None:
        return value
    return _FIELD.sub(lambda match: str(item[match[1]]) if match[1] in item else match[0], value)


def _render(
    template: Template, db: "duckdb.DuckDBPyConnection", item: dict[str, Any] | None
) -> Page | None:
    names = [name for name in template.queries if name != template.for_each]
    rows = {name: _ask(template, name, db, item) for name in names}
    if template.unless_empty is not None and not rows[template.unless_empty]:
        return None
    positions = [row["position"] for found in rows.values() for row in found]
    positions += [item["position"]] if item is not None else []
    as_of = max(positions, default=0)
    notes = Footnotes()
    names_seen = {
        **rows,
        "item": item,
        "as_of": as_of,
        "cite": notes.cite,
        "cell": notes.cell,
        "footnotes": notes.print,
    }
    path = str(_fill(template.output, item))
    return Page(path, _text(template, names_seen), as_of)


def _text(template: Template, names: dict[str, Any]) -> str:
    try:
        return _ENVIRONMENT.from_string(template.body).render(names)
    except jinja2.TemplateSyntaxError as error:
        line = (error.lineno or 0) + template.body_line
        raise TemplateFailed(
            f"{template.name}, line {line}: {error.message}", hint="mend the template"
        ) from error
    except _FAILURES as error:
        line = _line_of(error) + template.body_line
        raise TemplateFailed(
            f"{template.name}, line {line}: {error or type(error).__name__}",
            hint="mend the template or its queries",
        ) from error


def _line_of(error: BaseException) -> int:
    """The line of the template where an error was raised: its innermost frame of that name."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
