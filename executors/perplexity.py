"""`ledger run perplexity`: what a model makes of a text, in nats, with an interval."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.quality.starting import begin, open_file, settings_key, settings_of
from executors.quality.texts import Text, read_text, text_options
from executors.tracing.options import pass_options
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.architectures import Model
    from ml.passes import Settings
    from ml.quality.passages import Cut
    from ml.quality.perplexity import Perplexity

CONTRACT: Final = "perplexity/1"


@click.command(
    epilog="Examples:\n\n\b\n  ledger run perplexity model.gguf text.txt\n"
    "  ledger run perplexity model.gguf text.txt --context 1024 --stride 512 --json\n"
    "  ledger run perplexity model.gguf --ids-file ids.json --engine b --device cuda:0"
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@text_options
@pass_options
@base.ledger_option
@base.json_option
def perplexity(
    model: Path,
    file: Path | None,
    ids_file: Path | None,
    bos: bool,
    context: int | None,
    stride: int | None,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> None:
    """Score the text of FILE by MODEL: nats a token, perplexity, bits a byte.

    The text is cut into passages of --context tokens, --stride apart; each token counts once. The
    interval is 95 % of the mean, by drawing blocks of up to 64 neighbouring tokens again: of fewer
    than 8 blocks none is given.
    """
    settings = settings_of(asked)
    with base.open_ledger(ledger_dir) as ledger:
        text = read_text(model, file, ids_file, bos=bos)
        run, scored = record_perplexity(
            ledger, model, text, settings, context=context, stride=stride
        )
    base.print_table(_table(scored, text), "json" if as_json else "table")
    base.say(
        f"{run}: {scored.scored} of {scored.tokens} tokens scored, in {scored.passages} passages "
        f"on {scored.device}"
    )


def record_perplexity(
    ledger: base.Ledger,
    path: Path,
    text: Text,
    settings: "Settings",
    *,
    context: int | None = None,
    stride: int | None = None,
) -> "tuple[str, Perplexity]":
    """Score and record; returns the run's name and what was found.

    Raises `BadArguments` before a run begins, `ExecutorFailed` for a run that failed.
    """
    from ml.quality.passages import check_text, choose_cut
    from ml.quality.perplexity import perplexity as score
    from ml.quality.settings import open_scorer, request_for

    opened = open_file(path)
    with base.bad_input():
        cut = choose_cut(opened.config, context, stride)
        ids = check_text(text.ids, opened.config)
        request_for(opened, settings)
    arguments = {"model": path.name, "context": cut.context, "stride": cut.stride}
    beginning = begin({"model": opened}, settings, arguments=arguments, inputs=text.inputs)
    with (
        base.progress("scoring") as report,
        base.start(ledger, "perplexity", beginning.facts) as run,
    ):
        beginning.check_device()
        with base.ml_errors():
            scorer = open_scorer(path, settings).scorer
            scored = score(
                scorer,
                ids,
                cut,
                opened.config.vocabulary,
                progress=lambda _stage, done, total: report(done, total),
            )
        _measure(run, opened, text, cut, settings, scored)
        return run.name, scored


def _measure(
    run: base.Run,
    model: "Model",
    text: Text,
    cut: "Cut",
    settings: "Settings",
    scored: "Perplexity",
) -> None:
    """Record the numbers. Nats belong to one tokenizer; bits a byte do not, and say so."""
    from ml.quality.vocabularies import tokenizer_digest

    tokenizer = tokenizer_digest(model.container)
    shared = {
        "contract": CONTRACT,
        "model": f"sha256:{model.container.digest()}",
        "context": cut.context,
        "stride": cut.stride,
        **settings_key(settings, scored.device),
    }
    key = {
        **shared,
        **text.inputs,
        "tokenizer": "none in the file" if tokenizer is None else f"sha256:{tokenizer}",
        "n": scored.scored,
    }
    run.measure("nats_per_token", number(scored.nats_per_token), "nats", key)
    run.measure("perplexity", number(scored.perplexity), "perplexity", key)
    run.measure("token_accuracy", scored.accuracy, "share", key)
    if scored.interval is not None:
        for side, value in zip(("low", "high"), scored.interval, strict=True):
            run.measure(
                f"nats_per_token_{side}", value, "nats", {**key, "interval": "95 %, blocks"}
            )
    if text.size_bytes is not None:
        bits = number(scored.bits_per_byte(text.size_bytes))
        data = {"text": f"sha256:{text.sha256}"}
        run.measure("bits_per_byte", bits, "bits", {**shared, **data})


def _table(scored: "Perplexity", text: Text) -> base.Table:
    from ml.quality.perplexity import exponential

    low, high = scored.interval or (None, None)
    rows: list[tuple[Any, ...]] = [
        ("nats per token", scored.nats_per_token, low, high),
        (
            "perplexity",
            scored.perplexity,
            None if low is None else exponential(low),
            None if high is None else exponential(high),
        ),
    ]
    if text.size_bytes is not None:
        scale = scored.bits_per_byte(text.size_bytes) / scored.nats_per_token
        ends = (None if end is None else end * scale for end in (low, high))
        rows.append(("bits per byte", scored.bits_per_byte(text.size_bytes), *ends))
    rows += [("accuracy", scored.accuracy, None, None), ("n", scored.scored, None, None)]
    return base.Table(("quantity", "value", "low", "high"), tuple(rows))
