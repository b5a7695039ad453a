"""`ledger contract …`: results on stdout, talk on stderr, the exit code is the verdict."""

import json

import pytest
from labs import command
from ledgers import EXECUTOR, HUMAN, lines_of, measurement, new_ledger, run_started

from ledger.audit import audit
from ledger.cli import run
from ledger.commands.judge import judge
from ledger.contracts.schema import json_schema

SECOND = ("version: 1.0.0", "version: 1.1.0")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a ledger, as the working folder."""
    new_ledger(tmp_path / "home").close()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    return tmp_path / "home"


@pytest.fixture
def written(home, tiny4):
    """Writes the changed contract into the working folder; its name."""

    def write(*changes, name="tiny4.yaml"):
        (home / name).write_text(tiny4(*changes), encoding="utf-8")
        return name

    return write


@pytest.fixture
def call(capsys):
    """Runs a command line; (exit code, stdout, stderr)."""

    def run_it(*words):
        code = run(["contract", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_it


def test_lint(call, written):
    """Nothing found is 0 and silent; a finding is 1 and a line, or JSON."""
    assert call("lint", written()) == (0, "", "files: 1, findings: 0\n")
    name = written(("noise: 0.05", "noise: -1"), ("version: 1.0.0", "version: 1"))
    code, out, err = call("lint", name)
    assert (code, err) == (1, "files: 1, findings: 2\n")
    assert out.splitlines() == [
        "tiny4.yaml:5:12: form: metadata.version: expected `str`, got `int`; quote it",
        "tiny4.yaml:39:12: terms: T4-LOSS: noise: -1 is negative",
    ]
    code, out, _ = call("lint", name, "--json")
    assert code == 1
    assert list(json.loads(out)[0]) == ["file", "line", "column", "check", "text"]


def test_lint_without_a_ledger(call, written, tmp_path, monkeypatch):
    """Files are looked at alone where there is no ledger, and where that is asked for."""
    name = str(tmp_path / "home" / written())
    assert call("add", name)[0] == 0
    assert call("lint", name)[0] == 1
    assert call("lint", name, "--alone")[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert call("lint", name)[0] == 0
    assert call("lint", name, "--ledger", "nowhere")[0] == 2
    monkeypatch.setenv("LEDGER_DIR", str(tmp_path / "home"))
    assert call("lint", name)[0] == 1


def test_lint_several(call, written, home):
    """Files are checked against each other; one that is no YAML does not hide the others."""
    other = written(SECOND, name="other.yaml")
    (home / "no.yaml").write_bytes(b"a: [\n")
    code, out, _ = call("lint", written(), other, "no.yaml")
    assert code == 1
    checks = [line.split(": ")[1] for line in out.splitlines()]
    assert checks == ["heads", "heads", "yaml"]


def test_lint_looks_up_tests_and_commands(call, written, home):
    """Executors and commands are those of the program; tests are below --tests."""
    old = "test: each of 164 problems once, greedily"
    for words in ("ledger run trace m.gguf", "ledger judge T4-PASS", "ledger blobs clean"):
        assert call("lint", written((old, f"test: {words}")))[0] == 0
    for words in ("ledger run benchmark", "ledger juge", "ledger contract ad x", "ledger"):
        assert call("lint", written((old, f"test: {words}")))[0] == 1
    name = written((old, "test: tests/test_x.py::test_it"))
    assert call("lint", name)[0] == 1
    (home / "far" / "tests").mkdir(parents=True)
    (home / "far" / "tests" / "test_x.py").write_text("def test_it(): ...\n")
    assert call("lint", name, "--tests", "far")[0] == 0


def test_checks_are_listed(call):
    """`--checks` names every check with what it finds."""
    code, out, _ = call("lint", "--checks", "--json")
    assert code == 0
    assert [row["check"] for row in json.loads(out)][:3] == ["yaml", "form", "terms"]
    assert call("lint")[0] == 2


def test_add(call, written, home):
    """A table of what was recorded; the second time it is refused, and nothing is recorded."""
    code, out, _ = call("add", written(), "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(row["hash"].startswith("sha256:") for row in rows)
    code, out, err = call("add", "tiny4.yaml")
    assert (code, out) == (3, "")
    assert "tiny4 1.0.0 was added at position 6" in err
    assert "hint: " in err
    folder = new_folder_of(home)
    assert len(lines_of(folder)) == 7
    assert audit(folder).exit_code == 0


def new_folder_of(home):
    """The folder of the ledger."""
    from ledger.folder import find_folder

    return find_folder(str(home))


def test_dry_run(call, written, home):
    """It says what would be recorded, and that nothing was."""
    code, out, err = call("add", written(), "--dry-run")
    assert (code, err) == (0, "nothing was recorded\n")
    assert "T4-LEARNS" in out
    assert len(lines_of(new_folder_of(home))) == 1


def test_post_hoc_is_told(call, written, home, tiny4):
    """Who moves a threshold after a result is told so, and who drops a row, too."""
    from ledger.ledger import Ledger

    call("add", written())
    with Ledger.open(home) as lab:
        lab.append([run_started("train-0001"), measurement("train-0001", 4.0)], actor=EXECUTOR)
        judge(lab, ["T4-LEARNS", "T4-LOSS"], actor=HUMAN)
    dropped = tiny4()[tiny4().index("  - name: T4-PARITY") :]
    code, out, err = call("add", written(SECOND, ("old: 3.0", "old: 4.7"), (dropped, "")))
    assert code == 0
    assert "post hoc: T4-LOSS: position 8 meets loss_final <= 4.7 nats (noise 0.05)" in err
    assert "did not meet loss_final <= 3.0 nats" in err
    assert "left out: T4-PARITY stays on the board" in err
    assert "post hoc" in out
    with Ledger.open(home) as lab:
        judge(lab, [], actor=HUMAN)
    shown = json.loads(call("show", "tiny4", "--json")[1])["rows"]
    (row,) = [row for row in shown if row["row"] == "T4-LOSS"]
    assert (row["status"], row["metric"]) == ("FALSIFIED", "loss_final <= 3 nats")
    assert row["post_hoc"]
    assert audit(new_folder_of(home)).exit_code == 0


def test_list_and_show(call, written):
    """Versions in order, the one in force marked; rows with their status; the file as it was."""
    call("add", written())
    call("add", written(SECOND, ("title: nine", "title: about nine")))
    listed = json.loads(call("list", "--json")[1])
    assert [(row["version"], row["in_force"], row["rows"]) for row in listed] == [
        ("1.0.0", False, 4),
        ("1.1.0", True, 4),
    ]
    assert [row["version"] for row in json.loads(call("list", "--at", "6", "--json")[1])] == [
        "1.0.0"
    ]
    shown = json.loads(call("show", "tiny4", "--json")[1])
    assert (shown["version"], shown["in_force"]) == ("1.1.0", True)
    assert [row["row"] for row in shown["rows"]] == ["T4-LEARNS", "T4-LOSS", "T4-PASS", "T4-PARITY"]
    assert {row["status"] for row in shown["rows"]} == {"unbound"}
    before = json.loads(call("show", "tiny4", "--at", "6", "--json")[1])
    assert (before["version"], before["in_force"]) == ("1.0.0", True)
    assert "tiny4 1.0.0 (not in force)" in call("show", "tiny4@1.0.0")[1]
    code, _, err = call("show", "tiny4@3")
    assert code == 2
    assert "versions of tiny4: 1.0.0, 1.1.0" in err
    assert call("show", "other")[0] == 2


def test_file_as_it_was_added(home, written):
    """Byte for byte, to a pipe; and a contract can come from one."""
    name = written()
    data = (home / name).read_bytes()
    assert command(home, "contract", "lint", "-", input=data).returncode == 0
    assert command(home, "contract", "add", "-", input=data).returncode == 0
    shown = command(home, "contract", "show", "tiny4", "--file")
    assert (shown.returncode, shown.stdout) == (0, data)


def test_new_and_schema(call, home):
    """What `new` prints can be added; `schema` is the schema."""
    code, out, _ = call("new", "mine", "--model", "m")
    assert code == 0
    (home / "mine.yaml").write_text(out, encoding="utf-8")
    assert call("lint", "mine.yaml")[0] == 0
    assert call("add", "mine.yaml")[0] == 0
    assert call("new", "my contract")[0] == 2
    assert json.loads(call("schema")[1]) == json.loads(json.dumps(json_schema()))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("lint", "missing.yaml"), 2),
        (("add", "missing.yaml"), 2),
        (("add", "."), 2),
        (("add", "bad.yaml"), 5),
        (("add", "large.yaml"), 5),
        (("add", "empty.yaml"), 5),
        (("lint", "bad.yaml", "large.yaml", "empty.yaml"), 1),
        (("show",), 2),
        (("list", "--at", "99"), 2),
        (("nothing",), 2),
    ],
)
def test_bad_input(call, home, words, code):
    """A clear error with a hint, the code for it, nothing recorded."""
    (home / "bad.yaml").write_bytes(b"a: \xff\n")
    (home / "large.yaml").write_bytes(b"#" * 300_000)
    (home / "empty.yaml").write_bytes(b"")
    found, out, err = call(*words)
    assert found == code
    assert "Traceback" not in out + err
    assert code == 1 or "hint: " in err or "Usage" in err
    assert len(lines_of(new_folder_of(home))) == 1


def test_no_actor(call, written, monkeypatch):
    """Who adds it must be said."""
    name = written()
    monkeypatch.delenv("LEDGER_ACTOR")
    code, _, err = call("add", name)
    assert code == 2
    assert "who records this?" in err


def test_names_complete(call, written):
    """The shell completes the names of contracts, and is quiet where there is no ledger."""
    import click

    from ledger.cli.contract import show

    call("add", written())
    (name,) = [parameter for parameter in show.params if parameter.name == "name"]
    ctx = click.Context(show)
    assert [item.value for item in name.shell_complete(ctx, "ti")] == ["tiny4"]
    assert name.shell_complete(ctx, "x") == []
    ctx.params["ledger_dir"] = "nowhere"
    assert name.shell_complete(ctx, "ti") == []
