"""What is in the wheel and in the source archive: all of ours, nothing else."""

import configparser
import tarfile
import zipfile
from email.parser import Parser

import pytest
from distribution import build
from documents import ROOT

from ledger.queries import QUERIES

PACKAGES = ("ledger", "executors", "ml")


def _names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def _info(wheel, name):
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [n for n in archive.namelist() if n.endswith(f".dist-info/{name}")]
        return archive.read(path).decode()


def _of_clone(folder, pattern):
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_holds_three_packages_and_its_metadata(wheel):
    """No tests, no templates at the top, nobody else's package."""
    tops = {name.partition("/")[0] for name in _names(wheel)}
    assert tops == {*PACKAGES, "research_ledger-0.1.0.dist-info"}


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_module(wheel, package):
    """Each Python file of the clone is in it, each once."""
    names = _names(wheel)
    modules = [n for n in names if n.startswith(f"{package}/") and n.endswith(".py")]
    assert sorted(modules) == sorted(_of_clone(package, "*.py"))


def test_wheel_holds_every_query(wheel):
    """The SQL files travel with the package."""
    found = {name for name in _names(wheel) if name.endswith(".sql")}
    assert found == {f"ledger/queries/{name}.sql" for name in QUERIES}


def test_wheel_holds_every_template(wheel):
    """What the symlink points to is in it, as files."""
    templates = {name.removeprefix("templates/") for name in _of_clone("templates", "*")}
    inside = {
        name.removeprefix("ledger/_templates/")
        for name in _names(wheel)
        if name.startswith("ledger/_templates/")
    }
    assert inside == templates
    assert "documents.yaml" in inside


def test_wheel_holds_no_leavings(wheel):
    """No compiled files, caches, or results of runs."""
    bad = ("__pycache__", ".pyc", ".ledger/", "tests/", ".gguf")
    assert [n for n in _names(wheel) if any(part in n for part in bad)] == []


def test_wheel_says_what_it_is(wheel):
    """Name, licence and Python versions are as the project says."""
    facts = Parser().parsestr(_info(wheel, "METADATA"))
    assert facts["Name"] == "research-ledger"
    assert facts["License-Expression"] == "MIT"
    assert facts["Requires-Python"] == "<3.14,>=3.11"
    assert "MIT License" in _info(wheel, "licenses/LICENSE")


def test_wheel_has_the_console_scripts(wheel):
    """Two names for one command, and the compiler front; `run` comes through the entry points."""
    points = configparser.ConfigParser()
    points.optionxform = str
    points.read_string(_info(wheel, "entry_points.txt"))
    assert points["console_scripts"]["ledger"] == "ledger.cli:main"
    assert points["console_scripts"]["research-ledger"] == "ledger.cli:main"
    assert points["ledger.commands"]["run"] == "executors.cli:run"


def test_source_archive_builds_the_same_wheel(sdist, wheel, tmp_path):
    """The symlink to the templates survives the archive."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    again = build(source, tmp_path / "wheel")
    assert sorted(_names(again)) == sorted(_names(wheel))


def test_source_archive_holds_no_leavings(sdist):
    """No environment, cache or ledger of somebody's machine."""
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    bad = (".venv", ".git/", "__pycache__", ".pyc", ".ledger/", "demo/", "_cache/", ".hypothesis")
    assert [n for n in names if any(part in n for part in bad)] == []
    assert {"README.md", "LICENSE", "pyproject.toml", "Makefile"} <= set(names)
