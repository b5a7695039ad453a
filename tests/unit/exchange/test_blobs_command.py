"""`ledger blobs`: who names what, and cleaning up what nobody does."""

import os
import time

import pytest
from evidence import as_json, run_body, secret_note, trace_of
from ledgers import EXECUTOR, HUMAN, lines_of, new_ledger, note

from ledger import commitments
from ledger.audit import audit
from ledger.blobs import SCRATCH, blob_path, list_blobs, write_blob
from ledger.cli import run
from ledger.clock import FixedClock
from ledger.commands.blobs import clean, list_named
from ledger.commands.redact import redact
from ledger.entry import Entry, entry_hash, parse_entry
from ledger.errors import IntegrityError
from ledger.journal.line import Line, extend

DAY = 86_400
NOW_S = 2_000_000_000


def age(folder, digest, seconds):
    """Let a blob have been kept so long ago."""
    os.utime(blob_path(folder, digest), (NOW_S - seconds,) * 2)


def old_blob(folder, data):
    """A blob of two days ago."""
    digest = write_blob(folder, data)
    age(folder, digest, 2 * DAY)
    return digest


def clean_up(folder, *, remove=True, older_than_s=DAY):
    """The digests (or names) of what a clean-up removes now."""
    clock = FixedClock(NOW_S * 1_000_000)
    found = clean(folder, older_than_s=older_than_s, remove=remove, clock=clock)
    assert all(one.removed == remove for one in found)
    return [one.blob or one.path.rpartition("/")[2] for one in found]


def append_unknown(ledger, body):
    """An entry of a kind that this program does not know, as a merge would bring it."""
    last = lines_of(ledger.folder)[-1]
    before = parse_entry(last.entry)
    fields = {name: getattr(before, name) for name in Entry.__slots__ if name[0] != "_"}
    entry = Entry(**{**fields, "kind": "thing.invented", "body": body, "stream": "run/r-77"})
    data = entry.format()
    line = Line(last.position + 1, extend(last.chain, data), data)
    segment = next(ledger.folder.journal.glob("*.log"))
    segment.write_bytes(segment.read_bytes() + line.format())
    return entry_hash(data)


def test_every_role(ledger):
    """Evidence, committed, mentioned, stray; with who names it first, and how often."""
    evidence, trace = trace_of(ledger, b"evidence")
    trace_of(ledger, b"evidence", run="trace-0002")
    committed, secret = secret_note(ledger)
    mentioned = write_blob(ledger.folder, b"mentioned")
    ledger.append([note(f"see {mentioned} for more")])
    stray = write_blob(ledger.folder, b"stray")
    found = {one.digest: (one.role, one.entries, one.position) for one in list_named(ledger.folder)}
    assert found == {
        evidence: ("evidence", 2, trace.position),
        committed: ("committed", 1, secret.position),
        mentioned: ("mentioned", 1, secret.position + 1),
        stray: ("stray", 0, None),
    }
    redact(ledger.folder, committed, "x", actor=HUMAN)
    assert committed not in {one.digest for one in list_named(ledger.folder)}


def test_strays_go(ledger):
    """What nobody names goes, what anybody names stays, however it is named."""
    folder = ledger.folder
    named = [old_blob(folder, bytes([n])) for n in range(8)]
    stray = old_blob(folder, b"stray")
    trace_of(ledger, bytes([0]))
    ledger.append([note(f"withheld:{named[1]}")])
    ledger.append([note(named[2])])
    ledger.append([note(f'in "the" middle: {named[3]}, of a text')])
    ledger.append([note(f"the digits alone: {named[4].removeprefix('sha256:')}")])
    ledger.append([note("x")], actor=HUMAN)
    append_unknown(ledger, {"deep": [{"er": named[5]}], "blob": named[6], named[7]: 1})
    for digest in named:
        age(folder, digest, 2 * DAY)
    assert clean_up(folder, remove=False) == [stray]
    assert stray in list_blobs(folder)
    assert clean_up(folder) == [stray]
    assert set(list_blobs(folder)) == set(named)
    assert clean_up(folder) == []


def test_young_ones_stay(ledger):
    """A blob may be named soon by who kept it; keeping it again makes it young."""
    young, old = (write_blob(ledger.folder, data) for data in (b"young", b"old"))
    age(ledger.folder, young, DAY - 1)
    age(ledger.folder, old, DAY)
    assert clean_up(ledger.folder) == [old]
    age(ledger.folder, young, DAY)
    write_blob(ledger.folder, b"young")
    assert clean(ledger.folder, older_than_s=60, remove=True) == []
    assert list(list_blobs(ledger.folder)) == [young]


def test_scratch_files_go(ledger):
    """What an interrupted writer left goes when it is old."""
    digest = write_blob(ledger.folder, b"x")
    for name, seconds in (("old", DAY), ("young", DAY - 1)):
        path = blob_path(ledger.folder, digest).parent / f"{SCRATCH}{name}"
        path.write_bytes(b"half")
        os.utime(path, (NOW_S - seconds,) * 2)
    age(ledger.folder, digest, 0)
    assert clean_up(ledger.folder) == [f"{SCRATCH}old"]


