"""`ledger run …`: the group that `ledger` finds through its entry-point group."""

import importlib

import click

from executors import EXECUTORS


class Executors(click.Group):
    """A group that loads an executor, and with it numpy or tinygrad, when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the list."""
        return [name for name, _ in EXECUTORS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one executor."""
        if cmd_name not in dict(EXECUTORS):
            return None
        module = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"executors.{module}"), module)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the executors without loading them."""
        with formatter.section("Executors"):
            formatter.write_dl(list(EXECUTORS))


@click.command(
    "run",
    cls=Executors,
    short_help="Run an executor: measure something and record it.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples:\n\n\b\n  ledger run trace model.gguf --prompt 'hello the'\n"
    "  ledger run compare trace-0001 trace-0002",
)
def run() -> None:
    """Run an executor. What it measures is recorded as it happens; a failure is recorded too."""
