"""`ledger completion`: the script that makes a shell complete commands, kinds and queries."""

import click
from click.shell_completion import get_completion_class

from ledger.errors import BadArguments


@click.command(
    epilog='Examples:\n\n\b\n  eval "$(ledger completion bash)"\n'
    "  ledger completion fish > ~/.config/fish/completions/ledger.fish"
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script for SHELL."""
    from ledger.cli import cli

    found = get_completion_class(shell)
    if found is None:
        raise BadArguments(f"no completion for {shell}", hint="bash, zsh and fish are supported")
    click.echo(found(cli, {}, "ledger", "_LEDGER_COMPLETE").source())
