"""The options of a training run, one row each."""

from collections.abc import Callable
from typing import Any, Final

import attrs
import click

from executors.training.asked import Asked

_USUAL: Final = {field.name: field.default for field in attrs.fields(Asked)}
#: Option, type, and what it says; the default is that of `Asked`.
_ROWS: Final[tuple[tuple[str, str, Any, str], ...]] = (
    ("--preset", "preset", str, "Size of the model: tiny, small, 124m or 370m."),
    ("--steps", "steps", int, "Steps of the whole run; the learning rate falls until the last."),
    ("--batch", "batch", int, "Windows in one pass."),
    ("--accumulate", "accumulate", int, "Passes whose gradients make one step."),
    ("--sequence", "sequence", int, "Tokens of a window [default: the preset's]."),
    ("--lr", "lr", float, "Highest learning rate."),
    ("--min-lr", "min_lr", float, "Learning rate of the last step [default: a tenth of --lr]."),
    ("--warmup", "warmup", int, "Steps of linear warm-up [default: a tenth of --steps, to 1000]."),
    ("--weight-decay", "weight_decay", float, "Decay of matrices; norms do not decay."),
    ("--clip", "clip", float, "Largest norm of all gradients; a larger one is scaled to it."),
    ("--seed", "seed", int, "Of the first weights and the order of the data."),
    ("--device", "device", str, "cpu, cuda, cuda:N or auto."),
    ("--compute", "compute", click.Choice(("float32", "bfloat16")),
     "Type of products [default: float32 on a processor, bfloat16 on a card]."),
    ("--eval-every", "evaluate_every", int, "Steps between looks at the held-out windows."),
    ("--held-out-windows", "held_out_windows", int, "How many of them, the same ones each time."),
    ("--checkpoint-every", "checkpoint_every", int, "Steps between checkpoints."),
    ("--checkpoints", "checkpoints", click.Choice(("safetensors", "apr")),
     "What checkpoints are written as."),
    ("--samples", "samples", int, "Held-out documents whose beginning is continued; 0 for none."),
    ("--sample-every", "sample_every", int, "Steps between samples; 0 for the end alone."),
    ("--patience", "patience", int, "End after so many looks without a fall beyond chance."),
    ("--target", "target", float, "End once the interval of the held-out loss is at or below."),
    ("--min-tokens-per-sec", "least_tokens_per_second", float, "Fail below this throughput."),
    ("--max-tokens-per-sec", "most_tokens_per_second", float, "Fail above this throughput."),
)  # fmt: skip


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `Asked`."""
    for option, name, kind, says in reversed(_ROWS):
        usual = _USUAL[name]
        command = click.option(
            option, name, type=kind, default=usual, show_default=usual is not None, help=says
        )(command)
    command = click.option(
        "--force-under-provisioned",
        is_flag=True,
        help="Train with fewer than 10 tokens a parameter; recorded.",
    )(command)
    return click.option("--wrap", is_flag=True, help="Go through the corpus more than once.")(
        command
    )
