"""`ledger run compare-runs`: which of two trainings is better, where one thing differs."""

import json
from pathlib import Path

import click

from executors import base
from executors.pretrain import ROOM


@click.command(
    epilog="Examples:\n\n\b\n  ledger run compare-runs pretrain-0001 pretrain-0002\n"
    "  ledger run compare-runs pretrain-0001 pretrain-0002 --json"
)
@click.argument("a")
@click.argument("b")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of runs [default: runs/].")
@base.ledger_option
@base.json_option
def compare_runs(a: str, b: str, out: Path | None, ledger_dir: str | None, as_json: bool) -> None:
    """Hold the last held-out losses of runs A and B against each other, window by window.

    Refused unless exactly one thing that was asked for differs between them: with two, nobody knows
    which one did it. The windows must be the same ones. The mean difference B - A is recorded with
    its 95 % interval; where that holds 0, the runs do not differ beyond chance.
    """
    from executors.training.comparing import record_comparison

    with base.open_ledger(ledger_dir) as ledger:
        room = out or ledger.folder.path.parent / ROOM
        outcome = record_comparison(ledger, room, a, b)
    if as_json:
        click.echo(json.dumps(outcome))
    else:
        base.print_table(base.Table(("property", "value"), tuple(outcome.items())))
