"""Blobs under processes that race and die: what an entry names is there, what is withheld goes."""

import os
import subprocess
import sys
import threading
import time

import pytest
from evidence import secret_note
from ledgers import HUMAN, lines_of, note

from ledger.audit import audit
from ledger.blobs import blob_path, list_blobs, write_blob
from ledger.commands import blobs as cleaning
from ledger.commands.redact import redact

REASON = "a key was logged"
_CLEAN = """
import sys
from pathlib import Path
from ledger.commands.blobs import clean
from ledger.folder import open_folder
folder = open_folder(Path(sys.argv[1]))
print("ready", flush=True)
removed = 0
while not Path(sys.argv[2]).exists():
    removed += len(clean(folder, older_than_s=86400, remove=True))
print(removed, flush=True)
"""
#: Redacts position 1 and dies right before the n-th change of a file.
_DIE = """
import os, sys
from pathlib import Path
import duckdb
from ledger.commands.redact import redact
from ledger.folder import open_folder
left = [int(sys.argv[2])]
def counted(function):
    def call(*arguments, **keywords):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
        return function(*arguments, **keywords)
    return call
for name in ("write", "fdatasync", "fsync", "unlink", "rename"):
    setattr(os, name, counted(getattr(os, name)))
redact(open_folder(Path(sys.argv[1])), "1", sys.argv[3], actor="human:ada")
"""


def python(code, *words, **more):
    """Python code as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, text=True, **more
    )


def make_old(folder, digest):
    """Let a blob have been kept two days ago."""
    long_ago = time.time() - 2 * 86_400
    os.utime(blob_path(folder, digest), (long_ago, long_ago))


def test_a_writer_that_keeps_a_stray_again_loses_nothing(ledger, tmp_path):
    """While another process cleans up without end, what was kept again and named stays there."""
    folder = ledger.folder
    stop, named = tmp_path / "stop", []
    with python(_CLEAN, folder.path, stop) as cleaner:
        assert cleaner.stdout.readline() == "ready\n"
        until, number = time.monotonic() + 6, 0
        while time.monotonic() < until:
            strays = [b"%d %d" % (number, n) for n in range(20)]
            for data in strays:
                make_old(folder, write_blob(folder, data))
            for data in strays[::2]:  # the other half may go
                digest = write_blob(folder, data)
                ledger.append([note(digest)])
                named.append(digest)
            number += 1
        stop.touch()
        removed = int(cleaner.stdout.readline())
        assert cleaner.wait(20) == 0
    assert removed > 0
    assert len(named) > 10
    assert set(named) <= set(list_blobs(folder))


def test_keeping_waits_for_the_removal(ledger, monkeypatch):
    """Who keeps a stray in the moment of its removal waits, and writes it anew."""
    folder = ledger.folder
    digest = write_blob(folder, b"stray")
    make_old(folder, digest)
    real, keepers = cleaning._remove, []

    def remove(where, one):
        keeper = threading.Thread(target=write_blob, args=(folder, b"stray"))
        keeper.start()
        keeper.join(0.3)
        assert keeper.is_alive()
        keepers.append(keeper)
        return real(where, one)

    monkeypatch.setattr(cleaning, "_remove", remove)
    (gone,) = cleaning.clean(folder, older_than_s=86_400, remove=True)
    assert (gone.blob, gone.removed) == (digest, True)
    keepers[0].join(10)
    assert list(list_blobs(folder)) == [digest]


def test_an_entry_waits_for_the_removal(ledger, monkeypatch):
    """Nobody records an entry between the last look at the journal and the removal."""
    folder = ledger.folder
    make_old(folder, write_blob(folder, b"stray"))
    real, seen = cleaning._remove, []

    def remove(where, one):
        code = (
            "import sys; from ledger import Ledger; "
            "Ledger.open(sys.argv[1], actor='human:ada').record('note.added', {'text': 'x'})"
        )
        writer = python(code, folder.path)
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(2)
        seen.append((writer, len(lines_of(folder))))
        return real(where, one)

    monkeypatch.setattr(cleaning, "_remove", remove)
    cleaning.clean(folder, older_than_s=86_400, remove=True)
    writer, before = seen[0]
    with writer:
        assert writer.wait(20) == 0
    assert len(lines_of(folder)) == before + 1 == 2


def test_death_before_each_change_of_a_redaction(ledger):
    """Wherever it dies, the record is whole, the audit says which, and doing it again ends it."""
    folder, found = ledger.folder, []
    digest, receipt = secret_note(ledger)
    ledger.query("kinds")  # the database is there: every attempt changes the same files
    ledger.close()
    for calls in range(1, 30):
        with python(_DIE, folder.path, calls, REASON) as process:
            code = process.wait(60)
        events = [line for line in lines_of(folder) if b'"blob.withheld"' in line.entry]
        is_there = blob_path(folder, digest).exists()
        found.append((len(events), is_there))
        report = audit(folder)
        assert report.exit_code == 0
        said = [f.message for f in report.findings if "withheld" in f.message]
        assert bool(said) == bool(events)
        if events:
            assert ("still there" in said[0]) == is_there
        if code == 0:
            break
        assert code == 9
    assert code == 0
    assert found[0] == (0, True)
    assert (1, True) in found
    assert found[-1] == (1, False)
    (done,) = redact(folder, digest, "again", actor=HUMAN)
    assert (done.withheld_at, done.removed) == (receipt.position + 1, False)
