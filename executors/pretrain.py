"""`ledger run pretrain`: a model trained from nothing, every step an event."""

import json
from pathlib import Path
from typing import Any, Final

import click

from executors import base
from executors.training.asked import Asked
from executors.training.options import training_options

#: Runs lie beside the ledger, each in a folder of its own name.
ROOM: Final = "runs"


@click.command(
    epilog="Examples:\n\n\b\n  ledger run pretrain corpus/ --steps 200\n"
    "  ledger run pretrain corpus/ --preset 370m --steps 2000 --batch 8 --device cuda\n"
    "  ledger run pretrain corpus/ --steps 500 --patience 3 --target 2.2\n"
    "  ledger run pretrain corpus/ --resume pretrain-0001"
)
@click.argument("corpus", type=click.Path(path_type=Path))
@training_options
@click.option("--resume", metavar="RUN", help="Go on with a run that was killed, or failed.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of runs [default: runs/].")
@base.ledger_option
@base.json_option
@click.pass_context
def pretrain(
    context: click.Context,
    /,
    corpus: Path,
    resume: str | None,
    out: Path | None,
    ledger_dir: str | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the fields of Asked
) -> int:
    """Train a model from nothing on CORPUS, the folder that `ledger run corpus build` made.

    Each step, held-out loss and checkpoint is recorded as it happens. Exit 1 where a gate ended the
    run: a loss that is not finite, one over its ceiling or twice the one before, a throughput out
    of range, or a corpus that came to its end. With --resume a run goes on from its latest
    checkpoint, as it was asked for; on a processor it comes to the same bytes as without a stop.
    """
    from executors.training.running import record_pretraining, record_resumption

    if resume is not None:
        _refuse_options(context)
    with base.bad_input():
        from ml.corpus.reader import Corpus

        opened = Corpus.open(corpus)
    with base.open_ledger(ledger_dir) as ledger:
        room = out or ledger.folder.path.parent / ROOM
        if resume is not None:
            outcome = record_resumption(ledger, opened, room, resume)
        else:
            outcome = record_pretraining(ledger, opened, room, Asked(**options))
    if as_json:
        click.echo(json.dumps(outcome))
    else:
        base.print_table(base.Table(("property", "value"), tuple(outcome.items())))
    return 1 if outcome["failed"] else 0


def _refuse_options(context: click.Context) -> None:
    """A run goes on as it was asked for: other options beside --resume are an error."""
    source = click.core.ParameterSource.COMMANDLINE
    known = ("corpus", "resume", "out", "ledger_dir", "as_json")
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in known
        and context.get_parameter_source(str(parameter.name)) == source
    ]
    if given:
        raise base.BadArguments(
            f"{', '.join(given)} beside --resume", hint="a run goes on as it was asked for"
        )
