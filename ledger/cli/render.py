"""`ledger render`: regenerate documents and evidence, or check that nothing drifted."""

from collections import Counter
from pathlib import Path

import click

from ledger.cli.base import json_option, ledger_option, print_table, progress, say, template_options
from ledger.folder import find_folder
from ledger.queries.base import Table

_COLUMNS = ("path", "change", "as_of")


@click.command(
    epilog="Examples:\n\n\b\n  ledger render\n  ledger render --out docs/spec\n"
    "  ledger render --check           # exit 1 where a file differs from the ledger\n"
    "  ledger render --templates reports/ --out docs"
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write [default: spec/ beside the ledger].",
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; compare instead.")
@template_options("Your own folder of templates, beside ours (see `ledger template`).")
@ledger_option
@json_option
def render(
    out: Path | None,
    only_check: bool,
    templates: Path | None,
    seconds: float,
    ledger_dir: str | None,
    as_json: bool,
) -> int:
    """Render every document and evidence file from the record.

    manifest.json holds the digest of each file and the checkpoint. --check renders at that
    checkpoint and exits 1 where a file is not, byte for byte, what the ledger says. Templates run
    in a process of their own, without files, network or environment, and with limits.
    """
    from ledger.render import folder as rendering
    from ledger.render.own import open_library
    from ledger.render.process import Limits

    folder = find_folder(ledger_dir)
    target = out or folder.path.parent / "spec"
    is_usual = templates is None and seconds == Limits().seconds
    library = None if is_usual else open_library(templates, Limits(seconds=seconds))
    with progress("rendering") as report:
        act = rendering.check if only_check else rendering.write
        results = act(folder, target, report, library)
    shown = [r for r in results if as_json or r.change != "unchanged"]
    rows = tuple((r.path, r.change, r.as_of) for r in shown)
    if as_json or rows:
        print_table(Table(_COLUMNS, rows), "json" if as_json else "table")
    if only_check:
        say(f"{target}: {len(results)} files differ" if results else f"{target}: nothing drifted")
        return 1 if results else 0
    counts = Counter(r.change for r in results)
    say(f"{target}: " + ", ".join(f"{count} {change}" for change, count in sorted(counts.items())))
    return 0
