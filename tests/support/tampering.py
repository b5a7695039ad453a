"""Ways of changing a ledger's journal behind its back, and of seeing what the audit says."""

import re

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
        "schema_version": 1,
        "stream_version": 2,
    }
    return msgspec.json.encode(fields | base | changes, order="sorted")


#: Version of the next entry in the stream `ledger` of the laboratory.
NEXT = 4


def as_next(entry, **changes):
    """The same, as the next note of the laboratory."""
    return as_note(entry, **{"stream_version": NEXT, **changes})


def _other(byte):
    return b"7" if byte != b"7" else b"3"


def _replace(line, pattern):
    """A line with one byte changed, the first that the pattern matches."""
    at = re.search(pattern, line).start()
    return line[:at] + _other(line[at : at + 1]) + line[at + 1 :]


def _forge(before, line):
    """A line with another entry, and a chain value that fits the line before."""
    entry = parse_line(line).entry.replace(b'"recorded_at":1', b'"recorded_at":2')
    last = parse_line(before)
    return Line(last.position + 1, extend(last.chain, entry), entry).format()


#: What can be done to the line with an index (not the first, not the last); the new lines.
TAMPERINGS = {
    "byte of the body": lambda old, n: [
        *old[:n],
        _replace(old[n], rb'(?<="body":\{")[a-z]'),
        *old[n + 1 :],
    ],
    "digit of the chain": lambda old, n: [
        *old[:n],
        _replace(old[n], rb"(?<= )[0-9a-f]"),
        *old[n + 1 :],
    ],
    "digit of the position": lambda old, n: [*old[:n], _replace(old[n], rb"^\d"), *old[n + 1 :]],
    "no line any more": lambda old, n: [*old[:n], b"{" + old[n], *old[n + 1 :]],
    "deleted": lambda old, n: [*old[:n], *old[n + 1 :]],
    "two deleted": lambda old, n: [*old[:n], *old[n + 2 :]],
    "doubled": lambda old, n: [*old[:n], old[n], *old[n:]],
    "swapped with the next": lambda old, n: [*old[:n], old[n + 1], old[n], *old[n + 2 :]],
    "moved to the end": lambda old, n: [*old[:n], *old[n + 1 :], old[n]],
    "garbage before": lambda old, n: [*old[:n], b"garbage\n", *old[n:]],
    "empty line before": lambda old, n: [*old[:n], b"\n", *old[n:]],
    "forged before": lambda old, n: [*old[:n], _forge(old[n - 1], old[n]), *old[n:]],
    "joined with the next": lambda old, n: [*old[:n], old[n][:-1], *old[n + 1 :]],
    "cut in two": lambda old, n: [*old[:n], old[n][:90] + b"\n", old[n][90:], *old[n + 1 :]],
    "blown up": lambda old, n: [*old[:n], b"9" * 70_000 + old[n], *old[n + 1 :]],
    "NUL bytes": lambda old, n: [*old[:n], bytes(len(old[n]) - 1) + b"\n", *old[n + 1 :]],
}
