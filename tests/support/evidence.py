"""Entries that name blobs, entries that commit to values, and what an export makes of them."""

import io
import json
from typing import Any

import attrs
from event_values import example_event
from ledgers import EXECUTOR, note, run_started

from ledger import commitments
from ledger.blobs import write_blob
from ledger.events.form import body_of
from ledger.events.run import TraceCaptured
from ledger.exporters import Selection, find_exporter
from ledger.exporters.base import journal_end
from ledger.exporters.lines import PART_BYTES
from ledger.folder import Folder
from ledger.ledger import Ledger
from ledger.recorder import Draft, Receipt

#: Evidence that does not fit into one line of an export.
BIG = bytes(range(256)) * (PART_BYTES // 256) + b"and more"


def trace_of(lab: Ledger, data: bytes, run: str = "trace-0001") -> tuple[str, Receipt]:
    """Record a trace whose evidence is `data`; the blob's digest and where the trace stands."""
    digest = write_blob(lab.folder, data)
    example = example_event(TraceCaptured)
    event = attrs.evolve(example, run=run, blob=digest, columns=("mean", "max"))
    receipts = lab.append([run_started(run), Draft(event=event)], actor=EXECUTOR)
    return digest, receipts[1]


def secret_note(lab: Ledger, value: object = "hunter2") -> tuple[str, Receipt]:
    """Record a note that commits to a value; the blob's digest and where the note stands."""
    text = commitments.commit(lab.folder, value)
    return text.removeprefix("withheld:"), lab.append([note(text)])[0]


def run_body(run: str = "r-1") -> dict[str, Any]:
    """The body of a run that began."""
    return body_of(run_started(run).event)


def take_out(folder: Folder, name: str = "jsonl", **changes: Any) -> bytes:
    """The bytes of an export."""
    fields = {"first": 0, "end": journal_end(folder), "blobs": "evidence", **changes}
    selection = Selection(folder=folder, table=None, query=None, parameters={}, **fields)
    out = io.BytesIO()
    find_exporter(name, "").write(selection, out, lambda *_: None)
    return out.getvalue()


def parsed(data: bytes) -> list[dict[str, Any]]:
    """The lines of an export as plain JSON, by a reader that shares nothing with the writer."""
    return [json.loads(line) for line in data.splitlines()]


def as_json(capsys) -> object:
    """What a command printed with --json."""
    return json.loads(capsys.readouterr().out)
