"""`ledger init`: make `.ledger/`."""

import secrets
from pathlib import Path

import click

from ledger.cli.base import actor_option, progress, require_actor, say
from ledger.errors import BadArguments
from ledger.ledger import Ledger


@click.command(
    epilog="Examples:\n\n\b\n  ledger init --actor human:ada\n"
    "  ledger init ~/lab/7b --origin example.org/lab/7b --actor human:ada\n"
    "  ledger init ~/lab/7b --from record.jsonl.zst"
)
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--origin",
    help="Name of the ledger, part of every entry for ever. Made up if left out.",
)
@click.option(
    "--from",
    "export",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Make the ledger again that `ledger export` wrote to FILE.",
)
@actor_option
def init(directory: Path, origin: str | None, export: Path | None, actor: str | None) -> None:
    """Make a new ledger in DIRECTORY (here, if left out) and record its first entry.

    With --from, make the exported ledger again: the same origin, entries, positions and chain.
    """
    if export is not None:
        if origin is not None:
            raise BadArguments(
                "--origin is for a new ledger", hint="an exported one has its origin"
            )
        _restore(export, directory)
        return
    name = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in _name(directory)
    )
    origin = origin or f"{name.lstrip('._-') or 'ledger'}/{secrets.token_hex(4)}"
    who = require_actor(actor)
    with Ledger.create(directory, origin, actor=who) as ledger:
        click.echo(str(ledger.folder.path))
        say(f"made the ledger {origin}")


def _name(directory: Path) -> str:
    return directory.resolve().name


def _restore(export: Path, directory: Path) -> None:
    from ledger.commands.restore import restore

    with progress("restoring") as report:
        folder, missing = restore(export, directory, report)
    click.echo(str(folder.path))
    lacking = f", without {missing} pieces of evidence that are not in the file" if missing else ""
    say(f"made the ledger {folder.origin} again{lacking}")
