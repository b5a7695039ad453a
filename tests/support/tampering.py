"""Ways of changing a ledger's journal behind its back, and of seeing what the audit says."""

import msgspec

from ledger.audit import audit
from ledger.journal.line import Line, extend, parse_line

BROKEN, UNSUPPORTED = 6, 1


def segment(folder):
    """The one file of the journal."""
    return next(folder.journal.glob("*.log"))


def lines(folder):
    """The lines of the journal, newline included."""
    return segment(folder).read_bytes().splitlines(keepends=True)


def rewrite(folder, new):
    """Put other lines in their place."""
    segment(folder).write_bytes(b"".join(new))


def found(folder):
    """(exit code, {(severity, check, position)}, all messages) of an audit."""
    report = audit(folder)
    seen = {(f.severity, f.check, f.position) for f in report.findings}
    return report.exit_code, seen, "\n".join(f.message for f in report.findings)


def index_of(folder, mark):
    """The first line that holds `mark`."""
    return next(n for n, line in enumerate(lines(folder)) if mark in line)


def append_forged(folder, change):
    """Append the last line's entry, changed, with a sound chain: what a hostile writer could do."""
    line = parse_line(lines(folder)[-1])
    entry = change(line.entry)
    forged = Line(line.position + 1, extend(line.chain, entry), entry)
    with segment(folder).open("ab") as file:
        file.write(forged.format())
    return forged.position


def as_note(entry, **changes):
    """A canonical entry of a note, with fields as told."""
    fields = msgspec.json.decode(entry)
    base = {
        "kind": "note.added",
        "body": {"text": "x"},
        "stream": "ledger",
        "cites": [],
        "stream_version": 2,
    }
    return msgspec.json.encode(fields | base | changes, order="sorted")
