"""The reported history behind a connection: statements by kind, rows, order in time, runs.

Statements are read kind by kind when an examiner asks for them, steps never; runs one by one, and
of each only what examiners need is kept.
"""

import functools
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import attrs

from ledger.monitors import marks_of, word_of
from ledger.monitors.base import Mark, Result
from ledger.monitors.runs import read_runs
from ledger.queries import find_query
from ledger.replay.base import Statement

if TYPE_CHECKING:
    import duckdb


@attrs.frozen(slots=True, kw_only=True)
class Row:
    """A declared row of the board, by the name it counts under."""

    name: str
    declared: Statement
    threshold: Any
    operator: str | None
    metric: str | None
    unit: str | None
    is_blocking: bool


@attrs.frozen(slots=True, kw_only=True)
class Run:
    """What is kept of a run: settings, marks, results; `mark` is INVALID, SUSPECT or null."""

    run: str
    whose: str
    position: int
    settings: dict[str, Any]
    marks: tuple[Mark, ...]
    results: tuple[Result, ...]

    @property
    def mark(self) -> str | None:
        """The gravest mark."""
        return word_of(self.marks)


class History:
    """What others reported, as far as the connection sees the record."""

    def __init__(self, db: "duckdb.DuckDBPyConnection") -> None:
        self.db = db
        self._of: dict[str, tuple[Statement, ...]] = {}

    def of(self, kind: str) -> tuple[Statement, ...]:
        """Every statement of a kind, branches included, in the order of the record."""
        if kind not in self._of:
            rows = find_query("replay_statements").run(self.db, {"kind": kind}).objects()
            self._of[kind] = tuple(
                Statement(
                    position=row["position"],
                    hash=row["hash"],
                    kind=row["kind"],
                    whose=row["whose"],
                    branch=row["branch"],
                    body=row["body"],
                )
                for row in rows
            )
        return self._of[kind]

    @functools.cached_property
    def rows(self) -> dict[str, Row]:
        """Declared rows by name, as first declared: a moved threshold leaves the strict one."""
        found: dict[str, Row] = {}
        for said in self.of("criterion.reported"):
            name = said.name("falsifier") or said.subject
            row = Row(
                name=name,
                declared=said,
                threshold=said.body["threshold"],
                operator=said.body["operator"],
                metric=said.body["metric"],
                unit=said.body["unit"],
                is_blocking=said.body["blocking"] is True,
            )
            found.setdefault(name, row)
        return found

    def rows_of(self, said: Statement) -> list[Row]:
        """Rows that were declared in the ledger where a statement was recorded."""
        return [row for row in self.rows.values() if row.declared.whose == said.whose]

    @functools.cached_property
    def row_names(self) -> dict[str, str]:
        """Name → row, for each name of each row: its own, its falsifier's, its alias."""
        names: dict[str, str] = {}
        for said in self.of("criterion.reported"):
            row = said.name("falsifier") or said.subject
            for name in (said.subject, said.name("falsifier"), said.name("alias")):
                if name is not None:
                    names.setdefault(name, row)
        return names

    @functools.cached_property
    def verdicts(self) -> dict[str, list[Statement]]:
        """Row, or another name that verdicts speak of → its verdicts, as recorded."""
        found: dict[str, list[Statement]] = defaultdict(list)
        for said in self.of("verdict.reported"):
            found[self.row_names.get(said.subject, said.subject)].append(said)
        return dict(found)

    @functools.cached_property
    def _registered(self) -> dict[tuple[str, str], int]:
        """(whose, version) → position of the first section that registers it."""
        found: dict[tuple[str, str], int] = {}
        for said in self.of("section.reported"):
            if said.body["to_version"] is not None:
                found.setdefault((said.whose, said.body["to_version"]), said.position)
        return found

    def before(self, a: Statement, b: Statement) -> bool | None:
        """Whether `a` was said before `b`; null where the history does not say."""
        if a.day is None or b.day is None:
            return None
        if a.day != b.day:
            return a.day < b.day
        if a.version is None or b.version is None or a.version == b.version:
            return None
        places = [self._registered.get((said.whose, str(said.version))) for said in (a, b)]
        if places[0] is None or places[1] is None:
            return None
        return places[0] < places[1]

    @functools.cached_property
    def runs(self) -> dict[str, Run]:
        """Reported runs by name, with the marks of the monitors."""
        whose = {said.subject: said.whose for said in self.of("run.reported")}
        return {
            view.run: Run(
                run=view.run,
                whose=whose[view.run],
                position=view.position,
                settings=dict(view.settings),
                marks=marks_of(view),
                results=view.results,
            )
            for view in read_runs(self.db, reported=True)
        }
