"""A ledger that another user owns can be asked, whatever is the state of its database."""

import os

import pytest
from labs import ask, tree
from ledgers import HUMAN, new_recorder, note
from nursery import Nursery


@pytest.fixture
def shown(folder):
    """A ledger with three entries that anyone may read and only root may write."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    recorder = new_recorder(folder)
    recorder.append([note("one"), note("two"), note("three")], actor=HUMAN)
    recorder.close()
    return folder


def close_to_others(folder):
    """Let others read and not write."""
    for path in folder.path.parents:
        if not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o011)
    for path in (folder.path, *folder.path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("state", ["caught up", "behind", "missing", "damaged", "unreadable"])
def test_asked_by_nobody(shown, tmp_path, state):
    """The answer is right, and nothing in the folder is touched."""
    answers = tmp_path / "answers"
    answers.touch()
    answers.chmod(0o666)
    if state != "missing":
        ask(shown, "select 1")
    if state == "behind":
        recorder = new_recorder(shown)
        recorder.append([note("four")], actor=HUMAN)
        recorder.close()
    if state == "damaged":
        shown.database.write_bytes(b"garbage" * 3000)
    close_to_others(shown)
    if state == "unreadable":
        shown.database.chmod(0o600)
    before = tree(shown.path)
    with Nursery() as nursery:
        assert nursery.run("ask_as_nobody", shown.path, answers) == 0
    last = 3 if state == "behind" else 2
    assert answers.read_text() == repr([(last + 1, last)])
    assert tree(shown.path) == before
