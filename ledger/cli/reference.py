"""The reference pages, made from the code: `python -m ledger.cli.reference [--check]`.

    commands.md   every command with its options and examples, from click
    events.md     every kind of event with its fields
    queries.md    every named query with its parameters and columns
    rules.md      what each rule forbids
    statuses.md   how rows and claims move, as a table and a diagram

They lie in spec/reference/ of the clone. Same code, same bytes: fixed width, no colours, no clock.
"""

import importlib.metadata
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

import ledger
from ledger.cli import COMMANDS, GROUP, cli
from ledger.cli.base import say
from ledger.cli.record import type_text
from ledger.events import FAMILIES, KINDS
from ledger.events.base import Kind, field_docs
from ledger.events.form import field_types
from ledger.queries import QUERIES, Query, find_query
from ledger.rules import RULES
from ledger.statuses import FIRST, MEANINGS, MOVES, NEEDS, Move, SubjectType

FOLDER: Final = Path(__file__).resolve().parents[2] / "spec" / "reference"
WIDTH: Final = 100
_NOTE: Final = "*Made from the code by `make docs`; not edited by hand.*"


def commands_page() -> str:
    """Every command and subcommand, as its --help prints it."""
    top = _context(cli, "ledger", None)
    parts = [
        "# Commands",
        _NOTE,
        "Exit codes and what goes to stdout and stderr: [README](../../README.md#exit-codes).",
        *_command_parts(cli, top, _own_names()),
    ]
    return _page(parts)


def _own_names() -> list[str]:
    """Our commands: those of `COMMANDS`, and entry points of this distribution, no one else's."""
    points = importlib.metadata.entry_points(group=GROUP)
    own = [p.name for p in points if p.dist and p.dist.name == ledger.__distribution__]
    return [name for name, _, _ in COMMANDS] + sorted(own)


def _command_parts(
    command: click.Command, ctx: click.Context, names: Sequence[str] | None = None
) -> Iterator[str]:
    path = ctx.command_path
    yield f"## {path}"
    yield f"```text\n{_help_text(command, ctx, names)}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx) if names is None else names:
            found = command.get_command(ctx, name)
            if found is not None:
                yield from _command_parts(found, _context(found, name, ctx))


def _help_text(command: click.Command, ctx: click.Context, names: Sequence[str] | None) -> str:
    """The help text; of the top group only the commands in `names` are listed."""
    lines = command.get_help(ctx).rstrip().splitlines()
    if names is not None and isinstance(command, click.Group):
        foreign = tuple(f"  {n} " for n in command.list_commands(ctx) if n not in names)
        lines = [line for line in lines if not line.startswith(foreign)]
    return "\n".join(line.rstrip() for line in lines)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    return click.Context(command, info_name=name, parent=parent, **settings)


def events_page() -> str:
    """Every kind of event, by family, in the order of the list."""
    parts = [
        "# Kinds of event",
        _NOTE,
        "A kind is named by (kind, schema version). The fields below are the `body` of an entry; "
        "what stands around it is described in [entry.md](../formats/entry.md). "
        "`ledger record KIND --help` prints the same.",
        _bullets((f"**{family}**", text) for family, text in FAMILIES.items()),
    ]
    for family in FAMILIES:
        parts.append(f"## Family {family}")
        for kind in KINDS.values():
            if kind.family == family:
                parts += _kind_parts(kind)
    return _page(parts)


def _kind_parts(kind: Kind) -> Iterator[str]:
    docs = field_docs(kind.event)
    yield f"### {kind.name} v{kind.version}"
    yield f"{kind.summary} Stream `{kind.stream.replace('*', 'NAME')}`."
    yield _table(
        ("field", "type", "meaning"),
        (
            (f"`{name}`", type_text(type_), docs[name])
            for name, type_ in field_types(kind.event).items()
        ),
    )


def queries_page() -> str:
    """Every named query."""
    parts = [
        "# Named queries",
        _NOTE,
        "`ledger query NAME --param value` asks them; `--format` prints a table, JSON, JSONL or "
        "CSV; `--at` asks the record as it stood then. `ledger query --tables` lists the tables "
        "that `--sql` can ask.",
    ]
    for name in QUERIES:
        parts += _query_parts(find_query(name))
    return _page(parts)


