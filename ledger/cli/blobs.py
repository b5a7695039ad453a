"""`ledger blobs`: what lies among the evidence, taking a piece out, and cleaning up the rest."""

import re
import sys
from pathlib import Path
from typing import Final

import click

from ledger.cli.base import json_option, ledger_option, print_table, progress, say
from ledger.errors import BadArguments
from ledger.folder import find_folder
from ledger.ids import is_hash
from ledger.queries.base import Table

_LISTED = ("digest", "size_bytes", "role", "entries", "position")
_CLEANED = ("path", "size_bytes", "age_s", "removed")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.group(
    invoke_without_command=True,
    epilog="Examples:\n\n\b\n  ledger blobs --stray\n  ledger blobs --json\n"
    "  ledger blobs get sha256:5e5e… activation.npy\n  ledger blobs clean --yes",
)
@click.option("--stray", is_flag=True, help="Only those that no entry names.")
@ledger_option
@json_option
@click.pass_context
def blobs(ctx: click.Context, stray: bool, ledger_dir: str | None, as_json: bool) -> None:
    """List the blobs, and who names them.

    The role is evidence (a field for it), committed (a withheld value), mentioned (its digest
    stands somewhere), or stray. Entries counts who names it, position is the first of them.
    """
    ctx.ensure_object(dict)["ledger_dir"] = ledger_dir
    if ctx.invoked_subcommand is not None:
        if stray or as_json:
            raise BadArguments(
                f"--stray and --json come after `{ctx.invoked_subcommand}`, where it has them",
                hint=f"ledger blobs {ctx.invoked_subcommand} --help",
            )
        return
    from ledger.commands.blobs import list_named

    folder = find_folder(ledger_dir)
    with progress("reading the journal") as report:
        found = list_named(folder, report)
    shown = [one for one in found if one.role == "stray" or not stray]
    rows = tuple(tuple(getattr(one, name) for name in _LISTED) for one in shown)
    print_table(Table(_LISTED, rows), "json" if as_json else "table")
    size = sum(one.size_bytes for one in shown)
    strays = sum(one.role == "stray" for one in shown)
    say(f"blobs: {len(shown)}, bytes: {size}, stray: {strays}")


@blobs.command(
    epilog="Examples:\n\n\b\n  ledger blobs get sha256:5e5e… activation.npy\n"
    "  ledger blobs get sha256:5e5e… - | sha256sum"
)
@click.argument("digest", metavar="sha256:…")
@click.argument("file", metavar="FILE|-", type=click.Path(dir_okay=False, allow_dash=True))
@ledger_option
@click.pass_context
def get(ctx: click.Context, digest: str, file: str, ledger_dir: str | None) -> None:
    """Write one blob to FILE, or to stdout, once its bytes are seen to have that digest.

    A file that is there already is not written over.
    """
    from ledger.blobs import read_blob

    if not is_hash(digest):
        raise BadArguments(
            f"{digest!r} is no digest", hint="sha256: and 64 hex digits; `ledger blobs` lists them"
        )
    data = read_blob(find_folder(ledger_dir or ctx.ensure_object(dict).get("ledger_dir")), digest)
    if file == "-":
        sys.stdout.buffer.write(data)
        return
    try:
        with Path(file).open("xb") as opened:
            opened.write(data)
    except OSError as error:
        raise BadArguments(
            f"cannot write {file}: {error.strerror}", hint="choose another FILE"
        ) from error
    say(f"{file}: {len(data)} bytes")


@blobs.command(
    epilog="Examples:\n\n\b\n  ledger blobs clean                       # shows what would go\n"
    "  ledger blobs clean --yes\n  ledger blobs clean --older-than 7d --yes"
)
@click.option(
    "--older-than",
    "older_than",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="Only what nobody touched for so long: 90s, 30m, 24h, 7d.",
)
@click.option("--yes", is_flag=True, help="Remove it; else it is only shown.")
@ledger_option
@json_option
@click.pass_context
def clean(
    ctx: click.Context, older_than: str, yes: bool, ledger_dir: str | None, as_json: bool
) -> None:
    """Remove blobs that no entry names, and unfinished ones.

    A digest that stands in any entry in any way is kept, whatever the kind. A writer keeps a blob
    before it records the entry that names it: give it that time with --older-than.
    """
    from ledger.commands.blobs import clean as clean_up

    seconds = _parse_time(older_than)
    folder = find_folder(ledger_dir or ctx.ensure_object(dict).get("ledger_dir"))
    with progress("reading the journal") as report:
        found = clean_up(folder, older_than_s=seconds, remove=yes, on_progress=report)
    rows = tuple(tuple(getattr(one, name) for name in _CLEANED) for one in found)
    print_table(Table(_CLEANED, rows), "json" if as_json else "table")
    size = sum(one.size_bytes for one in found)
    done = "removed" if yes else "to be removed with --yes"
    say(f"{done}: {len(found)}, bytes: {size}" if found else "nothing to clean up")


def _parse_time(text: str) -> float:
    """Seconds. Raises `BadArguments`."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd])", text, re.ASCII)
    if match is None:
        raise BadArguments(
            f"--older-than {text} is no time", hint="a number and s, m, h or d, such as 24h"
        )
    return float(match[1]) * _SECONDS[match[2]]
