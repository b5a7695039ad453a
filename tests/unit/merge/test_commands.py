"""`ledger merge`, `ledger import jsonl` and `ledger init --from`, as a person meets them."""

import json
import shlex

import pytest

from ledger.cli import run


@pytest.fixture
def say(tmp_path, monkeypatch, capfd):
    """Run a command line; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER_ACTOR", "human:ada")
    monkeypatch.delenv("LEDGER_DIR", raising=False)

    def say(words):
        code = run(shlex.split(words))
        out, err = capfd.readouterr()
        return code, out, err

    for name in ("a", "b"):
        assert say(f"init {name} --origin example.org/{name}")[0] == 0
    assert say("record note.added --text hello --ledger b")[0] == 0
    assert say("export b.jsonl --ledger b")[0] == 0
    return say


def test_merge(say):
    """The answer is a row; how to let the branch count is told, and works as told."""
    code, out, err = say("merge b --ledger a --json")
    assert code == 0
    (row,) = json.loads(out)
    assert row == {
        "branch": "example.org/b",
        "taken": 2,
        "known": 0,
        "head": row["head"],
        "is_on_main": False,
        "missing_blobs": 0,
        "conflicts": 0,
    }
    assert "2 entries taken over on branch example.org/b" in err
    (hint,) = [line for line in err.splitlines() if "ledger record branch.merged" in line]
    words = hint.partition("ledger record ")[2].replace("…", "'as agreed'")
    assert say(f"record {words} --ledger a")[0] == 0
    code, out, err = say("merge b --ledger a --json")
    assert json.loads(out)[0]["is_on_main"] is True
    assert "nothing to take over: all 2 entries are on record" in err
    assert "do not count" not in err
    assert say("audit --ledger a")[0] == 0


@pytest.mark.parametrize("words", ["merge b.jsonl", "import jsonl b.jsonl"])
def test_a_file(say, words):
    """An exported file is merged by both commands, and --accept lets it count at once."""
    code, out, err = say(f"{words} --branch bee --accept 'looked through' --ledger a --json")
    assert code == 0, err
    assert (json.loads(out)[0]["branch"], json.loads(out)[0]["is_on_main"]) == ("bee", True)


def test_a_pipe(say, tmp_path, monkeypatch):
    """A record may come through stdin."""
    with (tmp_path / "b.jsonl").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert say("import jsonl - --ledger a")[0] == 0
    assert "note.added" in say("query kinds --ledger a")[1]


def test_restore(say, tmp_path):
    """A ledger made again from its export is the same to the byte, and goes on."""
    code, out, err = say("init again --from b.jsonl")
    assert (code, out.strip()) == (0, str(tmp_path / "again" / ".ledger"))
    assert "made the ledger example.org/b again" in err
    name = f".ledger/journal/{0:020d}.log"
    assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert say("record note.added --text more --ledger again")[1].startswith("2 sha256:")
    assert say("audit --ledger again")[0] == 0
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [".ledger"]


def test_list_and_completion(say):
    """The importer is listed beside the others."""
    assert "jsonl" in say("import --list")[1]


#: A command line, the code it ends with, and what stderr says.
WRONG = [
    ("merge", 2, "OTHER"),
    ("merge nowhere --ledger a", 2, "nowhere is no file"),
    ("merge . --ledger a", 2, "is no file"),
    ("merge b --ledger nowhere", 2, "there is no ledger"),
    ("merge b --branch 'a b' --ledger a", 2, "cannot name a branch"),
    ("merge a --ledger a", 2, "both are example.org/a"),
    ("merge b --accept '' --ledger a", 2, "the reason is empty"),
    ("merge text.txt --ledger a", 5, "text.txt, line 1"),
    ("merge cut.jsonl --ledger a", 5, "cut.jsonl"),
    ("import jsonl nowhere --ledger a", 2, "nowhere is no file"),
    ("import jsonl --ledger a", 2, "give the NAME of an importer and a FILE"),
    ("import ship-two text.txt --branch x --ledger a", 2, "takes no --branch"),
    ("init again --from nowhere", 2, "cannot read nowhere"),
    ("init again --from text.txt", 5, "text.txt, line 1"),
    ("init again --from cut.jsonl", 5, "cut.jsonl"),
    ("init again --from late.jsonl", 2, "begins at position 1"),
    ("init again --from b.jsonl --origin x", 2, "--origin is for a new ledger"),
    ("init a --from b.jsonl", 4, "there is a ledger in a already"),
]


@pytest.mark.parametrize(("words", "code", "says"), WRONG, ids=[words for words, *_ in WRONG])
def test_wrong(say, tmp_path, words, code, says):
    """Wrong input is one clear error with a hint, and leaves nothing behind."""
    (tmp_path / "text.txt").write_text("some text\n")
    whole = (tmp_path / "b.jsonl").read_bytes()
    (tmp_path / "cut.jsonl").write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    assert say("export late.jsonl --from 1 --ledger b")[0] == 0
    journal = (tmp_path / f"a/.ledger/journal/{0:020d}.log").read_bytes()
    ended, out, err = say(words)
    assert (ended, out) == (code, "")
    assert says in err
    assert "Traceback" not in err
    assert (tmp_path / f"a/.ledger/journal/{0:020d}.log").read_bytes() == journal
    assert not (tmp_path / "again").exists() or list((tmp_path / "again").iterdir()) == []
