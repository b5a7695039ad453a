"""Every command with input that is wrong: a clear error, its code, and never a stack trace."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from labs import SCRIPT, command, copy_lab
from ledgers import HUMAN, lines_of

from ledger.cli import run
from ledger.folder import open_folder
from ledger.recorder import MAX_BATCH

NAMES = {2: "bad arguments", 5: "malformed input", 6: "integrity", 7: "store failed"}


@pytest.fixture
def home(own_lab, monkeypatch):
    """A folder with a laboratory that the test may change, as the working folder."""
    monkeypatch.chdir(own_lab.path.parent)
    monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    return own_lab.path.parent


#: A command line, the code it ends with, and what stderr says.
WRONG = [
    ("query", 2, "give either the NAME of a query or --sql"),
    ("query board --sql x", 2, "give either"),
    ("query bord", 2, "did you mean board"),
    ("query board extra", 2, "no --param"),
    ("query board --model", 2, "no --param with a value"),
    ("query --no-such", 2, "--no-such"),
    ("query board --limit x", 2, "--limit"),
    ("query board --format xml", 2, "--format"),
    ("query board --at 99999", 2, "there is no position 99999"),
    ("query board --at ²", 2, "no section registers version"),
    ("query events --last -1", 2, "--last"),
    ("board --at 99999", 2, "there is no position"),
    ("board --model", 2, "requires an argument"),
    ("board extra", 2, "unexpected extra argument"),
    ("record", 2, "give either a KIND or --from FILE"),
    ("record no.kind", 5, "no.kind"),
    ("record note.added --from x", 2, "give either"),
    ("record note.added", 5, "text"),
    ("record note.added --txt x", 5, "txt"),
    ("record note.added --text", 2, "--text has no value"),
    ("record note.added text x", 2, "is no --field"),
    ("record note.added --text x --cites 12", 2, "--cites 12"),
    ("record note.added --text x --cites abcdef0", 2, "is not an entry"),
    ("record note.added --text x --branch /", 5, "branch"),
    ("record note.added --text x --stream run/x", 5, "stream"),
    ("record note.added --text x --actor nobody", 2, "is no actor"),
    ("record note.added --text x --actor robot:x", 2, "is no actor"),
    ("record step.taken --run r --step one --provenance measured --metrics {}", 5, "step"),
    ("record --from none.jsonl", 2, "cannot read none.jsonl: No such file"),
    ("record --from .", 2, "cannot read .: Is a directory"),
    ("judge NONE", 2, "not declared: NONE"),
    ("judge --actor x", 2, "is no actor"),
    ("render --out f.txt/x", 7, "f.txt"),
    ("render --out f.txt", 2, "--out"),
    ("render --check --out none", 2, "render first"),
    ("render extra", 2, "unexpected extra argument"),
    ("audit extra", 2, "unexpected extra argument"),
    ("audit --no-such", 2, "No such option"),
    ("import", 2, "give the NAME of an importer and a FILE"),
    ("import none f.txt", 2, "none"),
    ("import ship-two none.jsonl", 2, "cannot read none.jsonl"),
    ("import ship-two .", 2, "Is a directory"),
    ("import ship-two f.txt", 5, "f.txt"),
    ("init f.txt/x --actor human:a", 7, "cannot make f.txt/x"),
    ("init f.txt --actor human:a", 2, "is a file"),
    ("init . --actor human:a", 4, "there is a ledger in"),
    ("init new --origin // --actor human:a", 2, "cannot name a ledger"),
    ("completion powershell", 2, "powershell"),
    ("completion", 2, "Missing argument"),
    ("nothing", 2, "No such command"),
    ("--no-such", 2, "No such option"),
    ("run", 2, ""),
    ("run nothing", 2, "No such command"),
    ("run trace", 2, "Missing argument"),
    ("run trace none.gguf --ids 1", 2, "none.gguf"),
    ("run trace . --ids 1", 2, ""),
    ("run trace f.txt --ids 1", 2, "f.txt"),
    ("run trace none.gguf", 2, "give the prompt once: as --ids, --ids-file or --prompt"),
    ("run trace none.gguf --ids 1 --prompt x", 2, "give the prompt"),
    ("run trace none.gguf --ids 1,x", 2, "is not a list of numbers"),
    ("run trace none.gguf --ids ,", 2, "is not a list of numbers"),
    ("run trace none.gguf --kv f8", 2, "--kv"),
    ("run compare trace-0001", 2, "Missing argument"),
    ("run compare trace-0001 none", 2, "run none has recorded no trace.captured"),
    ("run compare trace-0001 trace-0002 --threshold x", 2, "--threshold"),
    ("run compare trace-0001 trace-0002 --threshold -1", 2, "threshold"),
    ("run compare trace-0001 trace-0002 --threshold nan", 2, "threshold"),
    ("demo --data none", 2, "--data"),
    ("demo --data .", 2, "does not have"),
    ("demo .", 2, "is not empty"),
]


@pytest.mark.parametrize(("line", "code", "says"), WRONG, ids=[line for line, _, _ in WRONG])
def test_wrong(home, capsys, line, code, says):
    """The code, what is wrong on stderr with a way out, nothing on stdout, nothing recorded."""
    (home / "f.txt").write_text("not what anyone expects\n")
    before = len(lines_of(open_folder(home / ".ledger")))
    assert run(line.split(" ")) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    if not err.startswith("Usage:") and not err.startswith("Error:"):
        assert err.splitlines()[0].partition(":")[0] in (*NAMES.values(), "conflict")
        assert err.splitlines()[-1].startswith("hint: ")
    assert len(lines_of(open_folder(home / ".ledger"))) == before


COMMANDS = [
    "query board",
    "query --sql x",
    "board",
    "record note.added --text x",
    "judge",
    "render",
    "audit",
    "import ship-two x",
    "run trace x --ids 1",
    "run compare a b",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_outside_a_ledger(tmp_path, monkeypatch, capsys, line):
    """Where there is no ledger, each command says so and how to make one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    for more in ((), ("--ledger", "none"), ("--ledger", str(tmp_path))):
        assert run([*line.split(" "), *more]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "there is no ledger in" in err
        assert "hint: make one with: ledger init" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.parametrize("content", ["", "origin = 3", "\x00", 'format = "other/v9"'])
def test_damaged_settings(home, capsys, line, content):
    """A ledger.toml that cannot be trusted is an integrity error for every command."""
    (home / ".ledger" / "ledger.toml").write_text(content)
    assert run(line.split(" ")) == 6
    out, err = capsys.readouterr()
    assert (out, err.partition(":")[0]) == ("", "integrity")


@pytest.mark.parametrize("line", [*COMMANDS[:1], *COMMANDS[2:7]])
def test_missing_journal(home, capsys, line):
    """Without its journal a ledger is broken, whatever views are still there."""
    (home / ".ledger" / "journal").rename(home / "away")
    assert run(line.split(" ")) == 6
    assert "journal" in capsys.readouterr().err
    assert not (home / ".ledger" / "journal").exists()


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", 0, ""),
        (b"\n\n", 0, ""),
        (b"\x00\xff\xfe\x01\n" * 3, 5, "line 3: not JSON"),
        (b"[1]\n", 5, "line 1: not an object with a kind"),
        (b"{}\n", 5, "line 1: not an object with a kind"),
        (b'{"kind":"note.added"}\n', 5, "line 1: no body"),
        (b'{"kind":"note.added","body":{"text":"x"},"extra":1}\n', 5, "unknown fields ['extra']"),
        (b'{"kind":"note.added","body":{"text":"x"},"stream":5}\n', 5, "line 1: stream and branch"),
        (b'{"kind":"note.added","body":{"text":"x"},"branch":[]}\n', 5, "stream and branch"),
        (b'{"kind":"note.added","body":{"text":"x"},"cites":"a"}\n', 5, "cites is not a list"),
        (b'{"kind":"note.added","body":{"text":"x"},"cites":["a"]}\n', 5, "is not an entry hash"),
        (b'{"kind":"note.added","body":{"text":"' + b"x" * 70_000 + b'"}}\n', 5, "65535"),
        (b"[" * 5000 + b"\n", 5, "line 1: not JSON"),
        (b'{"kind":"note.added","body":{"text":"x"}}\n' * (MAX_BATCH + 1), 5, "10001 lines"),
        (b'{"kind":"note.added","body":{"text":"x"}}\n{', 5, "line 2: not JSON"),
    ],
)
def test_stream(home, data, code, says):
    """A stream on stdin is taken whole or not at all, with every bad line at once."""
    before = len(lines_of(open_folder(home / ".ledger")))
    done = command(home, "record", "--from", "-", input=data)
    assert done.returncode == code
    assert done.stdout == b""
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert len(lines_of(open_folder(home / ".ledger"))) == before


