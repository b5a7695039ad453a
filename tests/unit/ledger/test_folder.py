"""Finding, making and refusing a ledger's folder."""

import multiprocessing
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.errors import BadArguments, Conflict, IntegrityError, StoreFailed
from ledger.folder import create_folder, find_folder, open_folder


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch, tmp_path):
    """No ledger of the machine is found by accident."""
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


def test_layout(tmp_path):
    """A new folder has the parts of the design and a two-line ledger.toml."""
    folder = create_folder(tmp_path, "example.org/lab")
    assert folder.path == tmp_path / ".ledger"
    assert folder.settings.read_text() == (
        'origin = "example.org/lab"\nformat = "research-ledger/v1"\n'
    )
    assert folder.lock == folder.path
    assert folder.journal.is_dir()
    assert folder.blobs == tmp_path / ".ledger" / "blobs" / "sha256"
    assert folder.blobs.is_dir()
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "blobs", "journal", "ledger.toml", "log"
    ]  # fmt: skip


def test_found_from_below(tmp_path):
    """The nearest ledger above the working folder is found."""
    outer = create_folder(tmp_path, "outer")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_folder(None, below) == outer
    inner = create_folder(tmp_path / "a", "inner")
    assert find_folder(None, below) == inner
    assert find_folder(None) == outer


def test_given_and_environment(tmp_path, monkeypatch):
    """What is given wins over LEDGER_DIR, which wins over the nearest."""
    folders = {}
    for name in ("given", "environment"):
        (tmp_path / name).mkdir()
        folders[name] = create_folder(tmp_path / name, name)
    create_folder(tmp_path, "nearest")
    assert find_folder(None).origin == "nearest"
    monkeypatch.setenv("LEDGER_DIR", str(tmp_path / "environment"))
    assert find_folder(None) == folders["environment"]
    assert find_folder(str(tmp_path / "given")) == folders["given"]
    assert find_folder(str(tmp_path / "given" / ".ledger")) == folders["given"]


def test_nothing_found(tmp_path, monkeypatch):
    """Where there is no ledger, the error says how to make one."""
    with pytest.raises(BadArguments, match="or above it") as refused:
        find_folder(None)
    assert "ledger init" in refused.value.hint
    monkeypatch.setenv("LEDGER_DIR", str(tmp_path / "gone"))
    with pytest.raises(BadArguments, match=r"there is no ledger in .*gone"):
        find_folder(None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("origin = ", "is damaged"),
        ("\xff", "is damaged"),
        ('origin = "a"\n', "format None"),
        ('origin = "a"\nformat = "research-ledger/v2"\n', "format 'research-ledger/v2'"),
        ('format = "research-ledger/v1"\n', "names no valid origin"),
        ('origin = "a b"\nformat = "research-ledger/v1"\n', "names no valid origin"),
        ('origin = 7\nformat = "research-ledger/v1"\n', "names no valid origin"),
    ],
)
def test_damaged_settings(tmp_path, text, says):
    """A damaged ledger.toml, or one of a newer format, is an integrity error."""
    folder = create_folder(tmp_path, "lab")
    folder.settings.write_text(text, encoding="latin-1")
    with pytest.raises(IntegrityError, match=says):
        open_folder(folder.path)


def test_missing_settings(tmp_path):
    """A folder without ledger.toml is no ledger."""
    with pytest.raises(StoreFailed, match="cannot read"):
        open_folder(tmp_path)


def test_second_creation(tmp_path):
    """A second ledger in one place is refused and changes nothing."""
    folder = create_folder(tmp_path, "lab")
    before = folder.settings.read_bytes()
    with pytest.raises(Conflict, match="there is a ledger in"):
        create_folder(tmp_path, "other")
    assert folder.settings.read_bytes() == before


def _create(directory: str, origin: str) -> str | None:
    try:
        return create_folder(Path(directory), origin).origin
    except Conflict:
        return None


def test_creation_race(tmp_path):
    """Of two that create at once one wins, and its origin is the one in ledger.toml."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for attempt in range(20):
            place = tmp_path / str(attempt)
            place.mkdir()
            origins = pool.starmap(_create, [(str(place), "a"), (str(place), "b")])
            (winner,) = [origin for origin in origins if origin]
            assert open_folder(place / ".ledger").origin == winner


@pytest.mark.parametrize("origin", ["", "a b", "/a", "a//b", 'a"b', "é", "a\n"])
def test_bad_origin(tmp_path, origin):
    """A name that cannot be an origin is refused before anything is made."""
    with pytest.raises(BadArguments, match="cannot name a ledger"):
        create_folder(tmp_path, origin)
    assert list(tmp_path.iterdir()) == []


def test_no_place(tmp_path):
    """Where the folder cannot be made the error is clear."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match="cannot make"):
        create_folder(tmp_path / "file", "lab")


def test_interrupted_creation(tmp_path):
    """What a creation that died before ledger.toml left is begun anew, with its first entry."""
    left = create_folder(tmp_path, "first", b"0 of an interrupted creation\n")
    left.settings.unlink()
    with Ledger.create(tmp_path, "second", actor="human:ada") as ledger:
        receipt = ledger.record("note.added", {"text": "x"})
    assert receipt.position == 1
    lines = (left.journal / f"{0:020d}.log").read_bytes().splitlines()
    assert b'"kind":"ledger.created"' in lines[0]
    assert b'"origin":"second"' in lines[0]


def test_lost_settings(tmp_path):
    """A journal that lost its ledger.toml is not written over."""
    with Ledger.create(tmp_path, "lab", actor="human:ada") as ledger:
        ledger.record("note.added", {"text": "x"})
        before = (ledger.folder.journal / f"{0:020d}.log").read_bytes()
        ledger.folder.settings.unlink()
    with pytest.raises(Conflict, match=r"2 entries and no ledger\.toml"):
        Ledger.create(tmp_path, "lab", actor="human:ada")
    assert (ledger.folder.journal / f"{0:020d}.log").read_bytes() == before
