"""`ledger site`: the record as a static site, to be read without a network or a server."""

from collections import Counter
from pathlib import Path

import click

from ledger.cli.base import (
    at_option,
    json_option,
    ledger_option,
    print_table,
    progress,
    resolve_at,
    say,
    template_options,
)
from ledger.folder import find_folder
from ledger.queries.base import Table

_COLUMNS = ("path", "change", "as_of")


@click.command(
    epilog="Examples:\n\n\b\n  ledger site public\n  ledger site public --at 2.51\n"
    "  ledger site public --templates reports/\n"
    "  ledger site public --json | jq -r '.[] | select(.change == \"written\").path'"
)
@click.argument("out", type=click.Path(path_type=Path))
@template_options("Your own folder of templates; its site/*.html.jinja take the place of ours.")
@at_option
@ledger_option
@json_option
def site(
    out: Path,
    templates: Path | None,
    seconds: float,
    at: str | None,
    ledger_dir: str | None,
    as_json: bool,
) -> None:
    """Write the record as a static site into the folder OUT.

    Open OUT/index.html in a browser: no server and no network is needed. Pages state the position
    that they rest on and link to the entries behind them. OUT must be new, empty, or a site that
    this command made: files that changed are written, those that are gone are removed.
    """
    from ledger.render.process import Limits
    from ledger.site.process import open_renderer
    from ledger.site.writing import write

    folder = find_folder(ledger_dir)
    position = resolve_at(folder, at)
    renderer = open_renderer(templates, Limits(seconds=seconds))
    with progress("writing pages") as report:
        results = write(folder, out, renderer, at=position, on_progress=report)
    if as_json:
        print_table(Table(_COLUMNS, tuple((r.path, r.change, r.as_of) for r in results)), "json")
    counts = Counter(result.change for result in results)
    said = ", ".join(f"{count} {change}" for change, count in sorted(counts.items()))
    say(f"{out}: {said}; open {out / 'index.html'}")
