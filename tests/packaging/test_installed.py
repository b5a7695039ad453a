"""The installed wheel, used outside the clone."""

import json

import pytest


@pytest.fixture(scope="module")
def ledger_folder(installed, tmp_path_factory):
    """A ledger made by the installed command."""
    folder = tmp_path_factory.mktemp("somewhere")
    made = installed.run("init", "--origin", "example/wheel", "--actor", "human:ada", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize("program", ["ledger", "research-ledger"])
def test_help(installed, tmp_path, program):
    """Both names answer, and the executors are found."""
    answer = installed.run("--help", cwd=tmp_path, program=program)
    assert answer.returncode == 0, answer.stderr
    assert "Run an executor" in answer.stdout


def test_the_installed_packages_are_used(installed, tmp_path):
    """Nothing of this test file's clone is imported."""
    code = "import ledger, executors, ml; print(ledger.__file__, executors.__file__, ml.__file__)"
    answer = installed.run("-c", code, cwd=tmp_path, program="python")
    assert [path.count("site-packages") for path in answer.stdout.split()] == [1, 1, 1]


def test_record(installed, ledger_folder):
    """An event is recorded from another folder below."""
    below = ledger_folder / "a" / "b"
    below.mkdir(parents=True)
    answer = installed.run(
        "record", "note.added", "--text", "hi", cwd=below, LEDGER_ACTOR="human:a"
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("1 sha256:")


def test_query(installed, ledger_folder):
    """The SQL files are found."""
    answer = installed.run("query", "kinds", "--json", cwd=ledger_folder)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)[0]["kind"] == "ledger.created"


def test_render(installed, ledger_folder):
    """The templates are found."""
    answer = installed.run("render", cwd=ledger_folder)
    assert answer.returncode == 0, answer.stderr
    page = (ledger_folder / "spec/specification.md").read_text(encoding="utf-8")
    assert page.startswith("# Specification\n")
    assert installed.run("render", "--check", cwd=ledger_folder).returncode == 0


def test_sql_in_its_own_process(installed, ledger_folder):
    """The child process finds the package too."""
    answer = installed.run("query", "--sql", "select 1 as one", "--json", cwd=ledger_folder)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == [{"one": 1}]


def test_audit(installed, ledger_folder):
    """The audit finds nothing."""
    assert installed.run("audit", cwd=ledger_folder).returncode == 0


def test_demo_says_that_it_needs_the_clone(installed, tmp_path):
    """The models are not in the wheel: a hint, not a traceback."""
    answer = installed.run("demo", cwd=tmp_path)
    assert answer.returncode == 2
    assert "--data" in answer.stderr
