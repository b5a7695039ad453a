"""`ledger export`: files that are whole or not there, stdout, limits, and what makes no sense."""

import json
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from evidence import parsed, take_out
from labs import SCRIPT, command
from ledgers import lines_of, note

from ledger.cli import cli, run
from ledger.exporters import EXPORTERS


def names_in(folder):
    """The names of everything in a folder."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.zst", "out.parquet"])
def test_command_writes_a_file(written, home, capsys, name):
    """The file is there whole, stdout has the checkpoint, nothing is left beside."""
    before = names_in(home)
    assert run(["export", name]) == 0
    out, err = capsys.readouterr()
    last = lines_of(written)[-1]
    assert out == f"{last.position}:{last.chain.hex()}\n"
    assert f"{last.position + 1} entries" in err
    assert names_in(home) == before | {name}
    assert run(["export", name]) == 4
    assert "exists already" in capsys.readouterr().err
    content = (home / name).read_bytes()
    assert run(["export", name, "--force", "--json"]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["checkpoint"] == f"{last.position}:{last.chain.hex()}"
    assert facts["format"] == name.partition(".")[2]
    assert (home / name).read_bytes() == content


def test_command_to_stdout(written, home):
    """`-` writes the same bytes to stdout, and to a reader that leaves, as much as it wanted."""
    wanted = take_out(written)
    done = command(home, "export", "-")
    assert (done.returncode, done.stdout) == (0, wanted)
    packed = command(home, "export", "-", "--format", "jsonl.zst")
    assert packed.stdout == take_out(written, "jsonl.zst")
    checked = command(home, "export", "--verify", "-", input=packed.stdout)
    last = lines_of(written)[-1]
    assert checked.stdout.decode() == f"{last.position}:{last.chain.hex()}\n"


def test_stdout_that_closes_early(written, home, ledger):
    """A reader that has seen enough ends it quietly."""
    for _ in range(3):
        ledger.append([note("x" * 50_000) for _ in range(20)])
    assert written.path.is_dir()
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" export - | head -c 100; echo " $?"', SCRIPT],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.endswith(" 0\n")
    assert "Traceback" not in done.stderr
    assert "rror" not in done.stderr


def test_command_limits(written, home, capsys):
    """--from and --at take out a part, and say no to what is not there."""
    assert run(["export", "part.jsonl", "--from", "2", "--at", "4", "--blobs", "none"]) == 0
    positions = [line.get("position") for line in parsed((home / "part.jsonl").read_bytes())]
    assert positions == [None, 2, 3, 4, None]
    assert written.path.is_dir()
    capsys.readouterr()
    assert run(["export", "--verify", "part.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["first"] == 2


def test_command_says_what_it_left_out(written, capsys):
    """Who exports without committed values is told so."""
    assert run(["export", "out.jsonl"]) == 0
    assert "1 committed values are not in it" in capsys.readouterr().err
    assert run(["export", "all.jsonl", "--blobs", "all"]) == 0
    assert "committed" not in capsys.readouterr().err
    assert written.path.is_dir()


def test_command_verify_finds_damage(written, home, capsys):
    """--verify ends with the code of malformed input, and names the line."""
    (home / "x.jsonl").write_bytes(take_out(written).replace(b"hello", b"hellp"))
    assert run(["export", "--verify", "x.jsonl"]) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert "x.jsonl, line 3" in err


def test_a_damaged_journal_is_not_exported(written, home, capsys):
    """Damage is an integrity error, and no file appears."""
    segment = next(written.journal.glob("*.log"))
    segment.write_bytes(segment.read_bytes().replace(b"hello", b"hellp"))
    assert run(["export", "out.jsonl"]) == 6
    assert "is damaged" in capsys.readouterr().err
    assert not any("out" in name for name in names_in(home))


WRONG = [
    ("export", 2, "give a FILE"),
    ("export out", 2, "does not say which format"),
    ("export out.txt", 2, "does not say which format"),
    ("export out.jsonl --format jsnl", 2, "did you mean jsonl?"),
    ("export out.jsonl --format xml", 2, "there is no format 'xml'"),
    ("export - --format parquet", 2, "parquet needs a file"),
    ("export out.jsonl --from 99", 2, "--from 99 is after the end"),
    ("export out.jsonl --from -1", 2, "--from"),
    ("export out.jsonl --at 99", 2, "there is no position 99"),
    ("export out.jsonl --from 5 --at 2", 2, "--from 5 is after the end"),
    ("export - --at 99", 2, "there is no position 99"),
    ("export out.jsonl --blobs some", 2, "--blobs"),
    ("export out.parquet --blobs all", 2, "parquet holds no blobs"),
    ("export out.jsonl --table events", 2, "are for parquet"),
    ("export out.jsonl --query board", 2, "are for parquet"),
    ("export out.parquet --table evens", 2, "there is no table 'evens'"),
    ("export out.parquet --query bord", 2, "did you mean board"),
    ("export out.parquet --query curve", 2, "--run is missing"),
    ("export out.parquet --query board --param x", 2, "is not NAME=VALUE"),
    ("export out.parquet --query board --param x=1", 2, "no parameter --x"),
    ("export out.parquet --query board --table events", 2, "either --table or --query"),
    ("export out.parquet --query board --from 1", 2, "--from is for entries"),
    ("export out.parquet --param x=1", 2, "--param is for --query"),
    ("export none/out.jsonl", 2, "there is no folder"),
    ("export f.txt/out.jsonl", 2, "there is no folder"),
    ("export . --format jsonl", 2, "is no file"),
    ("export /dev/null --format jsonl --force", 2, "is no file"),
    ("export .ledger/out.jsonl", 2, "inside the ledger"),
    ("export .ledger/journal/00000000000000000000.log --format jsonl --force", 2, "inside"),
    ("export f.txt --format jsonl", 4, "exists already"),
    ("export --verify none.jsonl", 2, "cannot read none.jsonl"),
    ("export --verify .", 2, "cannot read ."),
    ("export --verify f.txt", 5, "f.txt, line 1"),
    ("export --verify f.txt --from 2", 2, "--verify reads the whole file"),
    ("export out.jsonl extra", 2, "unexpected extra argument"),
]


@pytest.mark.parametrize(("line", "code", "says"), WRONG, ids=[line for line, _, _ in WRONG])
def test_wrong(written, home, capsys, line, code, says):
    """One clear error, nothing on stdout, no file."""
    (home / "f.txt").write_text("not what anyone expects\n")
    before = names_in(home)
    assert run(line.split(" ")) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert names_in(home) == before
    assert len(lines_of(written)) == 14


def test_list(capsys):
    """The formats are listed, and each file of the room that has one is in the list."""
    import importlib
    import inspect
    from pathlib import Path

    import ledger.exporters

    assert run(["export", "--list", "--json"]) == 0
    listed = [row["format"] for row in json.loads(capsys.readouterr().out)]
    assert listed == [one.name for one in EXPORTERS]
    folder = Path(inspect.getfile(ledger.exporters)).parent
    found = [
        module.EXPORTER
        for path in folder.glob("*.py")
        if hasattr(module := importlib.import_module(f"ledger.exporters.{path.stem}"), "EXPORTER")
    ]
    assert sorted(found, key=lambda one: one.name) == sorted(EXPORTERS, key=lambda one: one.name)


def test_what_is_loaded():
    """The exchange format needs no database: a reviewer's Python verifies it as it is."""
    code = (
        "import sys; from ledger.exporters import read_export; "
        "print([n for n in ('duckdb', 'numpy', 'zstandard', 'jinja2') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["export", "--format", "json"], {"jsonl", "jsonl.zst"}),
        (["export", "--table", "claim"], {"claims"}),
        (["export", "--query", "chan"], {"changes"}),
        (["export", "--blobs", "a"], {"all"}),
        (["blobs", "cl"], {"clean"}),
        (["red"], {"redact"}),
        (["rev"], {"reveal"}),
    ],
    ids=lambda value: " ".join(sorted(value) if isinstance(value, set) else value),
)
def test_completion(words, found):
    """Formats, tables, queries and subcommands complete as everything else does."""
    completed = ShellComplete(cli, {}, "ledger", "_LEDGER_COMPLETE").get_completions(
        words[:-1], words[-1]
    )
    assert {item.value for item in completed} == found