def test_largest_stream(home):
    """Ten thousand lines are taken at once, and each gets a position and a hash."""
    line = b'{"kind":"note.added","body":{"text":"x"}}\n'
    done = command(home, "record", "--from", "-", input=line * MAX_BATCH)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == MAX_BATCH


@pytest.mark.parametrize(
    "words", [["record", "note.added", "--text", "x"], ["judge"], ["init", "n"]]
)
def test_who_is_it(home, capsys, monkeypatch, words):
    """What records needs an actor, from the option or the environment."""
    monkeypatch.delenv("LEDGER_ACTOR")
    assert run(words) == 2
    assert "who records this?" in capsys.readouterr().err
    monkeypatch.setenv("LEDGER_ACTOR", "somebody")
    assert run(words) == 2
    assert "is no actor" in capsys.readouterr().err
    assert not (home / "n" / ".ledger").exists()


LONG = ["query", "events", "--format", "jsonl"]


@pytest.mark.parametrize("words", [LONG, ["board"], ["audit", "--json"], ["record", "--list"]])
def test_reader_that_leaves(home, words):
    """A reader that leaves early is no error, and stderr says nothing of it."""
    process = subprocess.Popen(
        [SCRIPT, *words], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert b"Broken" not in err
    assert b"Traceback" not in err


def test_reader_that_leaves_does_not_change_the_verdict(home):
    """The exit code is the verdict, though nobody reads the findings."""
    segment = next((home / ".ledger" / "journal").glob("*.log"))
    data = segment.read_bytes()
    segment.write_bytes(data.replace(b'"text":"it will hold"', b'"text":"it will fold"'))
    left, right = os.pipe()
    os.close(left)
    done = subprocess.run(
        [SCRIPT, "audit"], cwd=home, stdout=right, stderr=subprocess.PIPE, check=False
    )
    os.close(right)
    assert done.returncode == 6
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")  # noqa: PTH110
def test_no_room_for_the_answer(home):
    """An answer that cannot be written is an error, not a success."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [SCRIPT, "board"], cwd=home, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 7
    assert done.stderr.startswith(b"store failed: cannot write the answer: No space left")


def test_without_stdout(home):
    """A process that was started without stdout still ends with its verdict."""
    done = subprocess.run(
        ["sh", "-c", f"{SCRIPT} audit >&-"], cwd=home, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"integrity is sound" in done.stderr


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_run(home, sent, code):
    """Ctrl-C or SIGTERM ends a run, and the run is recorded as interrupted."""
    from labs import F16

    words = ["run", "trace", F16, "--engine", "a", "--device", "cpu", "--ids", "1,2,3"]
    process = subprocess.Popen(
        [SCRIPT, *map(str, words)], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    segment = next((home / ".ledger" / "journal").glob("*.log"))
    until = time.monotonic() + 30
    before = segment.read_bytes().count(b'"kind":"run.started"')
    while segment.read_bytes().count(b'"kind":"run.started"') == before:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert out == b""
    assert b"Traceback" not in err
    last = json.loads(segment.read_bytes().splitlines()[-1].split(b" ", 2)[2])
    assert (last["kind"], last["body"]["error"]) == ("run.failed", "interrupted")


LOST = """
import os, signal, sys
from ledger.cli import stopping
from ledger.cli.base import progress

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(100):
            pass

stopping.listen()
with progress("working") as report:
    for step in range(5):
        report(step, 5)
        if step == 2:
            Dropped()
print("went on to the end")
"""


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_a_signal_that_gets_lost(sent, code):
    """Python drops what a finaliser raises: the next step that is reported stops all the same."""
    done = subprocess.run(
        [sys.executable, "-c", LOST, str(int(sent))], capture_output=True, text=True, check=False
    )
    assert "Exception ignored in" in done.stderr
    assert done.stdout == ""
    assert done.returncode in (code, -sent)


def test_two_ledgers(home, tmp_path, monkeypatch, capsys):
    """--ledger wins over LEDGER_DIR, and that over the folder above."""
    assert run(["init", str(tmp_path / "b"), "--origin", "b"]) == 0
    assert run(["init", str(tmp_path / "c"), "--origin", "c"]) == 0
    (home / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(home / "deep" / "er")
    capsys.readouterr()

    def origin(*words):
        sql = "select origin from events where position = 0"
        assert run(["query", "--sql", sql, "--json", *words]) == 0
        return json.loads(capsys.readouterr().out)[0]["origin"]

    assert origin() == "example.org/lab"
    monkeypatch.setenv("LEDGER_DIR", str(tmp_path / "b"))
    assert origin() == "b"
    assert origin("--ledger", str(tmp_path / "c")) == "c"
    assert origin("--ledger", str(tmp_path / "c" / ".ledger")) == "c"
    monkeypatch.setenv("LEDGER_DIR", "")
    assert origin() == "example.org/lab"


def test_damaged_copy_of_the_state(home):
    """A state file that is garbage is made anew, and recording goes on."""
    folder = copy_lab(open_folder(home / ".ledger"), home / "copy")
    folder.state.write_bytes(b"garbage" * 100)
    assert run(["record", "note.added", "--text", "x", "--ledger", str(folder.path)]) == 0
