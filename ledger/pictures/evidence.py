"""The evidence graph of a row: its verdict, what that rests on, and so on down to the runs."""

import re
from typing import Final

from ledger.pictures.base import Picture, Row, Rows, Sketch, plural
from ledger.pictures.boxes import Box, draw_boxes, lay_out
from ledger.pictures.paper import heading_height, new_figure, put_heading
from ledger.pictures.style import Palette

#: The colour of a kind of entry; a verdict has that of its status.
_ROLES: Final = {
    "criterion.declared": "fourth",
    "measurement.taken": "first",
    "run.started": "gone",
    "comparison.made": "third",
    "trace.captured": "second",
}
_VERDICTS: Final = {"DISCHARGED": "good", "FALSIFIED": "bad"}
#: A number with more digits than a picture shows.
_LONG: Final = re.compile(r"-?\d+\.\d{5,}(?:e[+-]?\d+)?")


def lacking(rows: Rows, subject: str | None) -> str | None:
    """A graph needs a verdict of this ledger."""
    return None if rows["entries"] else f"this ledger gave no verdict on {subject}"


def draw(rows: Rows, subject: str | None, palette: Palette) -> Sketch:
    """Draw the graph, the verdict at the top."""
    entries = list(rows["entries"])
    title = f"What the verdict on {subject} rests on"
    below = "arrows point at what an entry rests on"
    boxes = [
        Box(
            key=int(entry["position"]),
            heading=f"{_kind(entry)} {entry['name']}",
            lines=_lines(entry),
            role=_role(entry),
            points_at=tuple(int(position) for position in entry["rests_on"]),
        )
        for entry in entries
    ]
    layout = lay_out(boxes)
    top = heading_height(title, below)
    figure = new_figure(top + layout.height, palette)
    put_heading(figure, palette, title, below)
    draw_boxes(figure, palette, layout, top)
    return Sketch(figure, title, _describe(str(subject), entries))


def _kind(entry: Row) -> str:
    """The noun of a kind of entry."""
    return str(entry["kind"]).partition(".")[0]


def _fact(entry: Row) -> str:
    """What an entry says, with numbers of four digits."""
    return _LONG.sub(lambda match: f"{float(match[0]):.4g}", str(entry["fact"] or ""))


def _lines(entry: Row) -> tuple[str, ...]:
    where = [str(entry["provenance"])] if entry["provenance"] else []
    fact = [_fact(entry)] if entry["fact"] else []
    return (*fact, ", ".join([*where, f"position {entry['position']}"]))


def _role(entry: Row) -> str:
    if str(entry["kind"]) == "verdict.given":
        return _VERDICTS.get(str(entry["fact"]).partition(" ")[0], "half")
    return _ROLES.get(str(entry["kind"]), "other")


def _describe(row: str, entries: list[Row]) -> str:
    """Every entry with what it rests on."""
    parts = []
    for entry in entries:
        below = ", ".join(map(str, entry["rests_on"]))
        rests = f", rests on {below}" if below else ""
        parts.append(
            f"Position {entry['position']}: {_kind(entry)} {entry['name']}, {_fact(entry)}{rests}."
        )
    return f"The verdict on {row} rests on {plural(len(entries) - 1, 'entry')}. ".replace(
        "entrys", "entries"
    ) + " ".join(parts)


PICTURE: Final = Picture(
    name="evidence",
    shows="What a verdict rests on: its demand, the number, the run, and the traces behind it.",
    takes="row",
    queries={"entries": {"query": "evidence_graph", "row": "{subject}"}},
    subjects=({"query": "criteria", "reported": "no"}, "name"),
    lacking=lacking,
    hint="`ledger judge` gives verdicts; `ledger board --reported no` shows them",
    draw=draw,
)
