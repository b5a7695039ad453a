"""The command line: `ledger` and `research-ledger`.

Commands are listed here and loaded when called, so that `ledger --help` imports neither duckdb nor
tinygrad. Commands from other rooms and packages come through the entry-point group
`ledger.commands`; a broken one still shows in `--help`, with the reason. This is the one place
where errors are caught: stdout is the result, stderr is talk, the exit code is the verdict.
"""

import importlib
import importlib.util
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import click

import ledger
from ledger.cli import stopping
from ledger.errors import LedgerError, StoreFailed

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "ledger.commands"

#: Name, where it is, and its line in `ledger --help`, in the order of a day's work.
COMMANDS: Final = (
    ("init", "ledger.cli.init:init", "Make a new ledger."),
    ("record", "ledger.cli.record:record", "Append an event, or a stream of them."),
    ("contract", "ledger.cli.contract:contract", "Check and record files of criteria."),
    ("query", "ledger.cli.query:query", "Ask the record: named queries or read-only SQL."),
    ("judge", "ledger.cli.judge:judge", "Evaluate criteria against measured evidence."),
    ("board", "ledger.cli.board:board", "Print the board: criteria, status, evidence, tally."),
    ("runs", "ledger.cli.runs:runs", "List runs with the marks that monitors give them."),
    ("impact", "ledger.cli.consequences:impact", "List everything that rests on an entry."),
    ("stale", "ledger.cli.consequences:stale", "List what must be looked at again."),
    (
        "what-if",
        "ledger.cli.consequences:what_if",
        "Show the board as if something stood otherwise.",
    ),
    (
        "section",
        "ledger.cli.section:section",
        "Write, publish and supersede sections of the specification.",
    ),
    (
        "next-action",
        "ledger.cli.next_action:next_action",
        "State what is to be done next, and that it was done.",
    ),
    ("picture", "ledger.cli.picture:picture", "Draw curves, heat maps, diagrams and the board."),
    ("diff", "ledger.cli.diff:diff", "Say what changed between two positions or checkpoints."),
    ("render", "ledger.cli.render:render", "Regenerate documents and evidence files."),
    ("site", "ledger.cli.site:site", "Write the record as a static site."),
    ("template", "ledger.cli.template:template", "List, check and start document templates."),
    ("audit", "ledger.cli.audit:audit", "Recompute everything and say what does not hold."),
    ("reveal", "ledger.cli.reveal:reveal", "Show committed values while they are there."),
    ("redact", "ledger.cli.redact:redact", "Take a committed value away for good."),
    ("blobs", "ledger.cli.blobs:blobs", "List the evidence kept, and clean up what is stray."),
    ("export", "ledger.cli.export:export", "Write the record to a file, to move or to verify it."),
    ("merge", "ledger.cli.merge:merge", "Take over what another ledger recorded, on a branch."),
    ("import", "ledger.cli.import_history:import_history", "Take in a history from elsewhere."),
    ("demo", "ledger.cli.demo:demo", "Run the whole flow on a tiny model in a fresh folder."),
    ("completion", "ledger.cli.completion:completion", "Print the script for shell completion."),
)


