"""Evidence cells: a number in a document is a reference to an entry, printed with its footnote.

A cell is a row of a query, or a reference in words:

    loss_final of train-0001               what a run measured
    loss of train-0001 at step 40          one training step
    threshold of LOSS, value of LOSS       what a row demands, what its verdict went by
    position 57, sha256:39c04a1b           any measurement

A number that does not carry what it seemed to is printed with the mark that says so.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import jinja2

from ledger.ids import is_hash_prefix
from ledger.queries import find_query
from ledger.render.formats import escape, number

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, Any]
#: Asks a named query with parameters; the rows of its answer.
Ask = Callable[[str, Mapping[str, object]], Sequence[Row]]
#: Grammar of references, as messages and pages state it.
GRAMMAR: Final = "METRIC of RUN, METRIC of RUN at step N, threshold of ROW, position N or a hash"
_STEP: Final = re.compile(r"(.+?) of (\S+) at step (\d{1,18})")
_NAMED: Final = re.compile(r"(.+?) of (\S+)")
_POSITION: Final = re.compile(r"position (\d{1,18})")
#: So many places of an ambiguous reference are named.
_NAMED_PLACES: Final = 4


@attrs.frozen(slots=True)
class Mark:
    """Why an entry's number does not carry what it seemed to, and the position that shows it."""

    mark: str
    why: str
    position: int


Marks = Mapping[str, Sequence[Mark]]


def read_marks(db: "duckdb.DuckDBPyConnection") -> Marks:
    """Every mark on the record behind `db`, by entry hash, the gravest first."""
    found: dict[str, list[Mark]] = {}
    for row in find_query("cell_marks").run(db, {}).objects():
        mark = Mark(str(row["mark"]), str(row["why"]), int(row["position"]))
        found.setdefault(str(row["hash"]), []).append(mark)
    return found


def resolve(reference: str, ask: Ask, until: int | None = None) -> Row:
    """The row of the one entry that a reference means, among those up to position `until`.

    Raises `jinja2.TemplateRuntimeError` where there is none, or more than one.
    """
    text = " ".join(reference.split())
    if match := _STEP.fullmatch(text):
        given = {"metric": match[1], "run": match[2], "step": int(match[3])}
        rows = [
            {**row, "unit": None} for row in ask("step_cells", {**given, "until": until})
        ]  # the unit stands in the metric's name
    else:
        rows = [dict(row) for row in ask("cells", {**_asked(text), "until": until})]
        rows = _of_one_sort(rows)
    if not rows:
        near = _near(text, ask, until)
        raise jinja2.TemplateRuntimeError(f"no cell is {text!r}{near}")
    if len(rows) > 1:
        places = ", ".join(str(row["position"]) for row in rows[:_NAMED_PLACES])
        more = f" and {len(rows) - _NAMED_PLACES} more" if len(rows) > _NAMED_PLACES else ""
        raise jinja2.TemplateRuntimeError(
            f"{text!r} is at positions {places}{more}: say which, such as "
            f"'position {rows[-1]['position']}'"
        )
    return rows[0]


def _asked(text: str) -> dict[str, object]:
    """A reference as parameters of the query `cells`."""
    if match := _POSITION.fullmatch(text):
        return {"of": int(match[1])}
    if is_hash_prefix(text):
        return {"entry": text}
    if match := _NAMED.fullmatch(text):
        return {"metric": match[1], "name": match[2]}
    raise jinja2.TemplateRuntimeError(f"{text!r} is no reference to a cell: {GRAMMAR}")


def _of_one_sort(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A number itself before what was made of it: an entry may be a verdict's value, too."""
    measured = [row for row in rows if row["what"] == "measurement"]
    return measured or rows


def _near(text: str, ask: Ask, until: int | None) -> str:
    """What may have been meant: the metrics of the run or row that is named."""
    match = _NAMED.fullmatch(text)
    known = ask("cells", {"name": match[2].split()[0], "until": until}) if match else ()
    names = list(dict.fromkeys(f"{row['metric']} of {row['name']}" for row in known))
    return f"; there is {', '.join(names[:_NAMED_PLACES])}" if names else f": {GRAMMAR}"


class Footnotes:
    """The evidence cells of one page: each cited once, numbered in order of first use.

    `ask` and `until` are for references in words: without them, only rows are cells.
    """

    def __init__(
        self, marks: Marks | None = None, ask: Ask | None = None, until: int | None = None
    ) -> None:
        self._marks = marks or {}
        self._ask = ask
        self._until = until
        self._numbers: dict[tuple[int, str], int] = {}
        self._marked: dict[tuple[int, str], Sequence[Mark]] = {}

    def cite(self, row: Row) -> str:
        """A footnote mark for a row that has `position` and `hash` (or `evidence`).

        Where something was said of an entry since, the row stands later than it: `stands_at` then
        is the entry's own position.
        """
        hash_ = row.get("hash") or row.get("evidence")
        if not hash_ or "position" not in row:
            raise jinja2.UndefinedError("a citation needs a row with position and hash")
        key = (int(row.get("stands_at", row["position"])), str(hash_))
        self._marked[key] = self.marks_on(row)
        return f"[^{self._numbers.setdefault(key, len(self._numbers) + 1)}]"

    def cell(self, row: Row | str, digits: int = 4, unit: str | None = None) -> str:
        """An evidence cell: value, unit, marks, and the footnote that says where it comes from.

        `row` may be a reference in words; a `unit` that is given must be the one on record.
        """
        if isinstance(row, str):
            if self._ask is None:
                raise jinja2.UndefinedError(f"{row!r}: only rows can be cited here")
            row = resolve(row, self._ask, self._until)
        if unit is not None and unit != row.get("unit"):
            raise jinja2.TemplateRuntimeError(
                f"the unit of position {row['position']} is {row.get('unit')}, not {unit}"
            )
        shown = escape(number(row["value"], digits))
        shown += f" {escape(row['unit'])}" if row.get("unit") else ""
        names = [mark.mark for mark in self.marks_on(row)]
        if "refuted" in names:
            shown = f"~~{shown}~~"
        return shown + (f" *({', '.join(names)})*" if names else "") + self.cite(row)

    def marks_on(self, row: Row) -> Sequence[Mark]:
        """The marks on what a row shows: on its entry, or on the start of its run."""
        for name in ("hash", "evidence", "started"):
            found = self._marks.get(str(row.get(name)))
            if found:
                return found
        return ()

    def entries(self) -> set[tuple[int, str]]:
        """Position and hash of everything that was cited, as the template says."""
        return set(self._numbers)

    def positions(self) -> list[int]:
        """Positions of everything that was cited, and of what marked it."""
        marked = [mark.position for marks in self._marked.values() for mark in marks]
        return [position for position, _ in self._numbers] + marked

    def cited(self) -> list[str]:
        """Hashes of the cited entries that carry their number, in order of first use."""
        return [hash_ for key in self._numbers for hash_ in (key[1],) if not self._marked[key]]

    def print(self) -> str:
        """The footnotes: position and entry hash of everything cited, and what marks it."""
        return "\n".join(
            f"[^{number}]: position {key[0]}, `{key[1]}`" + _said(self._marked[key])
            for key, number in self._numbers.items()
        )


def _said(marks: Sequence[Mark]) -> str:
    """Marks as a footnote says them."""
    return "".join(
        f"; {mark.mark} since position {mark.position}: {escape(mark.why)}" for mark in marks
    )
