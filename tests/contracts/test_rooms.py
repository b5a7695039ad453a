"""Every room that can grow: its list names what its folder holds, and members keep the contract."""

import ast
import importlib
import inspect
import pickle
import re
from pathlib import Path

import click
import duckdb
import pytest
import yaml

import executors
import ledger
from executors import EXECUTORS
from ledger import audit, cli, importers, projections, queries
from ledger.audit import CHECKS
from ledger.audit.index import Index
from ledger.cli import COMMANDS
from ledger.importers import IMPORTERS
from ledger.projections import PROJECTIONS, VIEWS
from ledger.projections.base import EVENT_COLUMNS
from ledger.queries import QUERIES, find_query
from ledger.render.base import TEMPLATES, read_templates
from ledger.store.reader import open_reader

#: Files of a room that are no members: its list and its contract.
NO_MEMBERS = {"__init__", "base"}


def files(room, suffix="py"):
    """The names of the files in a room that should be members."""
    folder = Path(inspect.getfile(room)).parent
    return {path.stem for path in folder.glob(f"*.{suffix}")} - NO_MEMBERS


def names_assigned(module):
    """Names that a module assigns at its top, in capitals."""
    tree = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    return {t.id for t in targets if isinstance(t, ast.Name) and t.id.isupper()}


# Projections.


def test_every_projection_is_listed():
    """Each file of the room exports tables or views, and each is in its tuple, once."""
    found = []
    for name in files(projections):
        module = importlib.import_module(f"ledger.projections.{name}")
        members = [
            value
            for key in names_assigned(module)
            if isinstance(value := getattr(module, key), (projections.Projection, projections.View))
        ]
        assert members, name
        found += members
    listed = (*PROJECTIONS, *VIEWS)
    assert len(found) == len(listed)
    assert all(any(one is other for other in listed) for one in found)
    assert len({one.name for one in listed}) == len(listed)


@pytest.mark.parametrize("one", PROJECTIONS, ids=lambda one: one.name)
def test_projection(one):
    """The table begins with position, every column has a meaning, and the select fits the table."""
    assert one.columns[0][:2] == ("position", "ubigint")
    assert all(meaning.strip() for _, _, meaning in one.columns)
    assert len({name for name, _, _ in one.columns}) == len(one.columns)
    with duckdb.connect() as db:
        slots = ", ".join(f'"{name}" {type_}' for name, type_ in EVENT_COLUMNS)
        db.execute(f"create table arrived ({slots})")
        db.execute("create view slice as select *, '' as whose from arrived")
        db.execute(one.create(one.name))
        db.execute(f"insert into {one.name} {one.select}")
        assert db.execute(f"select count(*) from {one.name}").fetchone() == (0,)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_view(view, tmp_path):
    """A view can be asked of any ledger, has its columns, and each of them a meaning."""
    from ledgers import new_folder

    assert all(meaning.strip() for _, _, meaning in view.columns)
    with open_reader(new_folder(tmp_path / "lab")) as db:
        found = db.execute(f"describe {view.name}").fetchall()
    assert [row[0] for row in found] == [name for name, _, _ in view.columns]
    assert [row[1].lower() for row in found] == [type_ for _, type_, _ in view.columns]


# Queries.


def test_every_query_is_listed():
    """Each SQL file is in the tuple, which is in order, and nothing else is."""
    assert files(queries, "sql") == set(QUERIES)
    assert list(QUERIES) == sorted(set(QUERIES))


@pytest.mark.parametrize("name", QUERIES)
def test_query(name):
    """A query has help, documented parameters and columns, position among them, and an example."""
    query = find_query(name)
    assert query.help.endswith(".")
    assert all(parameter.help for parameter in query.parameters)
    columns = [column for column, _ in query.columns]
    assert "position" in columns
    assert len(set(columns)) == len(columns)
    assert all(example.startswith(f"ledger query {name}") for example in query.examples)
    used = set(re.findall(r"getvariable\('(\w+)'\)", query.sql))
    assert used == {parameter.name for parameter in query.parameters}


# Checks of the audit.


