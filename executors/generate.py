"""`ledger run generate`: what a model makes of a prompt, recorded with its margins."""

import contextlib
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base
from executors.quality.starting import KEPT_IDS, begin, open_file, settings_key, settings_of
from executors.tracing.options import pass_options
from executors.tracing.prompt import open_tokenizer, read_chat, read_prompt, read_text

if TYPE_CHECKING:
    from ml.architectures import Model
    from ml.generation import Generation
    from ml.passes import Settings
    from ml.tokenizer import Tokenizer

CONTRACT: Final = "generation/1"
#: The steps at the beginning that kernels are compiled in.
_FIRST_STEPS: Final = 2
_EXAMPLES: Final = (
    "Examples:\n\n\b\n  ledger run generate model.gguf --prompt 'hello the' --max-tokens 32\n"
    "  ledger run generate model.gguf --chat 'What is a ledger?' --system 'Be brief.'\n"
    "  ledger run generate model.gguf --prompt-file code.py --check-python\n"
    "  ledger run generate model.gguf --prompt hello --temperature 0.8 --top-k 40 --top-p 0.95 "
    "--seed 7\n"
    "  ledger run generate model.gguf --ids 319,75,75 --engine b --device cuda:0 --json"
)


@attrs.frozen(slots=True, kw_only=True)
class Asked:
    """How tokens are chosen, and what ends them."""

    max_tokens: int
    temperature: float
    top_k: int
    top_p: float
    seed: int
    stop: tuple[str, ...]
    end: bool
    """Whether a token that ends a text ends the generation."""


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--prompt", help="The prompt as text, encoded by the model's own vocabulary.")
@click.option(
    "--prompt-file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE|-",
    help="The same from a file.",
)
@click.option("--chat", metavar="TEXT", help="A message, put into the model's chat template.")
@click.option("--system", metavar="TEXT", help="The system's message before --chat.")
@click.option(
    "--template", default="default", show_default=True, help="Which template of the file."
)
@click.option("--date", metavar="YYYY-MM-DD", help="What the template's clock says; else none.")
@click.option("--ids", metavar="N,N,…", help="The prompt as token ids.")
@click.option(
    "--ids-file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE|-",
    help="The same from a file: numbers between commas or white space, or a JSON list.",
)
@click.option("--bos", is_flag=True, help="Put the vocabulary's BOS token before the text.")
@pass_options
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="At the most so many tokens.",
)
@click.option(
    "--temperature",
    type=float,
    default=0.0,
    show_default=True,
    help="0 takes the likeliest token; above, tokens are drawn.",
)
@click.option("--top-k", type=int, default=0, show_default=True, help="The k likeliest; 0: all.")
@click.option(
    "--top-p",
    type=float,
    default=1.0,
    show_default=True,
    help="The fewest of the likeliest whose probabilities sum to this.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="What draws begin from.")
@click.option("--stop", multiple=True, metavar="TEXT", help="End before this text; repeatable.")
@click.option(
    "--end/--no-end",
    default=True,
    show_default=True,
    help="End at a token that the vocabulary ends texts or turns with.",
)
@click.option(
    "--check-python",
    is_flag=True,
    help="Parse prompt and text together as Python (never run it); exit code 1 if it is none.",
)
@base.ledger_option
@base.json_option
def generate(
    model: Path,
    engine: str,
    device: str,
    kv: str,
    activation: str,
    ledger_dir: str | None,
    as_json: bool,
    check_python: bool,
    **given: Any,  # noqa: ANN401 - the prompt, and the fields of Asked
) -> int:
    """Continue a prompt with MODEL and record what came of it.

    Text is printed as it comes. The ids, their margins (the largest logit less the second at each
    step) and the text are kept; how fast it went is measured beside them.
    """
    settings = settings_of({"engine": engine, "device": device, "kv": kv, "activation": activation})
    asked = Asked(**{name: given[name] for name in attrs.fields_dict(Asked)})
    _check_sampling(asked)
    with base.open_ledger(ledger_dir) as ledger:
        opened = open_file(model)
        tokens = _prompt(model, given)
        tokenizer = open_tokenizer(model, needed=given["ids"] is None and given["ids_file"] is None)
        shows = not as_json and tokenizer is not None
        run, made = record_generation(
            ledger,
            opened,
            model,
            tokens,
            settings,
            asked,
            tokenizer,
            on_text=_show if shows else None,
        )
        if as_json:
            base.print_table(_table(run, made), "json")
        else:
            click.echo("" if shows else ",".join(map(str, made.ids)))
        base.say(f"{run}: {_sentence(made)}")
        _tell_signs(made)
        error = _python_error(tokenizer, tokens, made) if check_python else None
        if error:
            base.say(f"this is no Python: {error}")
        return 1 if error else 0


def record_generation(
    ledger: base.Ledger,
    opened: "Model",
    path: Path,
    tokens: list[int],
    settings: "Settings",
    asked: Asked,
    tokenizer: "Tokenizer | None",
    on_text: Any = None,  # noqa: ANN401 - called with text
) -> "tuple[str, Generation]":
    """Generate and record; returns the run's name and what came of it.

    Raises `BadArguments` before a run begins, `ExecutorFailed` for a run that failed.
    """
    from ml import identity
    from ml.generation import Stop, make_sampler, open_generator
    from ml.prompts import check_ids

    with base.bad_input():
        check_ids(tokens, opened.config)
    names = {"tokens": f"sha256:{identity.tokens_sha256(tokens)}"}
    arguments = {"model": path.name, "ids": tokens[:KEPT_IDS], **_arguments(asked)}
    seed = asked.seed if asked.temperature else None
    beginning = begin({"model": opened}, settings, arguments=arguments, inputs=names, seed=seed)
    sampler = make_sampler(**_sampling(asked))
    ends = tokenizer.end_ids if tokenizer is not None and asked.end else frozenset[int]()
    with (
        _progress(on_text) as report,
        base.start(ledger, "generate", beginning.facts) as run,
    ):
        beginning.check_device()
        with (
            base.ml_errors(),
            open_generator(
                opened,
                **attrs.asdict(settings),
                progress=lambda _stage, done, total: report(done, total),
            ) as generator,
        ):
            made = generator.generate(
                tokens,
                sampler=sampler,
                max_tokens=asked.max_tokens,
                stop=Stop(ids=ends, texts=asked.stop),
                tokenizer=tokenizer,
                on_text=on_text,
            )
        _record(run, opened, settings, asked, names, made)
        return run.name, made


def _record(
    run: base.Run,
    opened: "Model",
    settings: "Settings",
    asked: Asked,
    names: dict[str, str],
    made: "Generation",
) -> None:
    """Record what was made, as a text, and what can be said of it in numbers."""
    from ml.generation.document import document, tokens_per_second
    from ml.generation.quality import signs

    model = f"sha256:{opened.container.digest()}"
    key = {
        "contract": CONTRACT,
        "model": model,
        **names,
        **settings_key(settings, made.device),
        **{name: str(value) for name, value in _arguments(asked).items()},
    }
    run.measure("generated_tokens", len(made.ids), "tokens", key)
    run.measure("generation", document(made), None, key)
    run.measure("smallest_margin", min(made.margins), "logit", key)
    if made.text is not None:
        run.measure("text_signs", len(signs(made.text, made.ids)), "count", key)
    run.measure("prefill_seconds", made.seconds_prefill, "s", key)
    rate = tokens_per_second(made, _FIRST_STEPS)
    if rate is not None:
        run.measure("decode_tokens_per_second", rate, "tokens/s", key)


def _sampling(asked: Asked) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in ("temperature", "top_k", "top_p", "seed")}


