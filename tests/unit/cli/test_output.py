"""stdout is the result, stderr is talk: formats, --json, help, completion."""

import csv
import io
import json
import subprocess
import sys

import pytest
from labs import SCRIPT, command
from ledgers import HUMAN

from ledger.cli import COMMANDS, cli, run
from ledger.events import KINDS
from ledger.importers import IMPORTERS
from ledger.queries import QUERIES


@pytest.fixture(autouse=True)
def here(request, monkeypatch):
    """Commands work on the laboratory."""
    monkeypatch.setenv("LEDGER_DIR", str(request.getfixturevalue("lab").path))
    monkeypatch.setenv("LEDGER_ACTOR", HUMAN)


TABLES = [
    "query board",
    "query --list",
    "query --tables",
    "query --sql from\tevents\tlimit\t3",
    "board",
    "record --list",
    "audit",
    "import --list",
]


@pytest.mark.parametrize("line", TABLES)
def test_json_is_a_list_of_objects(capsys, line):
    """--json gives a list of objects with the same keys in the same order."""
    assert run([word.replace("\t", " ") for word in [*line.split(" "), "--json"]]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found
    assert all(list(row) == list(found[0]) for row in found)


def test_json_of_commands_that_change(own_lab, capsys, tmp_path, monkeypatch):
    """So does --json of commands that record, render, judge, import, trace and compare."""
    from histories import PATH
    from labs import F16

    monkeypatch.setenv("LEDGER_DIR", str(own_lab.path))
    for words in (
        ["record", "note.added", "--text", "x"],
        ["judge"],
        ["render", "--out", str(tmp_path / "spec")],
        ["render", "--out", str(tmp_path / "spec")],
        ["import", "ship-two", str(PATH)],
        ["run", "trace", str(F16), "--ids", "1,2", "--engine", "numpy"],
        ["run", "compare", "trace-0001", "trace-0002"],
    ):
        assert run([*words, "--json"]) in (0, 1), words
        found = json.loads(capsys.readouterr().out)
        assert isinstance(found, list)
        assert found
        assert all(isinstance(row, dict) for row in found)


def test_formats_agree(capsys):
    """JSON, JSONL and CSV hold the same rows; the table has a line for each."""
    words = ["query", "criteria", "--reported", "yes"]
    out = {}
    for format_ in ("json", "jsonl", "csv", "table"):
        assert run([*words, "--format", format_]) == 0
        out[format_] = capsys.readouterr().out
    rows = json.loads(out["json"])
    assert [json.loads(line) for line in out["jsonl"].splitlines()] == rows
    read = list(csv.DictReader(io.StringIO(out["csv"])))
    assert [row["name"] for row in read] == [row["name"] for row in rows]
    assert list(read[0]) == list(rows[0])
    assert len(out["table"].splitlines()) == len(rows) + 1
    assert not any(line != line.rstrip() for line in out["table"].splitlines())


def test_values_of_all_types(capsys):
    """Times end in Z, what is not finite is spelled, lists stay lists, bytes are hex."""
    sql = (
        "select timestamp '2026-01-01 00:00:00.000001' as t, 'nan'::double as n, "
        "'-inf'::double as i, [1, 2] as l, 'ab'::blob as b, null as z, true as y, 1.5 as d"
    )
    assert run(["query", "--sql", sql, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "t": "2026-01-01T00:00:00.000001Z",
            "n": "NaN",
            "i": "-Infinity",
            "l": [1, 2],
            "b": "6162",
            "z": None,
            "y": True,
            "d": "1.5",
        }
    ]
    assert run(["query", "--sql", sql, "--format", "csv"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[1].endswith(',NaN,-Infinity,"[1, 2]",6162,,true,1.5')
    )


def test_empty_answers(capsys):
    """No rows: an empty list, a header, a header."""
    words = ["query", "board", "--model", "none"]
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run([*words, "--format", "csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert run([*words, "--format", "jsonl"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("line", ["query board", "query --sql select\t1\tas\tone", "board"])
def test_no_talk_without_a_terminal(lab, line):
    """Where stderr is no terminal, asking says nothing there."""
    words = [word.replace("\t", " ") for word in line.split(" ")]
    done = command(lab.path.parent, *words)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout
    assert b"\x1b[" not in done.stdout


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_help(capsys, name):
    """Each command has help with an example, and its line in the list is the beginning of it."""
    assert run([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: ledger {name}")
    assert "Examples:" in out
    assert f"ledger {name}" in out.partition("Examples:")[2]
    if name not in ("record", "query"):
        assert run([name, "-h"]) == 0
        assert capsys.readouterr().out == out


def test_list_of_commands(capsys):
    """The list names every command, those of entry points too, with what it does."""
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for name, _, text in COMMANDS:
        assert f"  {name} " in out
        assert text in out
    assert "  run " in out
    assert cli.list_commands(None)[: len(COMMANDS)] == [name for name, _, _ in COMMANDS]


@pytest.mark.parametrize("kind", KINDS)
def test_help_of_kinds(capsys, kind):
    """Each kind has a page with its fields."""
    assert run(["record", kind, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{kind} v")
    assert "  --" in out


@pytest.mark.parametrize("name", QUERIES)
def test_help_of_queries(capsys, name):
    """Each query has a page with its columns and an example."""
    assert run(["query", name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{name}: ")
    assert f"ledger query {name}" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(capsys, shell):
    """The script is for this shell and this program."""
    assert run(["completion", shell]) == 0
    assert f"_LEDGER_COMPLETE={shell}_complete" in capsys.readouterr().out


COMPLETIONS = [
    ("ledger ", {"init", "query", "audit", "run"}),
    ("ledger re", {"record", "render"}),
    ("ledger query ", set(QUERIES)),
    ("ledger query bo", {"board", "board_history", "board_replay", "board_versions", "boards"}),
    ("ledger record ", set(KINDS)),
    ("ledger record note", {"note.added", "note.reported"}),
    ("ledger import ", {importer.name for importer in IMPORTERS}),
    ("ledger run ", {"trace", "compare"}),
    ("ledger completion ", {"bash", "zsh", "fish"}),
    ("ledger query --format ", {"table", "json", "jsonl", "csv"}),
]


@pytest.mark.parametrize(("typed", "wanted"), COMPLETIONS)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(lab, shell, typed, wanted):
    """What is typed is completed with commands, kinds, queries, importers and executors."""
    words = typed.split(" ")
    environment = {"_LEDGER_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed}
    if shell == "fish":
        environment["COMP_CWORD"] = words[-1]
    else:
        environment["COMP_CWORD"] = str(len(words) - 1)
    done = command(lab.path.parent, **environment)
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    if shell == "zsh":
        found = set(lines[1::3])
    else:
        found = {line.split(",", 1)[1].split("\t")[0] for line in lines if "," in line}
    assert wanted <= found
    assert not typed.rstrip().endswith("bo") or found == wanted


def test_version():
    """Both scripts say the name and the version."""
    from ledger import __version__

    for script in (SCRIPT, SCRIPT.with_name("research-ledger")):
        done = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)
        assert done.stdout == f"research-ledger, version {__version__}\n"


def test_help_is_cheap():
    """`ledger --help` loads neither duckdb nor tinygrad nor numpy."""
    code = (
        "import sys; from ledger.cli import run; run(['--help']); "
        "sys.exit(bool({'duckdb', 'tinygrad', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0


def test_broken_entry_point(capsys, monkeypatch):
    """A command of another package that cannot be loaded shows in the list, with the reason."""
    import importlib.metadata

    import ledger.cli

    point = importlib.metadata.EntryPoint("broken", "no_such_module:x", ledger.cli.GROUP)
    monkeypatch.setattr(ledger.cli, "_points", lambda: [point])
    assert run(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "broken not available: ModuleNotFoundError: No module named 'no_such_module'" in out
    assert run(["broken", "whatever", "--option"]) == 2
    assert "broken is not available" in capsys.readouterr().err