class Commands(click.Group):
    """A group that loads its commands when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Our own commands in order, then those of entry points."""
        return [name for name, _, _ in COMMANDS] + sorted(point.name for point in _points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command; a broken entry point becomes a command that says why."""
        for name, place, _ in COMMANDS:
            if name == cmd_name:
                module, _, attribute = place.partition(":")
                command: click.Command = getattr(importlib.import_module(module), attribute)
                return command
        for point in _points():
            if point.name == cmd_name:
                return _load(point)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading our own."""
        lines = [(name, text) for name, _, text in COMMANDS]
        for name in self.list_commands(ctx)[len(COMMANDS) :]:
            command = self.get_command(ctx, name)
            lines.append((name, command.get_short_help_str(200) if command else ""))
        with formatter.section("Commands"):
            formatter.write_dl(lines)


def _points() -> "list[EntryPoint]":
    from importlib.metadata import entry_points  # costs 20 ms, which our own commands save

    return list(entry_points(group=GROUP))


def _load(point: "EntryPoint") -> click.Command:
    try:
        command = point.load()
    except Exception as error:
        return _broken(point.name, f"{type(error).__name__}: {error}")
    if not isinstance(command, click.Command):
        return _broken(point.name, f"{point.value} is not a click command")
    return command


def _broken(name: str, reason: str) -> click.Command:
    """A command that stands for one that could not be loaded."""

    @click.command(
        name,
        help=f"Not available: {reason}",
        short_help=f"not available: {reason}",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def broken() -> None:
        raise click.ClickException(f"{name} is not available: {reason}")

    return broken


@click.command(
    "ledger",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Examples:\n\n\b\n  ledger init\n  ledger record note.added --text 'cold cache'\n"
    "  ledger run trace model.gguf --prompt 'hello'\n  ledger board\n  ledger audit",
)
@click.version_option(ledger.__version__, prog_name="research-ledger")
def cli() -> None:
    """Keep a research notebook that cannot lie.

    Every claim, run and verdict is an append-only event; documents are regenerated from the record
    and audited against it.
    """


class _Stdout:
    """Standard output that outlives its reader: after `| head` the verdict is still reached.

    Where the system refuses the bytes for another reason, such as a full disk, that is an error.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, to nobody once the reader is gone."""
        try:
            # click asks with an empty text what kind of stream this is, and drops the error.
            return self._stream.write(text) if text != "" else 0
        except OSError as error:
            self._let_go(error)
        return len(text)

    def flush(self) -> None:
        """Flush, likewise."""
        try:
            self._stream.flush()
        except OSError as error:
            self._let_go(error)

    def _let_go(self, error: OSError) -> None:
        """Send what follows nowhere. Raises `StoreFailed` unless it was the reader who left."""
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._stream.fileno())
        os.close(null)
        if not isinstance(error, BrokenPipeError):
            raise StoreFailed(
                f"cannot write the answer: {error.strerror}", hint="check where stdout goes"
            ) from error

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        return getattr(self._stream, name)


def main() -> None:
    """Entry point of both console scripts."""
    # A run that is told to stop says so in the record, as it does when interrupted.
    stopping.listen()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        sys.stdout = cast("TextIO", _Stdout(sys.stdout))
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    foreign = find_foreign()
    if foreign is not None:
        click.echo(foreign, err=True)
        return 7
    try:
        result = cli.main(args=arguments, prog_name="ledger", standalone_mode=False)
        if sys.stdout is not None:  # a process may be started without one
            sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except LedgerError as error:
        show(error)
        return error.exit_code
    return result if isinstance(result, int) else 0


def show(error: LedgerError) -> None:
    """Print an error to stderr: what happened, every reason, and what to do next."""
    where = getattr(error, "offset", None)
    at = f" (byte {where})" if where is not None else ""
    click.echo(click.style(f"{error.name}: ", fg="red", bold=True) + error.message + at, err=True)
    for reason in getattr(error, "reasons", ()):
        click.echo(f"  - {reason}", err=True)
    click.echo(f"hint: {error.hint}", err=True)


def find_foreign() -> str | None:
    """What to tell a user whose `ledger`, `executors` or `ml` is another project's; else None.

    PyPI has foreign distributions of these names, and installing one overwrites ours silently.
    """
    home = Path(__file__).resolve().parents[2]
    for name in ("ledger", "executors", "ml"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        ours = origin is not None and origin.parents[1] == home
        if name == "ledger":
            ours = ours and getattr(ledger, "__distribution__", None) == "research-ledger"
        if not ours:
            from importlib.metadata import packages_distributions

            owners = packages_distributions().get(name, [])
            others = [owner for owner in owners if owner != "research-ledger"] or [
                "another project"
            ]
            return (
                f"the package {name!r} here is {', '.join(others)}, not research-ledger\n"
                "hint: install research-ledger into an environment of its own"
            )
    return None
