"""`ledger run replay`: steps of a training taken again, held against what it recorded."""

import json
from pathlib import Path

import click

from executors import base
from executors.pretrain import ROOM


@click.command(
    epilog="Examples:\n\n\b\n  ledger run replay pretrain-0001 corpus/ --step 120\n"
    "  ledger run replay pretrain-0001 corpus/ --step 120 --within 1e-5 --json"
)
@click.argument("name", metavar="RUN")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--step", "step", type=click.IntRange(0), required=True, help="The step, 0-based.")
@click.option(
    "--within",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Largest relative difference; 0 demands the same bytes.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of runs [default: runs/].")
@base.ledger_option
@base.json_option
def replay(
    name: str,
    corpus: Path,
    step: int,
    within: float,
    out: Path | None,
    ledger_dir: str | None,
    as_json: bool,
) -> int:
    """Take step --step of RUN again, from the nearest checkpoint before it.

    Losses and gradient norms are held against the record, and where RUN has a later checkpoint the
    steps go on up to it, and every weight and moment is held against it. What came of it is
    recorded as a run: `reproduced`, or `diverged at` the first place. Exit 1 where it diverged.
    CORPUS is the folder that RUN was trained on.
    """
    from executors.training.replays import record_replay

    with base.bad_input():
        from ml.corpus.reader import Corpus

        opened = Corpus.open(corpus)
    with base.open_ledger(ledger_dir) as ledger:
        room = out or ledger.folder.path.parent / ROOM
        outcome = record_replay(ledger, opened, room / name, name, step, within)
    if as_json:
        click.echo(json.dumps(outcome))
    else:
        base.print_table(base.Table(("property", "value"), tuple(outcome.items())))
    return 0 if outcome["verdict"] == "reproduced" else 1
