"""Taking a committed value away: on record first, gone then, and never evidence."""

import json

import pytest
from evidence import as_json, run_body, secret_note, trace_of
from ledgers import EXECUTOR, HUMAN, lines_of, note

from ledger import commitments
from ledger.blobs import list_blobs, write_blob
from ledger.cli import run
from ledger.commands import redact as redacting
from ledger.commands.redact import look, redact
from ledger.errors import Rejected
from ledger.events.redaction import BlobWithheld
from ledger.recorder import Draft

REASON = "a key was logged"


def test_redacted(ledger):
    """The event cites the entry that holds it, the blob is gone, the entry is as it was."""
    digest, receipt = secret_note(ledger)
    before = lines_of(ledger.folder)
    (done,) = redact(ledger.folder, str(receipt.position), REASON, actor=HUMAN)
    assert (done.blob, done.withheld_at, done.removed, done.held_at) == (digest, 2, True, (1,))
    assert list(list_blobs(ledger.folder)) == []
    lines = lines_of(ledger.folder)
    assert lines[:2] == before
    event = json.loads(lines[2].entry)
    assert event["body"] == {"blob": digest, "reason": REASON}
    assert event["cites"] == [receipt.hash]
    (found,) = look(ledger.folder, receipt.hash)
    assert (found.state, found.value, found.withheld_at, found.reason) == (
        "withheld",
        None,
        2,
        REASON,
    )


def test_once_more_changes_nothing(ledger):
    """What is withheld is not recorded again; a blob that came back is removed."""
    digest, receipt = secret_note(ledger)
    path = next(ledger.folder.blobs.rglob("*/*"))
    kept = path.read_bytes()
    redact(ledger.folder, receipt.hash, REASON, actor=HUMAN)
    for data, removed in ((None, False), (kept, True)):
        if data is not None:
            assert write_blob(ledger.folder, data) == digest
        (done,) = redact(ledger.folder, digest, "again", actor=HUMAN)
        assert (done.withheld_at, done.removed) == (2, removed)
    assert len(lines_of(ledger.folder)) == 3
    assert list(list_blobs(ledger.folder)) == []


def test_every_holder_is_cited(ledger):
    """A commitment that stands in several entries is cited in each."""
    digest, receipt = secret_note(ledger)
    text = f"withheld:{digest}"
    body = {**run_body(), "arguments": {"deep": [{"token": text}]}, "run": "r-1"}
    other = ledger.record("run.started", body, actor=EXECUTOR)
    (done,) = redact(ledger.folder, text, REASON, actor=HUMAN)
    assert done.held_at == (receipt.position, other.position)
    assert json.loads(lines_of(ledger.folder)[3].entry)["cites"] == [receipt.hash, other.hash]


def test_only_the_named_field(ledger):
    """Of several committed values the named one goes, the others stay."""
    kept, gone = (commitments.commit(ledger.folder, word) for word in ("keep", "lose"))
    body = {**run_body(), "environment": {"A": kept, "B": gone}}
    ledger.record("run.started", body, actor=EXECUTOR)
    redact(ledger.folder, "1", REASON, actor=HUMAN, places=("environment.B",))
    assert [(one.field, one.state) for one in look(ledger.folder, "1")] == [
        ("environment.A", "kept"),
        ("environment.B", "withheld"),
    ]


def test_evidence_stays(ledger):
    """Evidence is refused by its digest, with who rests on it; nothing is recorded or removed."""
    digest, receipt = trace_of(ledger, b"evidence")
    with pytest.raises(Rejected) as refused:
        redact(ledger.folder, digest, REASON, actor=HUMAN)
    assert f"position {receipt.position} (trace.captured)" in refused.value.reasons[0]
    assert list(list_blobs(ledger.folder)) == [digest]
    assert len(lines_of(ledger.folder)) == 3


def test_a_commitment_that_became_evidence_stays(ledger):
    """Something rests on it now, even if it was a secret once."""
    text = commitments.commit(ledger.folder, "x")
    digest = text.removeprefix("withheld:")
    ledger.append([note(text)])
    path = next(ledger.folder.blobs.rglob("*/*"))
    named, receipt = trace_of(ledger, path.read_bytes())
    assert named == digest
    with pytest.raises(Rejected, match="evidence cannot be taken away") as refused:
        redact(ledger.folder, text, REASON, actor=HUMAN)
    assert f"position {receipt.position} (trace.captured) rests on it" in refused.value.reasons[0]
    assert list(list_blobs(ledger.folder)) == [digest]


