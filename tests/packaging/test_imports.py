"""What starting up costs, and whose packages are imported."""

import json
import subprocess
import sys

import pytest

HEAVY = ("duckdb", "tinygrad", "numpy", "gguf", "tokenizers", "jinja2", "yaml", "zstandard",
         "matplotlib")  # fmt: skip
_LOADED = f"import json, sys; print(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"


def _loaded_after(code):
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_LOADED}"], capture_output=True, text=True, check=True
    )
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "code",
    [
        "import ledger",
        "import ledger.ledger",
        "import ml",
        "import executors",
        "from ledger.cli import run; run(['--help'])",
        "from ledger.cli import run; run(['run', '--help'])",
        "from ledger.cli import run; run(['record', '--list'])",
        "from ledger.cli import run; run(['query', '--list'])",
    ],
)
def test_nothing_heavy_is_imported(code):
    """Neither a database nor numbers are loaded to say what there is."""
    assert _loaded_after(code) == []


def _fake(folder, name, distribution=None):
    """A package called `name`, and a distribution that owns it."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    if distribution:
        info = folder / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.0\n", encoding="utf-8")
        (info / "top_level.txt").write_text(f"{name}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", [["--help"], ["board"], ["record", "--list"], ["run", "trace"]])
@pytest.mark.parametrize("name", ["ml", "executors"])
def test_foreign_package_stops_every_command(installed, tmp_path, name, command):
    """Whatever is asked, the first thing said is that a package is not ours."""
    path = _fake(tmp_path / "foreign", name)
    answer = installed.run(*command, cwd=tmp_path, path=[path])
    assert answer.returncode == 7
    assert answer.stdout == ""
    assert f"the package {name!r} here is" in answer.stderr
    assert "environment of its own" in answer.stderr


def test_foreign_distribution_is_named(installed, tmp_path):
    """Where the package belongs to a distribution, its name is given."""
    path = _fake(tmp_path / "foreign", "ml", "someones-ml")
    answer = installed.run("--help", cwd=tmp_path, path=[path])
    assert answer.returncode == 7
    assert "someones-ml" in answer.stderr


def test_a_namespace_folder_is_not_taken_for_ours(installed, tmp_path):
    """A folder `ml` without __init__.py in the working folder hides nothing."""
    (tmp_path / "ml").mkdir()
    assert installed.run("--help", cwd=tmp_path).returncode == 0
