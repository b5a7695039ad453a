"""`ledger run divergence`: how far two models part on one text, token by token."""

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
    from ml.quality.divergence import Divergence
    from ml.quality.passages import Cut

CONTRACT: Final = "divergence/1"


@click.command(
    epilog="Examples:\n\n\b\n  ledger run divergence model-f16.gguf model-Q4_K_M.gguf text.txt\n"
    "  ledger run divergence a.gguf b.gguf --ids-file ids.json --context 256 --json\n"
    "  ledger run divergence a.gguf b.gguf text.txt --engine-b b --activation-b q8"
)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@text_options
@pass_options
@click.option("--engine-b", metavar="ENGINE", help="Engine of B, if not A's.")
@click.option("--activation-b", metavar="none|q8", help="Activations of B, if not A's.")
@base.ledger_option
@base.json_option
def divergence(
    a: Path,
    b: Path,
    file: Path | None,
    ids_file: Path | None,
    bos: bool,
    context: int | None,
    stride: int | None,
    engine_b: str | None,
    activation_b: str | None,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - what a pass is computed by
) -> None:
    """Hold what models A and B predict for the text of FILE against each other.

    The Kullback-Leibler divergence of B from A at each token, in nats: mean, median, 99th
    percentile and largest; and how often the likeliest token is the same. A says how text becomes
    ids; with another tokenizer in B the two are incomparable, and nothing is computed.
    """
    first = settings_of(asked)
    changes = {"engine": engine_b, "activation": activation_b}
    second = settings_of({**asked, **{k: v for k, v in changes.items() if v is not None}})
    with base.open_ledger(ledger_dir) as ledger:
        text = read_text(a, file, ids_file, bos=bos)
        run, found = record_divergence(
            ledger, (a, b), text, (first, second), context=context, stride=stride
        )
    base.print_table(_table(found), "json" if as_json else "table")
    value, at = found.largest
    base.say(
        f"{run}: {found.scored} tokens scored; "
        f"furthest apart at scored token {at}: {value:.4g} nats"
    )


def record_divergence(
    ledger: base.Ledger,
    paths: tuple[Path, Path],
    text: Text,
    settings: "tuple[Settings, Settings]",
    *,
    context: int | None = None,
    stride: int | None = None,
) -> "tuple[str, Divergence]":
    """Compare and record; returns the run's name and what was found.

    Raises `BadArguments` before a run begins, also for models that are incomparable;
    `ExecutorFailed` for a run that failed.
    """
    from ml.quality.divergence import divergence as compare
    from ml.quality.passages import check_text, choose_cut
    from ml.quality.settings import open_scorer, request_for
    from ml.quality.vocabularies import check_one_vocabulary

    models = (open_file(paths[0]), open_file(paths[1]))
    with base.bad_input():
        check_one_vocabulary(*models)
        shortest = min((model.config for model in models), key=lambda c: c.context_length)
        cut = choose_cut(shortest, context, stride)
        ids = check_text(text.ids, shortest)
        for model, one in zip(models, settings, strict=True):
            request_for(model, one)
    beginning = begin(
        dict(zip("ab", models, strict=True)),
        settings[0],
        arguments={
            "a": paths[0].name,
            "b": paths[1].name,
            "settings_b": str(settings[1]),
            "context": cut.context,
            "stride": cut.stride,
        },
        inputs=text.inputs,
    )
    with (
        base.progress("comparing") as report,
        base.start(ledger, "divergence", beginning.facts) as run,
    ):
        beginning.check_device()
        with base.ml_errors():
            left, right = (
                open_scorer(path, one).scorer for path, one in zip(paths, settings, strict=True)
            )
            found = compare(
                (left, right),
                ids,
                cut,
                shortest.vocabulary,
                progress=lambda _stage, done, total: report(done, total),
            )
        _measure(run, models, text, cut, settings, found)
        return run.name, found


def _measure(
    run: base.Run,
    models: "tuple[Model, Model]",
    text: Text,
    cut: "Cut",
    settings: "tuple[Settings, Settings]",
    found: "Divergence",
) -> None:
    key: dict[str, Any] = {
        "contract": CONTRACT,
        "context": cut.context,
        "stride": cut.stride,
        **text.inputs,
        "n": found.scored,
    }
    for name, model, one, device in zip("ab", models, settings, found.devices, strict=True):
        key[name] = f"sha256:{model.container.digest()}"
        key |= {f"{field}_{name}": value for field, value in settings_key(one, device).items()}
    for metric, value in (
        ("kl_mean", found.mean),
        ("kl_median", found.quantile(0.5)),
        ("kl_p99", found.quantile(0.99)),
        ("kl_max", found.largest[0]),
    ):
        run.measure(metric, number(value), "nats", key)
    run.measure("top_token_agreement", found.agreement, "share", key)
    run.measure("loss_difference", number(float(found.differences.mean())), "nats", key)
    if found.interval is not None:
        for side, end in zip(("low", "high"), found.interval, strict=True):
            run.measure(f"kl_mean_{side}", end, "nats", {**key, "interval": "95 %, blocks"})


def _table(found: "Divergence") -> base.Table:
    low, high = found.interval or (None, None)
    rows = (
        ("KL mean", found.mean, low, high),
        ("KL median", found.quantile(0.5), None, None),
        ("KL p99", found.quantile(0.99), None, None),
        ("KL max", found.largest[0], None, None),
        ("top token agrees", found.agreement, *found.agreement_interval),
        ("loss of b less a", float(found.differences.mean()), None, None),
        ("n", found.scored, None, None),
    )
    return base.Table(("quantity", "value", "low", "high"), rows)
