"""What a query is: SQL with a header that says what it answers, its parameters and its columns.

The header is the comment at the top of the file::

    -- The board: every row once, in its latest status.
    -- param model text: only rows of this model
    -- column row: the row
    -- example: ledger query board --model MODEL-1

Parameters are named, typed (text, integer, number, yesno) and null unless given; `required` after
the type makes one mandatory. Every query ends in an order by, so that the same record gives the
same bytes. `-- grouped by run`, of a text parameter, says that its SQL without `run` gives the rows
of every run, each as it is with it, and has the run in a column of that name: who needs many runs
asks once.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from ledger.errors import BadArguments

if TYPE_CHECKING:
    import duckdb

_PARAMETER: Final = re.compile(r"param (\w+) (text|integer|number|yesno)( required)?: (.+)")
_GROUPED: Final = re.compile(r"grouped by (\w+)")
_COLUMN: Final = re.compile(r"column (\w+): (.+)")
_SQL_TYPES: Final = {
    "text": "varchar",
    "integer": "bigint",
    "number": "double",
    "yesno": "boolean",
}


def _yes_or_no(value: object) -> bool:
    """Read yes or no. Raises `KeyError` for anything else."""
    return {"yes": True, "no": False, "true": True, "false": False}[str(value).lower()]


_PYTHON_TYPES: Final[dict[str, Callable[[Any], Any]]] = {
    "text": str,
    "integer": int,
    "number": float,
    "yesno": _yes_or_no,
}
_WORDS: Final = {"text": "text", "integer": "integer", "number": "number", "yesno": "yes or no"}


@attrs.frozen(slots=True)
class Table:
    """An answer: column names and rows, in the order of the query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def objects(self) -> list[dict[str, Any]]:
        """The rows as one mapping each."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@attrs.frozen(slots=True)
class Parameter:
    """One named parameter of a query."""

    name: str
    type: str
    required: bool
    help: str


@attrs.frozen(slots=True)
class Query:
    """A named query as read from its file."""

    name: str
    help: str
    parameters: tuple[Parameter, ...]
    columns: tuple[tuple[str, str], ...]
    examples: tuple[str, ...]
    sql: str
    grouped_by: str | None = None
    """The parameter without which it gives the rows of all, see above."""

    def bind(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Values for all parameters, typed. Raises `BadArguments` with everything wrong."""
        known = {parameter.name: parameter for parameter in self.parameters}
        wrong = [f"no parameter --{name}" for name in sorted(set(given) - set(known))]
        values: dict[str, Any] = {}
        for name, parameter in known.items():
            value = given.get(name)
            if value is None:
                if parameter.required:
                    wrong.append(f"--{name} is missing: {parameter.help}")
                values[name] = None
                continue
            try:
                values[name] = _PYTHON_TYPES[parameter.type](value)
            except (KeyError, TypeError, ValueError):
                wrong.append(f"--{name} {value!r} is not {_WORDS[parameter.type]}")
                continue
            if parameter.type == "integer" and not 0 <= values[name] < 2**63:
                wrong.append(f"--{name} {value} is not an integer from 0 to 2^63 - 1")
        if wrong:
            raise BadArguments(
                f"query {self.name}: " + "; ".join(wrong),
                hint=f"ledger query {self.name} --help lists its parameters",
            )
        return values

    def run(self, db: "duckdb.DuckDBPyConnection", given: Mapping[str, Any]) -> Table:
        """Ask the record behind `db` (see `ledger.store.reader`)."""
        return self._fetch(db, self.bind(given), None)

    def run_grouped(
        self, db: "duckdb.DuckDBPyConnection", given: Mapping[str, Any], limit: int
    ) -> dict[str, list[dict[str, Any]]] | None:
        """The rows for each value of `grouped_by`, as mappings; None where they are more than that.

        `given` are the other parameters.
        """
        by = self.grouped_by
        assert by is not None
        values = {**self.bind({**given, by: ""}), by: None}
        whole = self._fetch(db, values, limit + 1)
        if len(whole.rows) > limit:
            return None
        found = defaultdict[str, list[dict[str, Any]]](list)
        for row in whole.objects():
            found[row[by]].append(row)
        return dict(found)

    def _fetch(
        self, db: "duckdb.DuckDBPyConnection", values: Mapping[str, Any], limit: int | None
    ) -> Table:
        types = {parameter.name: _SQL_TYPES[parameter.type] for parameter in self.parameters}
        for name, value in values.items():
            literal = "null" if value is None else _literal(value)
            db.execute(f'set variable "{name}" = {literal}::{types[name]}')
        return fetch(db.execute(self.sql), limit)


def _literal(value: str | float) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def fetch(cursor: "duckdb.DuckDBPyConnection", limit: int | None = None) -> Table:
    """The answer of an executed statement, at most `limit` rows of it; JSON columns are parsed."""
    description = cursor.description or ()
    columns = tuple(column[0] for column in description)
    is_json = [str(column[1]) == "JSON" for column in description]
    rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
    if any(is_json):
        rows = [
            tuple(_parse(v) if j else v for v, j in zip(row, is_json, strict=True)) for row in rows
        ]
    return Table(columns, tuple(tuple(row) for row in rows))


def _parse(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON column, which DuckDB hands over as text."""
    return None if value is None else msgspec.json.decode(value)


@functools.cache
def read_query(name: str) -> Query:
    """Read `<name>.sql` beside this file. Raises `AssertionError` where its header is wrong."""
    text = resources.files("ledger.queries").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return parse_query(name, text)


def parse_query(name: str, text: str) -> Query:
    """Read a query file. Raises `AssertionError`: the files are ours."""
    help_: list[str] = []
    parameters, columns, examples = [], [], []
    grouped_by: str | None = None
    lines = text.splitlines()
    header = [line[3:] for line in lines if line.startswith("-- ")]
    for line in header:
        if match := _PARAMETER.fullmatch(line):
            parameters.append(Parameter(match[1], match[2], bool(match[3]), match[4]))
        elif match := _COLUMN.fullmatch(line):
            columns.append((match[1], match[2]))
        elif match := _GROUPED.fullmatch(line):
            grouped_by = match[1]
        elif line.startswith("example: "):
            examples.append(line.removeprefix("example: "))
        else:
            help_.append(line)
    sql = "\n".join(line for line in lines if not line.startswith("-- "))
    if not (help_ and columns and examples and "order by" in sql):
        raise AssertionError(f"{name}.sql: needs help, columns, an example and an order by")
    if grouped_by not in {None, *(p.name for p in parameters if p.type == "text")}:
        raise AssertionError(f"{name}.sql: grouped by {grouped_by}, which is no parameter of text")
    return Query(
        name=name,
        help=" ".join(help_),
        parameters=tuple(parameters),
        columns=tuple(columns),
        examples=tuple(examples),
        sql=sql.strip(),
        grouped_by=grouped_by,
    )
