"""What a pass is asked for: the options of the commands that make one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_PROMPT = (
    click.option("--ids", metavar="N,N,…", help="The prompt as token ids."),
    click.option(
        "--ids-file",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        metavar="FILE|-",
        help="The same from a file: numbers between commas or white space, or a JSON list.",
    ),
    click.option("--prompt", help="The prompt as text, encoded by the model's own vocabulary."),
    click.option("--bos", is_flag=True, help="Put the vocabulary's BOS token before --prompt."),
)
_PASS = (
    click.option(
        "--engine",
        default="a",
        show_default=True,
        help="a: tinygrad with dequantised weights; b: tinygrad with packed integer weights; "
        "numpy: the float64 reference.",
    ),
    click.option(
        "--activation",
        type=click.Choice(("none", "q8")),
        default="none",
        show_default=True,
        help="Quantise activations before each product, as llama.cpp does (engine b).",
    ),
    click.option(
        "--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto to choose."
    ),
    click.option(
        "--kv",
        type=click.Choice(("f32", "f16")),
        default="f32",
        show_default=True,
        help="Type in which keys and values are kept.",
    ),
)
_LOOK = (
    click.option(
        "--batching",
        type=click.Choice(("prefill", "one-by-one")),
        help="All tokens at once, or each by itself, as generation does it (else prefill; "
        "one-by-one with --generate).",
    ),
    click.option(
        "--points",
        multiple=True,
        metavar="GLOB[,GLOB…]",
        help="Capture points, such as 'q_*,output' (else the seeds' ten and the model's three); "
        "repeatable.",
    ),
    click.option(
        "--rows",
        default="all",
        show_default=True,
        metavar="all|last|SLICE",
        help="Rows of the prompt that statistics cover and that are kept, such as -16: or 0:64:4.",
    ),
    click.option(
        "--generate",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="COUNT",
        help="Go on with this many tokens, each the likeliest.",
    ),
    click.option(
        "--every",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Of the generated tokens, look at every Nth.",
    ),
)


def prompt_options(function: F) -> F:
    """Add --ids, --ids-file, --prompt, --bos."""
    return _all(_PROMPT, function)


def pass_options(function: F) -> F:
    """Add what a pass is computed by: --engine, --activation, --device, --kv."""
    return _all(_PASS, function)


def look_options(function: F) -> F:
    """Add how ids are taken and what is looked at: --batching, --points, --rows, --generate, …."""
    return _all(_LOOK, function)


def _all(options: tuple[Callable[[F], F], ...], function: F) -> F:
    for option in reversed(options):
        function = option(function)
    return function