def test_every_check_is_listed():
    """Each class of the room that is a check is in the tuple; the rest reads the journal."""
    found = set()
    for name in files(audit):
        module = importlib.import_module(f"ledger.audit.{name}")
        found |= {
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and value.__module__ == module.__name__
            and hasattr(value, "see")
        }
    assert found == set(CHECKS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_check(check, tmp_path):
    """A check is made with a folder, can be sent to a process, and is quiet on an empty ledger."""
    from ledgers import new_folder

    folder = new_folder(tmp_path / "lab")
    made = check(folder)
    sent = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    index = Index(folder)
    assert list(made.merge(sent.collect(), index)) == []
    assert list(made.finish(index)) == []
    made.close()
    assert check.__doc__
    assert check.see.__doc__
    assert check.finish.__doc__


# Importers, executors, commands.


def test_every_importer_is_listed():
    """Each file that exports an importer is in the tuple."""
    found = []
    for name in files(importers):
        module = importlib.import_module(f"ledger.importers.{name}")
        if hasattr(module, "IMPORTER"):
            found.append(module.IMPORTER)
    assert sorted(one.name for one in found) == sorted(one.name for one in IMPORTERS)
    assert all(one.summary for one in IMPORTERS)


def test_every_executor_is_listed():
    """Each file of the room is in the tuple, but the seam and the group of commands."""
    assert files(executors) - {"cli"} == {name.replace("-", "_") for name, _ in EXECUTORS}


@pytest.mark.parametrize("name", [name for name, _ in EXECUTORS])
def test_executor(name):
    """An executor is a command of its file's name (hyphens for underscores) with help, --json."""
    module = name.replace("-", "_")
    command = getattr(importlib.import_module(f"executors.{module}"), module)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help
    assert f"ledger run {name}" in command.epilog
    parts = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    options = [{text for p in part.params for text in p.opts} for part in parts]
    assert all("--json" in names for names in options)
    assert any("--ledger" in names for names in options)
    source = Path(inspect.getfile(inspect.unwrap(command.callback))).read_text(encoding="utf-8")
    assert "from ledger" not in source
    assert "import ledger" not in source


@pytest.mark.parametrize(("name", "place", "text"), COMMANDS, ids=[c[0] for c in COMMANDS])
def test_command(name, place, text):
    """A listed command is where the list says, has its name, and its line begins its help."""
    module, _, attribute = place.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert command.name == name
    assert command.help
    assert text.endswith(".")
    assert "ledger " + name in command.epilog


def test_every_command_is_listed():
    """Each file of the room that holds a command is in the list."""
    places = {place.partition(":")[0].rpartition(".")[2] for _, place, _ in COMMANDS}
    holding = set()
    for name in files(cli) - {"reference"}:  # writes the page of them all
        module = importlib.import_module(f"ledger.cli.{name}")
        if any(isinstance(value, click.Command) for value in vars(module).values()):
            holding.add(name)
    assert places == holding


# Documents.


def test_every_template_is_listed():
    """Each template file is in documents.yaml, once, and the list names nothing else.

    The forms of sections make no document: `test_section_kinds.py` walks their list.
    """
    listed = yaml.safe_load((TEMPLATES / "documents.yaml").read_text(encoding="utf-8"))["documents"]
    found = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.j2")}
    found = {name for name in found if not name.startswith("sections/")}
    assert sorted(listed) == sorted(found)


@pytest.mark.parametrize("template", read_templates(), ids=lambda template: template.name)
def test_template(template):
    """A template asks only for queries that exist, with parameters that they have."""
    for asked in template.queries.values():
        query = find_query(asked["query"])
        assert set(asked) - {"query"} <= {parameter.name for parameter in query.parameters}
    used = [name for name in template.queries if re.search(rf"\b{name}\b", template.body)]
    kept = {template.for_each, template.unless_empty}
    assert set(template.queries) <= set(used) | kept
    assert template.body.endswith("\n")
    assert "\r" not in template.body


def test_templates_are_the_ones_of_the_clone():
    """The package's templates are the folder beside it."""
    assert TEMPLATES.resolve() == Path(inspect.getfile(ledger)).resolve().parents[1] / "templates"