def _arguments(asked: Asked) -> dict[str, Any]:
    return {**attrs.asdict(asked), "stop": list(asked.stop)}


def _check_sampling(asked: Asked) -> None:
    from ml.generation import make_sampler

    with base.bad_input():
        make_sampler(**_sampling(asked))


def _prompt(model: Path, given: dict[str, Any]) -> list[int]:
    """Token ids from whichever option gives the prompt. Raises `BadArguments`."""
    ways = ("prompt", "prompt_file", "chat", "ids", "ids_file")
    if sum(given[name] is not None for name in ways) != 1:
        raise base.BadArguments(
            "give the prompt once: as --prompt, --prompt-file, --chat, --ids or --ids-file",
            hint="--prompt 'hello', or --chat 'hello' for a model that has a chat template",
        )
    if given["system"] is not None and given["chat"] is None:
        raise base.BadArguments("--system goes with --chat", hint="give the message as --chat")
    if given["chat"] is not None:
        if given["bos"]:
            raise base.BadArguments(
                "--bos goes with --prompt", hint="a chat template puts BOS where it wants it"
            )
        return read_chat(model, given["chat"], given["system"], given["template"], given["date"])
    text = given["prompt"]
    if given["prompt_file"] is not None:
        text = read_text(given["prompt_file"], "--prompt-file")
    return read_prompt(model, given["ids"], given["ids_file"], text, bos=given["bos"])


def _progress(on_text: Any) -> Any:  # noqa: ANN401 - a context that gives a function
    """A bar, but not over text that is printed to the same terminal."""
    if on_text is not None and sys.stdout.isatty():
        return contextlib.nullcontext(lambda _done, _total: None)
    return base.progress("generating")


def _show(text: str) -> None:
    """Print text at once; to a terminal, control characters are spelled: it could be a command."""
    click.echo(spelled(text) if sys.stdout.isatty() else text, nl=False)
    sys.stdout.flush()


def spelled(text: str) -> str:
    """Text whose control characters, but for tabs and line feeds, are written as `\\x1b`."""
    return "".join(
        c.encode("unicode_escape").decode()
        if c not in "\t\n" and unicodedata.category(c) in ("Cc", "Cf")
        else c
        for c in text
    )


def _table(run: str, made: "Generation") -> base.Table:
    columns = ("run", "text", "ids", "margins", "stopped_by", "device")
    row = (run, made.text, list(made.ids), list(made.margins), made.stopped_by, made.device)
    return base.Table(columns, (row,))


def _sentence(made: "Generation") -> str:
    from ml.generation.document import tokens_per_second

    rate = tokens_per_second(made, _FIRST_STEPS)
    speed = "" if rate is None else f", {rate:.1f} tokens/s"
    return (
        f"{len(made.prompt)} tokens in, {len(made.ids)} out on {made.device}{speed}; "
        f"stopped by {made.stopped_by}; smallest margin {min(made.margins):.4g}"
    )


def _tell_signs(made: "Generation") -> None:
    from ml.generation.quality import signs

    for sign in signs(made.text, made.ids) if made.text is not None else ():
        base.say(f"  {sign.name}: {sign.value:.3g}, and {sign.threshold:g} is usual")


def _python_error(
    tokenizer: "Tokenizer | None", tokens: list[int], made: "Generation"
) -> str | None:
    from ml.generation.quality import python_error

    if tokenizer is None or made.text is None:
        return "there is no text to parse"
    return python_error(tokenizer.decode(tokens) + made.text)
