"""`ledger init`: make `.ledger/`."""

import secrets
from pathlib import Path

import click

from ledger.cli.base import actor_option, require_actor, say
from ledger.ledger import Ledger


@click.command(
    epilog="Examples:\n\n\b\n  ledger init --actor human:ada\n"
    "  ledger init ~/lab/7b --origin example.org/lab/7b --actor human:ada"
)
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--origin",
    help="Name of the ledger, part of every entry for ever. Made up if left out.",
)
@actor_option
def init(directory: Path, origin: str | None, actor: str | None) -> None:
    """Make a new ledger in DIRECTORY (here, if left out) and record its first entry."""
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
