"""What the audit says of committed values: kept, withheld, gone, changed."""

import pytest
from evidence import run_body, secret_note, trace_of
from ledgers import EXECUTOR, HUMAN, lines_of, measurement, run_started
from tampering import append_forged, as_note

from ledger import commitments
from ledger.audit import audit
from ledger.blobs import blob_path, write_blob
from ledger.cli import run
from ledger.commands.redact import look, redact
from ledger.events.redaction import BlobWithheld
from ledger.ledger import Ledger

REASON = "a key was logged"


def found(folder):
    """(exit code, {(severity, position)}, messages) of what the audit says of blobs."""
    report = audit(folder)
    about = [finding for finding in report.findings if finding.check == "blobs"]
    seen = {(finding.severity, finding.position) for finding in about}
    return report.exit_code, seen, "\n".join(finding.message for finding in about)


def blob_of(folder, digest):
    """The file of a blob, which may be written."""
    path = blob_path(folder, digest)
    path.chmod(0o644)
    return path


def test_kept(ledger):
    """A committed value that is there is in order, and its blob is no stray."""
    secret_note(ledger)
    assert found(ledger.folder) == (0, set(), "")


def test_withheld(ledger):
    """One that was taken away is a note, with since when and why; the chain is whole."""
    digest, receipt = secret_note(ledger)
    redact(ledger.folder, digest, REASON, actor=HUMAN)
    code, seen, said = found(ledger.folder)
    assert (code, seen) == (0, {("note", receipt.position)})
    assert said == f"{digest} is withheld since position 2: {REASON}"


def test_withheld_and_still_there(ledger):
    """A removal that was interrupted, or a blob that was put back, is told."""
    digest, receipt = secret_note(ledger)
    data = blob_of(ledger.folder, digest).read_bytes()
    redact(ledger.folder, digest, REASON, actor=HUMAN)
    write_blob(ledger.folder, data)
    code, seen, said = found(ledger.folder)
    assert (code, seen) == (0, {("note", receipt.position)})
    assert "is withheld since position 2, and still there" in said


def test_gone_without_a_word(ledger):
    """A blob that vanished without an event is damage."""
    digest, receipt = secret_note(ledger)
    blob_of(ledger.folder, digest).unlink()
    code, seen, said = found(ledger.folder)
    assert (code, seen) == (6, {("broken", receipt.position)})
    assert f"blob {digest} is missing" in said


@pytest.mark.parametrize("is_withheld", [False, True])
def test_changed(ledger, is_withheld):
    """A value that was changed is damage, whatever the record says of it."""
    digest, receipt = secret_note(ledger)
    data = blob_of(ledger.folder, digest).read_bytes()
    if is_withheld:
        redact(ledger.folder, digest, REASON, actor=HUMAN)
        write_blob(ledger.folder, data)
    blob_of(ledger.folder, digest).write_bytes(data + b" ")
    code, seen, _ = found(ledger.folder)
    assert code == 6
    assert ("broken", receipt.position) in seen


def test_evidence_is_not_excused(ledger):
    """An event that somebody forged does not make missing evidence withheld."""
    digest, receipt = trace_of(ledger, b"evidence")
    kind, body = BlobWithheld.KIND.name, {"blob": digest, "reason": "it would not fit"}
    append_forged(
        ledger.folder, lambda entry: as_note(entry, kind=kind, body=body, stream_version=1)
    )
    blob_of(ledger.folder, digest).unlink()
    code, seen, _ = found(ledger.folder)
    assert code == 6
    assert ("broken", receipt.position) in seen


def test_any_depth_any_kind(ledger):
    """Commitments in objects, and in kinds that this program does not know, are accounted for."""
    text = commitments.commit(ledger.folder, "x")
    ledger.record("run.started", {**run_body(), "environment": {"a": [text]}}, actor=EXECUTOR)
    other = commitments.commit(ledger.folder, "y")
    changes = {"kind": "thing.invented", "body": {"b": {"c": other}}, "stream_version": 1}
    position = append_forged(ledger.folder, lambda entry: as_note(entry, **changes))
    assert found(ledger.folder) == (0, set(), "")
    blob_of(ledger.folder, other.removeprefix("withheld:")).unlink()
    assert found(ledger.folder)[:2] == (6, {("broken", position)})


def test_measurements(ledger):
    """A hot kind is looked through as well: a key may hold a committed value."""
    text = commitments.commit(ledger.folder, "a customer")
    drafts = [run_started("r-1"), measurement("r-1", 1.5, key={"about": text})]
    receipt = ledger.append(drafts, actor=EXECUTOR)[1]
    assert found(ledger.folder) == (0, set(), "")
    blob_of(ledger.folder, text.removeprefix("withheld:")).unlink()
    assert found(ledger.folder)[:2] == (6, {("broken", receipt.position)})


def test_what_did_not_come_along(ledger, tmp_path, capsys):
    """Values that stayed in the ledger they come from are no damage where their entries went."""
    digest, _ = secret_note(ledger)
    assert run(["export", str(tmp_path / "out.jsonl"), "--ledger", str(ledger.folder.path)]) == 0
    (tmp_path / "other").mkdir()
    with Ledger.create(tmp_path / "other", "example.org/two", actor=HUMAN) as other:
        taken = ["merge", str(tmp_path / "out.jsonl"), "--ledger", str(other.folder.path)]
        assert run([*taken, "--actor", HUMAN]) == 0
        code, seen, said = found(other.folder)
        held = next(
            n for n, line in enumerate(lines_of(other.folder)) if b"withheld:" in line.entry
        )
        (value,) = look(other.folder, str(held))
    assert (value.state, value.value) == ("elsewhere", None)
    assert code == 0
    assert {severity for severity, _ in seen} == {"note"}
    assert f"{digest} is withheld: it did not come along from example.org/lab" in said
    capsys.readouterr()
