"""`ledger merge`: take over what another ledger recorded, on a branch."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.base import (
    open_ledger,
    print_table,
    progress,
    recording_options,
    require_actor,
    say,
)
from ledger.folder import NAME, open_folder
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.commands.merge import Merged, Source

_COLUMNS = ("branch", "taken", "known", "head", "is_on_main", "missing_blobs", "conflicts")

branch_option = click.option(
    "--branch", metavar="NAME", help="What the branch is called here; else like the other's origin."
)
accept_option = click.option(
    "--accept", metavar="REASON", help="Let it count on the main line at once, for this reason."
)


@click.command(
    epilog="Examples:\n\n\b\n  ledger merge ../lab-b\n"
    "  ledger merge record.jsonl.zst --branch review\n"
    '  ledger merge ../lab-b --accept "reviewed with Ada, run by run"\n'
    "  ledger record branch.merged --name lab-b --head HASH --cites HASH --reason …",
)
@click.argument("other", metavar="OTHER", type=click.Path(path_type=Path))
@branch_option
@accept_option
@recording_options
def merge(
    other: Path,
    branch: str | None,
    accept: str | None,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Take over the entries of OTHER, a ledger or a file that `ledger export` wrote.

    Each entry comes as it is, so it keeps its hash, and everything that cites it still does. What
    is on record is skipped: a second merge adds nothing, and one that was interrupted goes on. The
    entries stand on a branch and count for nothing on the main line until `branch.merged` cites its
    head. Names of another origin are written ORIGIN:NAME here; names that both ledgers gave are
    listed, and nothing is renumbered.
    """
    take_over(other, branch, accept, actor, durable, ledger_dir, as_json)


def take_over(
    other: Path,
    branch: str | None,
    accept: str | None,
    actor: str | None,
    durable: bool,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Merge and tell; `ledger import jsonl` is the same for a file."""
    from ledger.commands.merge import merge as take

    who = require_actor(actor)
    with open_ledger(ledger_dir, who, durable=durable) as ledger:
        source = _open_source(other)
        with progress("merging") as report:
            merged = take(ledger, source, branch=branch, reason=accept, on_progress=report)
    row = (*(getattr(merged, name) for name in _COLUMNS[:-1]), len(merged.conflicts))
    print_table(Table(_COLUMNS, (row,)), "json" if as_json else "table")
    for line in _sentences(merged):
        say(line)


def _open_source(other: Path) -> "Source":
    from ledger.commands.sources import ExportSource, FolderSource

    for folder in (other, other / NAME):
        if (folder / "ledger.toml").is_file():
            return FolderSource(open_folder(folder))
    return ExportSource(other)


def _sentences(merged: "Merged") -> list[str]:
    lines = []
    if merged.taken:
        known = f"; {merged.known} were on record" if merged.known else ""
        lines.append(f"{merged.taken} entries taken over on branch {merged.branch}{known}")
    else:
        lines.append(f"nothing to take over: all {merged.known} entries are on record")
    if merged.is_on_main:
        lines.append(f"branch {merged.branch} counts on the main line")
    elif merged.head:
        lines.append(
            f"they do not count yet: ledger record branch.merged --name {merged.branch} "
            f"--head {merged.head} --cites {merged.head} --reason …"
        )
    if merged.missing_blobs:
        lines.append(f"{merged.missing_blobs} pieces of evidence did not come with them")
    for conflict in merged.conflicts:
        theirs = (
            "theirs has the same name: both go by it"
            if conflict.theirs == conflict.name
            else f"theirs is {conflict.theirs} here"
        )
        lines.append(
            f"{conflict.what} {conflict.name} was named at position {conflict.position}; {theirs}"
        )
    return lines
