"""The distribution as users get it: built once, and installed once, outside the clone."""

import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec

import pytest
from distribution import Installed, build
from documents import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built from the clone."""
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sdist(tmp_path_factory):
    """The source archive, built from the clone."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed, and pip builds no source archives")
    out = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", out]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (archive,) = out.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The wheel, installed; its dependencies are those of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    found = Installed(folder)
    command = [sys.executable, "-m", "pip", "--python", found.python, "--disable-pip-version-check"]
    subprocess.run(
        [*command, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True, timeout=300
    )
    (site,) = folder.glob("lib/python*/site-packages")
    # A path named in a .pth file is searched, but .pth files in it are not read: the editable
    # install of the clone stays out of sight.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return found