def test_other_files_stay(ledger):
    """What is no blob and no scratch file is none of its business."""
    (ledger.folder.blobs / "README").write_text("mine")
    digest = write_blob(ledger.folder, b"x")
    other = blob_path(ledger.folder, digest).parent / "notes.txt"
    other.write_text("mine")
    os.utime(other, (0, 0))
    age(ledger.folder, digest, 0)
    assert clean_up(ledger.folder) == []
    assert other.exists()


def test_a_healed_gap_keeps_its_blob(ledger):
    """Torn bytes that a clean-up moves aside are named by the gap that it records."""
    segment = next(ledger.folder.journal.glob("*.log"))
    segment.write_bytes(segment.read_bytes() + b"1 abc")
    assert clean_up(ledger.folder, older_than_s=0) == []
    assert b'"gap.found"' in lines_of(ledger.folder)[-1].entry
    assert audit(ledger.folder).exit_code == 0


def test_damage_stops_it(ledger):
    """A journal in which a name may have been changed is no ground to remove anything on."""
    digest, _ = trace_of(ledger, b"evidence")
    stray = old_blob(ledger.folder, b"stray")
    age(ledger.folder, digest, 2 * DAY)
    segment = next(ledger.folder.journal.glob("*.log"))
    whole = segment.read_bytes()
    segment.write_bytes(whole.replace(digest.encode(), b"sha256:" + b"0" * 64))
    for remove in (False, True):
        with pytest.raises(IntegrityError):
            clean_up(ledger.folder, remove=remove)
    assert set(list_blobs(ledger.folder)) == {digest, stray}


@pytest.mark.parametrize("view", ["state", "database"])
def test_a_shortened_journal_stops_it(ledger, view, capsys):
    """Where a view knows of entries that the journal lost, nothing is removed."""
    folder = ledger.folder
    digest, _ = trace_of(ledger, b"evidence")
    age(folder, digest, 2 * DAY)
    with ledger.recorder.caught_up():
        pass
    ledger.close()
    assert run(["query", "kinds", "--ledger", str(folder.path)]) == 0
    capsys.readouterr()
    for other in ("state", "database"):
        if other != view:
            for path in folder.path.glob(f"{getattr(folder, other).name}*"):
                path.unlink()
    segment = next(folder.journal.glob("*.log"))
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(IntegrityError, match="up to position 2"):
        clean_up(folder)
    assert list(list_blobs(folder)) == [digest]


def test_no_blobs_at_all(tmp_path):
    """A ledger whose folder of blobs git did not keep has nothing to list or to clean."""
    with new_ledger(tmp_path / "lab") as lab:
        lab.folder.blobs.rmdir()
        assert list_named(lab.folder) == []
        assert clean_up(lab.folder, remove=False) == []


def test_commands(home, ledger, capsys):
    """Listing, filtering, showing what would go, and doing it."""
    trace_of(ledger, b"evidence")
    stray = write_blob(ledger.folder, b"stray")
    assert run(["blobs", "--json"]) == 0
    assert sorted(row["role"] for row in as_json(capsys)) == ["evidence", "stray"]
    assert run(["blobs", "--stray", "--json"]) == 0
    assert [row["digest"] for row in as_json(capsys)] == [stray]
    assert run(["blobs", "clean", "--yes"]) == 0
    assert "nothing to clean up" in capsys.readouterr().err
    os.utime(blob_path(ledger.folder, stray), (time.time() - 7200,) * 2)
    for words in (["--older-than", "2.5h"], ["--older-than", "1h"]):
        assert run(["blobs", "clean", "--json", *words]) == 0
        assert len(as_json(capsys)) == (words[1] == "1h")
    assert stray in list_blobs(ledger.folder)
    assert run(["blobs", "--ledger", str(home), "clean", "--older-than", "1h", "--yes"]) == 0
    assert "removed: 1, bytes: 5" in capsys.readouterr().err
    assert stray not in list_blobs(ledger.folder)
    assert audit(ledger.folder).exit_code == 0


WRONG = [
    ("blobs extra", 2, "No such command 'extra'"),
    ("blobs --no-such", 2, "No such option"),
    ("blobs --stray clean", 2, "come after `clean`"),
    ("blobs clean extra", 2, "unexpected extra argument"),
    ("blobs clean --older-than x", 2, "--older-than x is no time"),
    ("blobs clean --older-than -1h", 2, "--older-than"),
    ("blobs clean --older-than 24", 2, "--older-than 24 is no time"),
    ("blobs clean --older-than ²h", 2, "is no time"),
    ("blobs clean --older-than", 2, "--older-than"),
]


@pytest.mark.parametrize(("line", "code", "says"), WRONG, ids=[line for line, _, _ in WRONG])
def test_wrong(home, ledger, capsys, line, code, says):
    """One clear error, nothing on stdout, nothing removed."""
    stray = old_blob(ledger.folder, b"stray")
    assert run(line.split(" ")) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert list(list_blobs(ledger.folder)) == [stray]
    assert home.is_dir()


def test_commitments_are_kept(ledger):
    """A value that is withheld in a run's environment, days ago, is still there to be shown."""
    text = commitments.commit(ledger.folder, {"TOKEN": "t"})
    ledger.record("run.started", {**run_body(), "environment": {"a": [text]}}, actor=EXECUTOR)
    age(ledger.folder, text.removeprefix("withheld:"), 9 * DAY)
    assert clean_up(ledger.folder) == []
    assert commitments.reveal(ledger.folder, text) == {"TOKEN": "t"}
