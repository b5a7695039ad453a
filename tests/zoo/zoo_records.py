"""Mistakes in the record itself, made behind the ledger's back: what only an audit sees."""

import msgspec
from tampering import append_forged, as_note, lines, rewrite
from zoo_base import Specimen
from zoo_lab import Lab

from ledger.blobs import blob_path


def _judged(lab: Lab) -> None:
    lab.row()
    lab.measured(3.4)
    lab.judge()


def _number_changed(lab: Lab) -> tuple[str, ...]:
    _judged(lab)
    lab.ledger.close()
    changed = [one.replace(b'"value":3.4', b'"value":2.4') for one in lines(lab.ledger.folder)]
    rewrite(lab.ledger.folder, changed)
    return lab.audit()


def _entry_removed(lab: Lab) -> tuple[str, ...]:
    _judged(lab)
    lab.ledger.close()
    rewrite(lab.ledger.folder, [one for n, one in enumerate(lines(lab.ledger.folder)) if n != 3])
    return lab.audit()


def _verdict_forged(lab: Lab) -> tuple[str, ...]:
    _judged(lab)
    lab.ledger.close()

    def better(entry: bytes) -> bytes:
        said = msgspec.json.decode(entry)
        said["body"]["status"] = "DISCHARGED"
        said["stream_version"] += 1
        return msgspec.json.encode(said, order="sorted")

    append_forged(lab.ledger.folder, better)
    return lab.audit()


def _citation_forged(lab: Lab) -> tuple[str, ...]:
    lab.note("the first")
    lab.ledger.close()
    append_forged(lab.ledger.folder, lambda entry: as_note(entry, cites=["sha256:" + "ee" * 32]))
    return lab.audit()


def _evidence_lost(lab: Lab) -> tuple[str, ...]:
    blob = lab.ledger.write_blob(b"a file of criteria")
    lab.row()
    lab.say("contract.added", contract="C", version="1", title="one", file=blob, rows=["LOSS"])
    path = blob_path(lab.ledger.folder, blob)
    path.chmod(0o644)
    path.write_bytes(b"another file")
    return lab.audit()


def _stream_skipped(lab: Lab) -> tuple[str, ...]:
    lab.note("the first")
    lab.ledger.close()
    append_forged(lab.ledger.folder, lambda entry: as_note(entry, stream_version=7))
    return lab.audit()


def _evidence_falls_later(lab: Lab) -> tuple[str, ...]:
    lab.row()
    number = lab.measured(1.0)
    lab.judge()
    lab.refute(number, lab.measured(5.0, metric="loss_recomputed"))
    return lab.audit()


RECORDS = (
    Specimen("number changed", "audit chain", "3.4 becomes 2.4 in the journal", _number_changed),
    Specimen("entry removed", "audit chain", "a line taken out of the journal", _entry_removed),
    Specimen("verdict forged", "audit verdicts", "DISCHARGED appended, with a sound chain",
             _verdict_forged),
    Specimen("citation forged", "audit citations", "an entry appended that cites what is not there",
             _citation_forged),
    Specimen("evidence lost", "audit blobs", "the file of a contract replaced by another",
             _evidence_lost),
    Specimen("stream skipped", "audit streams", "an entry numbered 7 where 2 is next",
             _stream_skipped),
    Specimen("evidence fell later", "audit verdicts", "a row stays DISCHARGED after its number was "
             "refuted", _evidence_falls_later),
)  # fmt: skip
