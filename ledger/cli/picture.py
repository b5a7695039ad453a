"""`ledger picture`: the record, to be seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    print_table,
    progress,
    resolve_at,
    say,
)
from ledger.errors import BadArguments, StoreFailed
from ledger.folder import find_folder
from ledger.pictures import PICTURES, find_picture
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.pictures.base import Picture
    from ledger.pictures.style import Theme

#: The options that say what a picture is about.
_ABOUT = ("run", "row", "claims", "reported")
_FORMATS = (".svg", ".png")


def _complete_name(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [name for name in PICTURES if name.startswith(start)]


@click.command(
    epilog="Examples:\n\n\b\n  ledger picture --list\n"
    "  ledger picture curve --run train-0001 -o curve.svg\n"
    "  ledger picture heat --run compare-0001 -o heat.png --theme dark\n"
    "  ledger picture evidence --row PARITY -o evidence.svg\n"
    "  ledger picture chain --claims 'H-GPU-*,H-QKV-BIAS' -o chain.svg\n"
    "  ledger picture board --reported no --at 500 > board.svg",
)
@click.argument("name", required=False, shell_complete=_complete_name)
@click.option("--run", help="The run that a picture is about.")
@click.option("--row", help="The row of the board that a picture is about, by its criterion.")
@click.option("--claims", help="Only these claims: names with commas, * for any letters.")
@click.option(
    "--reported", type=click.Choice(("yes", "no")), help="Only rows that others declared, or not."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write: *.svg or *.png [default: SVG to stdout].",
)
@click.option(
    "--theme",
    type=click.Choice(("light", "dark")),
    help="Colours of a PNG; an SVG has both [default: light].",
)
@click.option("--list", "list_pictures", is_flag=True, help="List the pictures.")
@at_option
@ledger_option
@json_option
def picture(
    name: str | None,
    out: Path | None,
    theme: str | None,
    list_pictures: bool,
    at: str | None,
    ledger_dir: str | None,
    as_json: bool,
    **about: str | None,
) -> None:
    """Draw the picture called NAME from the record.

    The same position gives the same bytes. An SVG has no size of its own, colours for light and
    dark, and a description of what is to be seen, in numbers.
    """
    if list_pictures:
        found = map(find_picture, PICTURES)
        rows = tuple((p.name, p.takes and f"--{p.takes}", p.needs_subject, p.shows) for p in found)
        print_table(
            Table(("picture", "about", "needed", "shows"), rows), "json" if as_json else "table"
        )
        return
    _check_options(name, out, theme, as_json)
    asked = find_picture(name or "")
    subject = _subject(asked, about)
    drawn = _draw(asked, subject, (ledger_dir, at), (out, theme))
    if out is None:
        click.echo(drawn, nl=False)
        return
    try:
        out.write_bytes(drawn)
    except OSError as error:
        raise StoreFailed(
            f"cannot write {out}: {error.strerror}", hint="choose another -o"
        ) from error
    say(f"wrote {out}")


def _check_options(name: str | None, out: Path | None, theme: str | None, as_json: bool) -> None:
    """Everything wrong with the options, at once. Raises `BadArguments`."""
    wrong = []
    if name is None:
        wrong.append("give the NAME of a picture")
    if as_json:
        wrong.append("--json is for --list")
    if out is not None and out.suffix not in _FORMATS:
        wrong.append(f"{out} is no picture that can be made: name it *{' or *'.join(_FORMATS)}")
    if out is not None and not out.parent.is_dir():
        wrong.append(f"there is no folder {out.parent}")
    if theme is not None and (out is None or out.suffix == ".svg"):
        wrong.append("--theme is for a PNG; an SVG has both")
    if wrong:
        raise BadArguments("; ".join(wrong), hint="`ledger picture --list` lists the pictures")


def _subject(asked: "Picture", about: dict[str, str | None]) -> str | None:
    """What the picture is about. Raises `BadArguments` for an option that is not its own."""
    wrong = [name for name in _ABOUT if about[name] is not None and name != asked.takes]
    if wrong:
        names = " and ".join(f"--{name}" for name in wrong)
        takes = f"it takes --{asked.takes}" if asked.takes else "it takes none"
        raise BadArguments(f"{asked.name} is not about {names}", hint=takes)
    return about[asked.takes] if asked.takes else None


def _draw(
    asked: "Picture",
    subject: str | None,
    source: tuple[str | None, str | None],
    target: tuple[Path | None, str | None],
) -> bytes:
    """The picture as bytes, from the ledger and position `source`, as `target` wants it."""
    from ledger.pictures.drawing import draw_png, draw_svg, gather
    from ledger.pictures.subjects import check_subject
    from ledger.queries import find_query
    from ledger.store.reader import open_reader

    folder = find_folder(source[0])
    position = resolve_at(folder, source[1])
    with (
        progress("reading the journal") as report,
        open_reader(folder, at=position, on_progress=report) as db,
    ):

        def ask(query: str, given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any parameters
            return find_query(query).run(db, given).objects()

        check_subject(asked, subject, ask)
        rows = gather(asked, subject, ask)
    out, theme = target
    if out is not None and out.suffix == ".png":
        return draw_png(asked, subject, rows, cast("Theme", theme or "light"))
    return draw_svg(asked, subject, rows).encode()
