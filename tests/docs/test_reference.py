"""The reference pages are current and leave nothing out."""

import os
import subprocess
import sys

import click
import pytest
from documents import ROOT

from executors import EXECUTORS
from ledger.cli import COMMANDS, cli
from ledger.cli.reference import FOLDER, PAGES, stale_pages
from ledger.events import EVENTS, FAMILIES
from ledger.events.base import field_docs
from ledger.queries import QUERIES, find_query
from ledger.rules import RULES


def _commands(command, path):
    """(path, command) of a command and all below it."""
    yield path, command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=path)
        for name in command.list_commands(ctx):
            yield from _commands(command.get_command(ctx, name), f"{path} {name}")


ALL_COMMANDS = dict(_commands(cli, "ledger"))


def page(name):
    """The text of a committed page."""
    return (FOLDER / name).read_text(encoding="utf-8")


def section(text, heading):
    """What stands under a heading, up to the next one of its depth."""
    depth = heading.partition(" ")[0]
    _, found, rest = f"\n{text}".partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return rest.partition(f"\n{depth} ")[0]


def test_pages_are_current():
    """What is committed is what the code says."""
    assert stale_pages() == [], "make docs"


def test_no_other_page_lies_there():
    """A page that nothing makes would never be current."""
    made_elsewhere = {"zoo.md", "faults.md"}  # by tests/zoo and tests/faults
    assert {path.name for path in FOLDER.iterdir()} == {*PAGES, *made_elsewhere}


def test_bytes_do_not_depend_on_the_terminal(tmp_path):
    """Width, colours and completion of the caller's shell change nothing."""
    for name in PAGES:
        (tmp_path / name).write_text("", encoding="utf-8")
    code = (
        "import sys, pathlib; from ledger.cli import reference as r; "
        f"[pathlib.Path({str(tmp_path)!r}, n).write_text(m(), 'utf-8') for n, m in r.PAGES.items()]"
    )
    environment = {**os.environ, "COLUMNS": "40", "TERMINAL_WIDTH": "40", "FORCE_COLOR": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert stale_pages(tmp_path) == []


def test_check_writes_nothing_and_ends_with_zero():
    """As CI would ask."""
    command = [sys.executable, "-m", "ledger.cli.reference", "--check"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_a_changed_page_is_found(tmp_path):
    """One letter is enough, and so is a page that is missing."""
    for name, make in PAGES.items():
        (tmp_path / name).write_text(make(), encoding="utf-8")
    (tmp_path / "rules.md").write_text(PAGES["rules.md"]() + "x", encoding="utf-8")
    (tmp_path / "queries.md").unlink()
    assert stale_pages(tmp_path) == ["queries.md", "rules.md"]


@pytest.mark.parametrize("path", ALL_COMMANDS)
def test_every_command_is_documented(path):
    """With each option and argument, a description, and an example that names it."""
    command = ALL_COMMANDS[path]
    text = section(page("commands.md"), f"## {path}")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(name in text for name in parameter.opts), f"{path}: {parameter.opts}"
            assert parameter.help, f"{path} {parameter.opts} has no help"
        else:
            assert parameter.make_metavar(click.Context(command)) in text
    assert command.help
    assert "Examples:" in text
    assert f"{path} " in text.partition("Examples:")[2]


def test_every_command_of_the_lists_is_there():
    """The list, and the executors below `run`."""
    assert {f"ledger {name}" for name, _, _ in COMMANDS} <= set(ALL_COMMANDS)
    assert {f"ledger run {name}" for name, _ in EXECUTORS} <= set(ALL_COMMANDS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.KIND.name)
def test_every_kind_is_documented(event):
    """With each field and its meaning."""
    text = section(page("events.md"), f"### {event.KIND.name} v{event.KIND.version}")
    assert event.KIND.summary in text
    for name, meaning in field_docs(event).items():
        assert f"| `{name}` |" in text
        assert meaning, f"{event.KIND.name}.{name} has no docstring"
        assert meaning.replace("|", "\\|") in text


def test_every_family_is_documented():
    """What each means for `record`."""
    assert all(f"- **{name}**: {text}" in page("events.md") for name, text in FAMILIES.items())


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_documented(name):
    """With parameters, columns and examples."""
    query = find_query(name)
    text = section(page("queries.md"), f"## {name}")
    assert query.help in text
    assert all(f"| `--{parameter.name}` |" in text for parameter in query.parameters)
    assert all(f"| `{column}` |" in text for column, _ in query.columns)
    assert all(example in text for example in query.examples)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_documented(rule):
    """By what it forbids."""
    assert f"Forbids {rule.forbids}." in section(page("rules.md"), f"## {rule.name}")
