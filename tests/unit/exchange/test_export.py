"""What an export holds: every entry as it is, the evidence before it, the same bytes each time."""

import hashlib
import json

import pytest
from evidence import BIG, parsed, secret_note, take_out, trace_of
from ledgers import HUMAN, lines_of, note

from ledger.blobs import blob_path, write_blob
from ledger.errors import IntegrityError
from ledger.exporters.base import journal_end
from ledger.exporters.lines import PART_BYTES
from ledger.folder import open_folder
from ledger.recorder import Recorder


def test_entries_are_verbatim(written):
    """Every E stands in its line byte for byte, in order, with position and chain."""
    data = take_out(written, blobs="none").splitlines(keepends=True)
    lines = lines_of(written)
    assert len(data) == len(lines) + 2
    for text, line in zip(data[1:-1], lines, strict=True):
        assert b'"entry":' + line.entry + b',"position":' in text
        assert json.loads(text)["position"] == line.position
        assert json.loads(text)["chain"] == line.chain.hex()
    footer = json.loads(data[-1])
    assert footer == {"size": len(lines), "chain": lines[-1].chain.hex(), "blob_count": 0}


def test_same_record_same_bytes(written):
    """Twice the same, packed too; and without views of the journal, the same again."""
    for name in ("jsonl", "jsonl.zst"):
        first = take_out(written, name)
        for view in (written.state, written.database):
            view.unlink(missing_ok=True)
        assert take_out(open_folder(written.path), name) == first


def test_evidence_comes_before_its_entry(written):
    """A blob comes once, whole, in parts, right before the first entry that names it."""
    lines = parsed(take_out(written))
    digest = "sha256:" + hashlib.sha256(BIG).hexdigest()
    at = [n for n, line in enumerate(lines) if line.get("blob") == digest]
    assert len(at) == 2
    assert [lines[n]["offset"] for n in at] == [0, PART_BYTES]
    assert lines[at[-1] + 1]["entry"]["body"]["blob"] == digest
    assert lines[-1]["blob_count"] == 2


def test_a_blob_named_twice_comes_once(written, ledger):
    """A second entry that names a blob does not bring it again."""
    before = take_out(written)
    trace_of(ledger, BIG, run="trace-0003")
    assert len(take_out(written)) < len(before) + 5_000


def test_other_digests_bring_their_blob(home, ledger):
    """A digest in any text of a body brings the blob of that digest, if there is one."""
    kept = write_blob(ledger.folder, b"tokens")
    ledger.append([note(kept), note("sha256:" + "0" * 64)])
    lines = parsed(take_out(ledger.folder))
    assert [line["blob"] for line in lines if "blob" in line] == [kept]
    assert home.is_dir()


def test_committed_values_stay_at_home(written, ledger):
    """A secret's blob travels with `all` only, and not because somebody names its digest."""
    digest, _ = secret_note(ledger, "s3cret")
    ledger.append([note(digest)])
    for mode, secrets in (("none", 0), ("evidence", 0), ("all", 2)):
        data = take_out(written, blobs=mode)
        found = [line["blob"] for line in parsed(data) if "blob" in line]
        assert (digest in found) == bool(secrets)
        assert json.loads(data.splitlines()[0])["blobs"] == mode
    late = take_out(written, first=len(lines_of(written)) - 1)
    assert [line for line in parsed(late) if "blob" in line] == []


def test_missing_evidence_is_an_error(written):
    """An export that would lack evidence is refused; without blobs it is possible."""
    digest = "sha256:" + hashlib.sha256(BIG).hexdigest()
    blob_path(written, digest).unlink()
    with pytest.raises(IntegrityError, match="is missing") as missing:
        take_out(written)
    assert "--blobs none" in missing.value.hint
    assert take_out(written, blobs="none")


def test_changed_evidence_is_an_error(written):
    """A blob that does not have its digest any more is not sent as if it had."""
    path = blob_path(written, "sha256:" + hashlib.sha256(BIG).hexdigest())
    path.chmod(0o644)
    path.write_bytes(BIG[:-1] + b"X")
    with pytest.raises(IntegrityError, match="does not have that digest"):
        take_out(written)


def test_limits(written):
    """A part of the record has the header and footer of that part, and reads as sound."""
    lines = lines_of(written)
    data = take_out(written, first=3, end=7, blobs="none")
    header, *entries, footer = parsed(data)
    assert (header["first"], header["chain"]) == (3, lines[2].chain.hex())
    assert [entry["position"] for entry in entries] == [3, 4, 5, 6]
    assert (footer["size"], footer["chain"]) == (7, lines[6].chain.hex())
    nothing = parsed(take_out(written, first=len(lines)))
    assert [line.get("size") for line in nothing] == [None, len(lines)]


def test_journal_end(written):
    """The end is found in the last bytes, through torn tails and a segment that has just begun."""
    count = len(lines_of(written))
    assert journal_end(written) == count
    segment = next(written.journal.glob("*.log"))
    whole = segment.read_bytes()
    for torn in (b"9 abc", bytes(1_000_000)):
        segment.write_bytes(whole + torn)
        assert journal_end(written) == count
    segment.write_bytes(whole[:-2] + b"x\n")
    with pytest.raises(IntegrityError):
        journal_end(written)
    segment.write_bytes(whole)
    segment.chmod(0o444)
    (written.journal / f"{count:020d}.log").touch()
    assert journal_end(written) == count


def test_journal_end_of_many_segments(ledger):
    """Lines of any length, in segments of any number, end where the writer says."""
    clock = ledger._clock
    recorder = Recorder(ledger.folder, clock, segment_bytes=2_000)
    for size in (1, 500, 3_000, 60_000, 1):
        recorder.append([note("x" * size)], actor=HUMAN)
        assert journal_end(ledger.folder) == len(lines_of(ledger.folder))
