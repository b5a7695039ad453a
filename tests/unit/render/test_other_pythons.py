"""The same record gives the same bytes under another version of Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest

from ledger.render.folder import render_all, write
from ledger.render.own import Library, open_library
from ledger.render.process import Limits, Renderer, read_parts

ROOT = Path(__file__).parents[3]
VERSIONS = ("3.11", "3.12", "3.13")
_WHICH = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


def _interpreters():
    """Each Python on this machine that this program supports, one a version, ours among them."""
    found = {".".join(map(str, sys.version_info[:3])): sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [str(place) for place in sorted(pyenv.glob("*/bin/python"))]
    places += [place for v in VERSIONS if (place := shutil.which(f"python{v}")) is not None]
    for place in places:
        done = subprocess.run([place, "-c", _WHICH], capture_output=True, text=True, check=False)
        version = done.stdout.strip()
        if done.returncode == 0 and version.rpartition(".")[0] in VERSIONS:
            found.setdefault(version, place)
    return found


def _has_everything(place):
    """Whether an interpreter has what the whole program needs, and not only its renderer."""
    needs = "import attrs, click, duckdb, jinja2, msgspec, yaml"
    return subprocess.run([place, "-c", needs], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("version", _interpreters())
def test_the_same_bytes(own_lab, tmp_path, monkeypatch, version, record_property):
    """Every document, rendered by another Python: the whole program, or its templates alone."""
    place = _interpreters()[version]
    write(own_lab, tmp_path / "ours")
    ours = {p.relative_to(tmp_path / "ours"): p.read_bytes() for p in _files(tmp_path / "ours")}
    packages = Path(jinja2.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(packages)]))
    if _has_everything(place):
        record_property("ran", f"the whole program under {version}")
        words = ["render", "--ledger", own_lab.path, "--out", tmp_path / "theirs"]
        code = "import sys; from ledger.cli import run; sys.exit(run(sys.argv[1:]))"
        subprocess.run([place, "-c", code, *words], check=True, capture_output=True)
        theirs = {
            p.relative_to(tmp_path / "theirs"): p.read_bytes() for p in _files(tmp_path / "theirs")
        }
        assert theirs == ours
        return
    record_property("ran", f"the templates under {version}, the queries under ours")
    renderer = Renderer(read_parts(), Limits(), place)
    try:
        library = Library(templates=open_library().templates, renderer=renderer)
        pages, _, _ = render_all(own_lab, library=library)
    finally:
        renderer.stop()
    assert {Path(page.path): page.text.encode() for page in pages} == {
        path: data for path, data in ours.items() if path.name != "manifest.json"
    }


def _files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]