def _query_parts(query: Query) -> Iterator[str]:
    yield f"## {query.name}"
    yield query.help
    if query.parameters:
        yield _table(
            ("parameter", "type", "meaning"),
            (
                (f"`--{p.name}`", p.type + (", required" if p.required else ""), p.help)
                for p in query.parameters
            ),
        )
    yield _table(("column", "meaning"), ((f"`{name}`", text) for name, text in query.columns))
    yield "```text\n" + "\n".join(query.examples) + "\n```"


def rules_page() -> str:
    """Every rule."""
    parts = [
        "# Rules",
        _NOTE,
        "Rules run when a decided event is recorded, under the lock, with everything before it "
        "known. All reasons of all rules are given at once, the exit code is 3, and nothing is "
        "recorded. Measurements and reported statements are not judged by them.",
    ]
    for rule in RULES:
        module = inspect.getmodule(rule.check)
        parts += [f"## {rule.name}", f"Forbids {rule.forbids}.", inspect.getdoc(module) or ""]
        parts.append(f"[In plain words](../rules/{rule.name}.md), with a refusal.")
    return _page(parts)


def statuses_page() -> str:
    """Every status of rows and claims, and every legal move."""
    parts = [
        "# Statuses",
        _NOTE,
        "A row or a claim moves from one status to another as the tables below say, and in no "
        "other way. The rule [moves](rules.md#moves) refuses the rest and tells the legal moves. "
        "What follows from numbers is not typed: `ledger judge` and `claim.tested` give it.",
        "## What a move rests on",
        _table(
            ("name", "kinds of entry", "what it is"),
            ((need.name, ", ".join(need.kinds), need.words) for need in NEEDS),
        ),
    ]
    for subject_type, statuses in MEANINGS.items():
        moves = [move for move in MOVES if move.subject_type == subject_type]
        parts += [
            f"## Statuses of a {subject_type}",
            _table(("status", "meaning"), ((f"`{name}`", text) for name, text in statuses.items())),
            f"## Moves of a {subject_type}",
            "The name in a cell is what the move from the row to the column rests on.",
            _move_table(list(statuses), moves),
            _diagram(subject_type, moves),
        ]
    return _page(parts)


def _move_table(statuses: Sequence[str], moves: Sequence[Move]) -> str:
    """From each status to each other one: the needs of the moves there are."""
    reached = [name for name in statuses if any(move.to_status == name for move in moves)]

    def cell(from_status: str, to_status: str) -> str:
        ends = (from_status, to_status)
        return ", ".join(m.need.name for m in moves if (m.from_status, m.to_status) == ends)

    return _table(
        ("from", *reached), ((name, *(cell(name, to) for to in reached)) for name in statuses)
    )


def _diagram(subject_type: SubjectType, moves: Sequence[Move]) -> str:
    """A state diagram (Mermaid). Moves out of many statuses for one reason are drawn once."""
    lines = ["stateDiagram-v2", f"    [*] --> {FIRST[subject_type]}"]
    grouped: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        grouped.setdefault((move.to_status, move.need.name), []).append(move.from_status)
    for (to_status, need), origins in grouped.items():
        if len(origins) > 4:
            lines.append(f"    any --> {to_status}: {need}")
        else:
            lines += [f"    {origin} --> {to_status}: {need}" for origin in origins]
    if any(line.startswith("    any ") for line in lines):
        lines.insert(1, '    state "any status that is not the last" as any')
    ends = {move.to_status for move in moves} - {move.from_status for move in moves}
    lines += [f"    {end} --> [*]" for end in MEANINGS[subject_type] if end in ends]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


#: Every page by file name.
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands.md": commands_page,
    "events.md": events_page,
    "queries.md": queries_page,
    "rules.md": rules_page,
    "statuses.md": statuses_page,
}


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _bullets(items: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {text}" for name, text in items)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def stale_pages(folder: Path = FOLDER) -> list[str]:
    """Names of the pages in `folder` that are missing, or not what the code says."""
    return [
        name
        for name, make in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != make()
    ]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a page is not current.")
def main(check: bool) -> None:
    """Write the reference pages into spec/reference/ of the clone."""
    if not FOLDER.parent.is_dir():
        raise click.ClickException(f"{FOLDER.parent} is not there: run this in a clone")
    stale = stale_pages()
    if check:
        for name in stale:
            say(f"{name} is not current: make docs")
        sys.exit(1 if stale else 0)
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    say(f"{FOLDER}: {len(stale)} written, {len(PAGES) - len(stale)} unchanged")


if __name__ == "__main__":
    main()