def test_evidence_that_comes_in_between_stays(ledger, monkeypatch):
    """What was recorded after the look and before the lock is seen under the lock."""
    text = commitments.commit(ledger.folder, "x")
    ledger.append([note(text)])
    data = next(ledger.folder.blobs.rglob("*/*")).read_bytes()
    real = redacting._Uses

    class Late(real):
        def __init__(self, digests):
            super().__init__(digests)
            trace_of(ledger, data)

    monkeypatch.setattr(redacting, "_Uses", Late)
    with pytest.raises(Rejected, match="evidence cannot be taken away"):
        redact(ledger.folder, text, REASON, actor=HUMAN)
    assert len(list(list_blobs(ledger.folder))) == 1


def test_a_lost_blob_can_be_put_on_record(ledger):
    """A blob that somebody deleted is withheld after the fact, and the record says so."""
    _, receipt = secret_note(ledger)
    next(ledger.folder.blobs.rglob("*/*")).unlink()
    (found,) = look(ledger.folder, receipt.hash)
    assert found.state == "missing"
    (done,) = redact(ledger.folder, receipt.hash, "deleted by hand", actor=HUMAN)
    assert (done.withheld_at, done.removed) == (2, False)
    assert look(ledger.folder, receipt.hash)[0].state == "withheld"


# The rule.


def withheld(digest, cites=()):
    """The event, as anybody could record it."""
    return Draft(event=BlobWithheld(blob=digest, reason="x"), cites=tuple(cites))


def reasons(ledger, *drafts):
    """Why a batch is refused."""
    with pytest.raises(Rejected) as refused:
        ledger.append(drafts)
    return "; ".join(refused.value.reasons)


def test_rule_wants_a_holder(ledger):
    """Somebody must be cited, and hold the commitment."""
    digest, receipt = secret_note(ledger)
    other = ledger.append([note("plain")])[0]
    assert "it cites no entry that holds" in reasons(ledger, withheld(digest))
    said = reasons(ledger, withheld(digest, [receipt.hash, other.hash]))
    assert "position 2 (note.added) holds no commitment" in said
    assert "is not in this ledger" in reasons(ledger, withheld(digest, ["sha256:" + "0" * 64]))
    assert ledger.append([withheld(digest, [receipt.hash])])


def test_rule_refuses_evidence(ledger):
    """Evidence is no committed value."""
    digest, receipt = trace_of(ledger, b"evidence")
    said = reasons(ledger, withheld(digest, [receipt.hash]))
    assert f"is evidence: position {receipt.position} (trace.captured) rests on it" in said


def test_rule_refuses_a_second_time(ledger):
    """Also within one batch."""
    digest, receipt = secret_note(ledger)
    twice = [withheld(digest, [receipt.hash])] * 2
    assert "event 2: withholding:" in reasons(ledger, *twice)
    ledger.append(twice[:1])
    assert f"{digest} is withheld since position 2" in reasons(ledger, twice[0])


# The commands.


def test_commands(home, ledger, capsys):
    """The table says what became of it, and the exit codes tell whether it can be shown."""
    digest, _ = secret_note(ledger)
    assert run(["redact", "1", "--reason", REASON, "--json"]) == 0
    assert as_json(capsys) == [
        {"blob": digest, "withheld_at": 2, "removed": True, "held_at": [1]},
    ]
    assert run(["redact", "1", "--reason", REASON]) == 0
    assert "was gone already" in capsys.readouterr().err
    assert run(["reveal", "1"]) == 1
    assert REASON in capsys.readouterr().out
    secret_note(ledger)
    next(ledger.folder.blobs.rglob("*/*")).unlink()
    assert run(["reveal", "3"]) == 6
    assert "no event says that it was withheld" in capsys.readouterr().err
    assert home.is_dir()


def test_nothing_else_chokes(home, ledger, capsys):
    """Board, queries, documents and judging show a commitment as the text it is."""
    text = commitments.commit(ledger.folder, "secret title")
    body = {"criterion": "C", "title": text, "metric": text, "operator": "<=", "threshold": 1}
    ledger.record(
        "criterion.declared",
        {**body, "unit": "s", "blocking": True, "model": text, "binding": {"a": text}},
    )
    ledger.record("claim.stated", {"claim": "H-1", "text": text, "prediction": text})
    ledger.append([note(text)])
    redact(ledger.folder, text, REASON, actor=HUMAN)
    for words in (["board"], ["query", "claims"], ["query", "events"], ["judge"], ["diff", "0"]):
        assert run(words) in (0, 1), words
        out = capsys.readouterr().out
        assert "secret title" not in out
        assert "withheld:sha256:" in out or words == ["judge"], words
    assert run(["render", "--out", str(home / "out")]) == 0
    assert run(["render", "--out", str(home / "out"), "--check"]) == 0
    texts = [path.read_text() for path in (home / "out").rglob("*") if path.is_file()]
    assert any("withheld:sha256:" in text for text in texts)
    assert not any("secret title" in text for text in texts)
