"""The demo, run for real once for all tests of this folder."""

import subprocess

import pytest
from transcript import LEDGER, environment, run_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The demo as a newcomer sees it."""
    return run_demo(tmp_path_factory.mktemp("first") / "demo")


@pytest.fixture(scope="session")
def second_demo(tmp_path_factory):
    """The same again, elsewhere."""
    return run_demo(tmp_path_factory.mktemp("second") / "another" / "place")


@pytest.fixture
def ledger(demo):
    """Run a command in the demo's folder."""

    def run(*words):
        return subprocess.run(
            [LEDGER, *words],
            cwd=demo.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    return run
