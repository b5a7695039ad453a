"""`ledger diff`: what changed between two places of the record."""

from typing import TYPE_CHECKING, Any, Final

import click

from ledger.cli.base import ledger_option, progress, resolve_at, say, to_json
from ledger.errors import BadArguments
from ledger.folder import Folder, find_folder

if TYPE_CHECKING:
    from ledger.commands.diff import Difference, Place

#: Lines under one heading, unless --all is given.
_MOST: Final = 20


@click.command(
    epilog="Examples:\n\n\b\n  ledger diff 120                          # since position 120\n"
    "  ledger diff spec/manifest.json           # since the documents were rendered\n"
    "  ledger diff 120 180 --json\n"
    "  ledger diff 911:6c1e… now                # a checkpoint that was kept elsewhere"
)
@click.argument("a", metavar="A", type=click.Path())
@click.argument("b", metavar="[B]", default="now", type=click.Path())
@click.option("--all", "show_all", is_flag=True, help=f"Not only the last {_MOST} under a heading.")
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with all of it.")
def diff(a: str, b: str, show_all: bool, ledger_dir: str | None, as_json: bool) -> None:
    """Say what changed from A to B: verdicts, rows, claims, runs, comparisons, notes, gaps.

    A and B are positions, checkpoints (POSITION:CHAIN), a manifest.json or its folder, versions of
    the specification, or `now`. The record as it stood after A is held against the record as it
    stood after B. A record only grows, so the earlier of the two is always the one before. A
    checkpoint that does not fit this journal is an integrity error, exit code 6.
    """
    from ledger.commands import diff as differing

    folder = find_folder(ledger_dir)
    places = [_place(folder, text) for text in (a, b)]
    earlier, later = sorted(places, key=lambda place: place.position)
    if earlier is not places[0]:
        say(f"{a} is after {b}: this is what changed from {b} to {a}")
    with progress("reading the journal") as report:
        found = differing.diff(folder, earlier, later, report)
    if as_json:
        click.echo(to_json(_as_object(found), indent=1))
    else:
        _print(found, None if show_all else _MOST)


def _place(folder: Folder, text: str) -> "Place":
    """The place that a text names. Raises `BadArguments` for none."""
    from ledger.commands.diff import Place, parse_place

    place = parse_place(folder, text)
    if place is not None:
        return place
    try:
        position = resolve_at(folder, text)
    except BadArguments as error:
        raise BadArguments(
            f"{text} is no position, checkpoint or manifest, and {error.message}",
            hint="such as 120, 911:CHAIN with 64 hex digits, spec/manifest.json, or now",
        ) from error
    return Place(named=text, position=position or 0, chain=None)


def _as_object(found: "Difference") -> dict[str, Any]:
    return {
        "from": {"position": found.before[0], "chain": found.before[1]},
        "to": {"position": found.after[0], "chain": found.after[1]},
        "entries": found.entries,
        "kinds": dict(found.kinds),
        "changes": found.changes.objects(),
    }


def _print(found: "Difference", most: int | None) -> None:
    from ledger.commands.diff import describe

    if not found.entries:
        click.echo(f"nothing changed: both are position {found.before[0]}")
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds)
    what = "one entry" if found.entries == 1 else f"{found.entries} entries"
    click.echo(f"from position {found.before[0]} to {found.after[0]}, {what}: {kinds}")
    for heading, sentences in describe(found):
        click.echo()
        click.secho(heading, bold=True)
        earlier = 0 if most is None else max(0, len(sentences) - most)
        if earlier:
            click.echo(f"  … {earlier} earlier; --all shows them")
        for sentence in sentences[earlier:]:
            click.echo(f"  {_plain(sentence)}")


def _plain(sentence: str) -> str:
    """A sentence on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "�" for letter in " ".join(sentence.split()))
