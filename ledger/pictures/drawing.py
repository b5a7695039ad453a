"""From a picture and the rows of its queries to SVG text or a PNG, the same bytes every time."""

import hashlib
import io
import json
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ledger.errors import BadArguments
from ledger.pictures.base import SUBJECT, Picture, Row, Rows, Sketch
from ledger.pictures.paper import heading_height, new_figure, put_heading
from ledger.pictures.style import Palette, Theme, settings

#: Asks a named query with parameters; the rows of its answer.
Ask = Callable[[str, Mapping[str, object]], Sequence[Row]]
#: How many dots of a PNG go into an inch.
DOTS = 200


def gather(picture: Picture, subject: str | None, ask: Ask) -> Rows:
    """The rows that a picture is drawn from."""
    return {name: ask(str(q["query"]), _filled(q, subject)) for name, q in picture.queries.items()}


def _filled(query: Mapping[str, object], subject: str | None) -> dict[str, object]:
    """Parameters of a query, with the subject where it belongs."""
    return {
        name: subject if value == SUBJECT else value
        for name, value in query.items()
        if name != "query"
    }


def draw_svg(picture: Picture, subject: str | None, rows: Rows, *, is_page: bool = False) -> str:
    """The picture as SVG.

    Raises `BadArguments` where there is nothing to draw; on a page, the picture says so itself.
    """
    from ledger.pictures.svg import to_svg

    subject, rows = _drawable(picture, subject, rows, is_page=is_page)
    key = digest(picture, subject, rows)
    with settings(key), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph "
        )  # a viewer has fonts for what ours lacks
        sketch = _sketch(picture, subject, rows, Palette("light"))
        facts = {"picture": picture.name, "drawn-from": f"sha256:{key}"}
        return to_svg(sketch.figure, sketch.title, sketch.description, salt=key, facts=facts)


def draw_png(picture: Picture, subject: str | None, rows: Rows, theme: Theme) -> bytes:
    """The picture as PNG. Raises `BadArguments` where there is nothing to draw."""
    subject, rows = _drawable(picture, subject, rows, is_page=False)
    buffer = io.BytesIO()
    with settings(picture.name), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph ")
        sketch = picture.draw(rows, subject, Palette(theme))
        sketch.figure.savefig(buffer, format="png", dpi=DOTS, metadata={"Software": None})
    return buffer.getvalue()


def _drawable(
    picture: Picture, subject: str | None, rows: Rows, *, is_page: bool
) -> tuple[str | None, Rows]:
    missing = picture.lacking(rows, subject)
    if missing is not None and not is_page:
        raise BadArguments(missing, hint=picture.hint)
    rows, subject = prepare(subject, rows)
    return subject, rows


def _sketch(picture: Picture, subject: str | None, rows: Rows, palette: Palette) -> Sketch:
    """The picture drawn, or a line that says why it is not."""
    missing = picture.lacking(rows, subject)
    if missing is None:
        return picture.draw(rows, subject, palette)
    figure = new_figure(heading_height("Nothing to draw", missing), palette)
    put_heading(figure, palette, "Nothing to draw", missing)
    return Sketch(figure, "Nothing to draw", missing)


def prepare(subject: str | None, rows: Rows) -> tuple[Rows, str | None]:
    """Rows and subject as text that XML can hold."""
    return {name: [_clean(row) for row in found] for name, found in rows.items()}, _clean(subject)


def _clean(value: Any) -> Any:  # noqa: ANN401 - any value of a row
    """A value whose texts have no control characters, which XML cannot hold."""
    if isinstance(value, str):
        if value.isprintable():
            return value
        return "".join(
            "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs", "Cn") else c
            for c in value.replace("\n", " ").replace("\t", " ").replace("\r", " ")
        )
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value


def digest(picture: Picture, subject: str | None, rows: Rows) -> str:
    """What a picture follows from, as a digest: its name, its subject and its rows."""
    asked = {"picture": picture.name, "subject": subject, "rows": rows}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def drawn_by() -> dict[str, str]:
    """What draws: the version of matplotlib, and the digest of the programs of this room."""
    from importlib.metadata import version

    programs = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        programs.update(path.read_bytes())
    return {"matplotlib": version("matplotlib"), "programs": f"sha256:{programs.hexdigest()}"}
