"""Writing a site: the same bytes everywhere, only what changed, only where it may."""

import hashlib
import json
import os
import signal
import subprocess
import time

import pytest
from labs import SCRIPT, tree
from ledgers import claim, new_ledger, note

from ledger.cli import run
from ledger.errors import BadArguments, IntegrityError, Malformed, StoreFailed
from ledger.site.index import NAME
from ledger.site.writing import write


def contents(out):
    """The bytes of every file, by path."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def changes(results):
    """What happened to which files."""
    found = {}
    for result in results:
        found.setdefault(result.change, set()).add(result.path)
    return found


@pytest.mark.slow
def test_the_same_bytes_everywhere(hostile, site, tmp_path):
    """In another zone, language, order of hashes and folder."""
    environment = {
        **os.environ,
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "tr_TR.UTF-8",
        "PYTHONHASHSEED": "77",
        "COLUMNS": "40",
    }
    command = [str(SCRIPT), "site", "there", "--ledger", str(hostile.path)]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
    assert contents(tmp_path / "there") == contents(site)


def test_the_index_lists_every_file(site):
    """With its digest; nothing else lies there."""
    found = contents(site)
    index = json.loads(found.pop(NAME))
    assert index["format"] == "research-ledger/site/1"
    assert {path: facts["sha256"] for path, facts in index["files"].items()} == {
        path: hashlib.sha256(data).hexdigest() for path, data in found.items()
    }


def test_only_what_changed_is_written(small, tmp_path):
    """A second time nothing; after a new entry, what rests on it."""
    out = tmp_path / "site"
    assert set(changes(write(small.folder, out))) == {"written"}
    before = tree(out)
    assert set(changes(write(small.folder, out))) == {"unchanged"}
    assert tree(out) == before
    small.append([claim("H-NEW")])
    found = changes(write(small.folder, out))
    assert "claims/H-NEW.html" in found["written"]
    assert "criteria/LOSS.html" in found["unchanged"]


def test_what_is_gone_is_removed(small, tmp_path):
    """With the folder that it leaves empty; what somebody else put there stays."""
    out = tmp_path / "site"
    small.append([claim("H-NEW")])
    write(small.folder, out)
    (out / "mine.txt").write_text("mine")
    last = small.query("events", last=1).objects()[0]["position"]
    found = changes(write(small.folder, out, at=last - 1))
    assert found["removed"] == {"claims/H-NEW.html", "pictures/claims.svg"}
    assert not (out / "claims").exists()
    assert (out / "mine.txt").read_text() == "mine"
    assert "mine.txt" not in json.loads((out / NAME).read_text())["files"]


def test_a_foreign_folder_is_refused(small, tmp_path, capsys):
    """And stays as it is: exit code 2."""
    out = tmp_path / "home"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    assert run(["site", str(out), "--ledger", str(small.folder.path)]) == 2
    assert "no site of ours" in capsys.readouterr().err
    assert contents(out) == {"thesis.tex": b"years of work"}


def test_a_file_is_no_folder(small, tmp_path):
    """It is not overwritten."""
    (tmp_path / "out").write_text("x")
    with pytest.raises(BadArguments, match="is a file"):
        write(small.folder, tmp_path / "out")


def test_an_empty_folder_will_do(small, tmp_path):
    """It is nobody's."""
    (tmp_path / "out").mkdir()
    assert write(small.folder, tmp_path / "out")


def test_the_site_of_another_ledger_is_refused(small, tmp_path):
    """Nothing of it is written over."""
    out = tmp_path / "site"
    write(small.folder, out)
    before = contents(out)
    index = json.loads((out / NAME).read_text())
    (out / NAME).write_text(json.dumps({**index, "origin": "example.org/other"}))
    with pytest.raises(BadArguments, match=r"site of example\.org/other"):
        write(small.folder, out)
    assert {**contents(out), NAME: b""} == {**before, NAME: b""}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "other/1"}', "[" * 100_000, '{"format": 1e999}', "\xff"],
)
def test_a_damaged_index_is_refused(small, tmp_path, text):
    """As malformed, and nothing is written."""
    out = tmp_path / "site"
    out.mkdir()
    (out / NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(Malformed):
        write(small.folder, out)
    assert list(contents(out)) == [NAME]


@pytest.mark.parametrize("path", ["../victim", "/etc/victim", "a/../../victim", "site.json"])
def test_an_index_that_reaches_outside_is_refused(small, tmp_path, path):
    """What it names would be removed."""
    out = tmp_path / "site"
    write(small.folder, out)
    (tmp_path / "victim").write_text("alive")
    index = json.loads((out / NAME).read_text())
    index["files"][path] = {"as_of": 0, "sha256": ""}
    (out / NAME).write_text(json.dumps(index))
    with pytest.raises(Malformed, match="outside"):
        write(small.folder, out)
    assert (tmp_path / "victim").read_text() == "alive"


def test_a_link_is_not_followed(small, tmp_path):
    """A folder of the site that leads elsewhere stops the writing."""
    out, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    write(small.folder, out)
    (out / "criteria").rename(elsewhere)
    (out / "criteria").symlink_to(elsewhere)
    before = contents(elsewhere)
    small.append([note("another")])
    with pytest.raises(StoreFailed, match="is a link"):
        write(small.folder, out)
    assert contents(elsewhere) == before


def test_a_page_that_somebody_changed_is_mended(small, tmp_path):
    """The record says what stands there."""
    out = tmp_path / "site"
    write(small.folder, out)
    before = contents(out)
    (out / "board.html").write_text("all is well")
    assert changes(write(small.folder, out))["written"] == {"board.html"}
    assert contents(out) == before


def test_a_journal_that_lost_entries_is_told(small, tmp_path):
    """The site knows of more than there is: exit code 6, nothing is written."""
    out = tmp_path / "site"
    write(small.folder, out)
    with new_ledger(tmp_path / "shorter") as shorter:
        shorter.append([note("only this")])
        with pytest.raises(IntegrityError, match="the journal ends at"):
            write(shorter.folder, out)


@pytest.mark.slow
def test_a_writing_that_is_killed(hostile, site, tmp_path):
    """Leaves whole files or none, a list of them, and is mended by the next one."""
    out = tmp_path / "site"
    command = [str(SCRIPT), "site", str(out), "--ledger", str(hostile.path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (out / NAME).exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    whole, left = contents(site), contents(out)
    listed = json.loads(left.pop(NAME))["files"]
    left = {path: data for path, data in left.items() if not path.endswith(".new")}
    assert left.items() <= whole.items()
    assert set(left) <= set(listed)
    write(hostile, out)
    assert contents(out) == whole


def test_what_the_command_says(small, tmp_path, capsys):
    """A line for people, a row a file for programs."""
    place = ["site", str(tmp_path / "site"), "--ledger", str(small.folder.path)]
    assert run(place) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "index.html" in said.err
    assert run([*place, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["change"] for row in rows} == {"unchanged"}
    assert "board.html" in {row["path"] for row in rows}


def test_a_folder_that_cannot_be_made(small, tmp_path):
    """Is told by its name."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreFailed, match="file"):
        write(small.folder, tmp_path / "file" / "site")
