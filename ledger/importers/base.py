"""What an importer is, and how a file of lines becomes events (spec/formats/reported.md).

A member turns one line, already parsed, into one reported event, and back. Everything else is
here and the same for all: splitting, strict JSON, digests, listing every bad line, and taking in
only what the ledger lacks. One event a line, in the order of the file, into `import/<name>`.
"""

import collections
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from ledger import canonical
from ledger.entry import MAX_ENTRY_BYTES
from ledger.errors import Malformed
from ledger.events.form import body_of
from ledger.events.reported import Reported, Source
from ledger.ledger import Ledger
from ledger.recorder import MAX_BATCH, Draft
from ledger.state import State

#: Told (done, in all).
Progress = Callable[[int, int], None]
#: What an entry says around its body is shorter than this.
_ENVELOPE_BYTES: Final = 1_024


@attrs.frozen(slots=True, kw_only=True)
class Importer:
    """One kind of history. `read_line` and `rebuild_line` are inverse to each other."""

    name: str
    """What the command line calls it, and the name of its stream."""
    summary: str
    """What it reads, in a line."""
    read_line: Callable[[dict[str, Any], Source], Draft]
    """The event of a line; raises `Malformed` with every reason."""
    rebuild_line: Callable[[Mapping[str, Any]], dict[str, Any]]
    """The line's object, from the body of its event."""

    @property
    def stream(self) -> str:
        """The stream that its events belong to."""
        return f"import/{self.name}"


@attrs.frozen(slots=True)
class Count:
    """How many lines became events of one kind, and how many were on record already."""

    kind: str
    added: int
    skipped: int


def read_drafts(
    importer: Importer, data: bytes, on_progress: Progress | None = None
) -> list[Draft]:
    """One draft for each line that is not blank. Raises `Malformed` with every bad line."""
    if not data.strip():
        raise Malformed("the file holds no lines", hint="an empty file is no history")
    if b"\0" in data:
        raise Malformed(
            "the file is binary, not text",
            hint="give the JSONL file itself, unpacked",
            offset=data.index(b"\0"),
        )
    digest = hashlib.sha256(data).hexdigest()
    lines = data.split(b"\n")
    drafts: list[Draft] = []
    reasons: list[str] = []
    bad = 0
    for number, ended in enumerate(lines, 1):
        line = ended.removesuffix(b"\r")
        if not line.strip():
            continue
        source = Source(
            file_sha256=digest, line=number, line_sha256=hashlib.sha256(line).hexdigest()
        )
        try:
            draft = importer.read_line(_parse_object(line), source)
            _refuse_large(draft)
        except Malformed as error:
            bad += 1
            reasons += [f"line {number}: {why}" for why in error.reasons or (error.message,)]
        else:
            drafts.append(attrs.evolve(draft, stream=importer.stream))
        if on_progress is not None and number % 1_000 == 0:
            on_progress(number, len(lines))
    if reasons:
        raise Malformed(
            f"{bad} of {bad + len(drafts)} lines are bad; nothing was recorded",
            reasons=reasons,
            hint="mend these lines, then import the file again",
        )
    return drafts


def _parse_object(line: bytes) -> dict[str, Any]:
    """A line as an object. Stricter than `json`: no NaN, no key twice, UTF-8 only."""
    hint = "a line is one JSON object"
    try:
        value = json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}", hint=hint) from error
    if not isinstance(value, dict):
        raise Malformed("not a JSON object", hint=hint)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A reader that keeps the last of two equal keys alters the line without a word.
    counts = collections.Counter(key for key, _ in pairs)
    if twice := [key for key, count in counts.items() if count > 1]:
        raise ValueError(f"key {twice[0]!r} stands twice in one object")
    return dict(pairs)


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} is no JSON number; where one may stand, write the string "{name}"')


def _refuse_large(draft: Draft) -> None:
    size = len(canonical.encode(body_of(draft.event)))
    if size > MAX_ENTRY_BYTES - _ENVELOPE_BYTES:
        raise Malformed(
            f"{size} bytes as an event; an entry has room for {MAX_ENTRY_BYTES - _ENVELOPE_BYTES}",
            hint="split the line",
        )


def take_in(
    ledger: Ledger, drafts: Sequence[Draft], on_progress: Progress | None = None
) -> list[Count]:
    """Record the drafts of one file that the ledger lacks, and count them by kind.

    A line is known as often as the ledger holds its digest in this stream: a line that stands
    twice in a file is taken twice, and never a third time. What is known is asked under the lock.
    At most `MAX_BATCH` events are appended at once, all or none; a longer file takes several.
    """
    occurrence = _occurrences(drafts)

    def lacking(state: State, offered: Sequence[Draft]) -> list[Draft]:
        return [
            draft
            for draft in offered
            for source in (_source(draft),)
            if occurrence[source.line]
            > state.times_imported(draft.stream or "", source.line_sha256)
        ]

    added: collections.Counter[str] = collections.Counter()
    for start in range(0, len(drafts), MAX_BATCH):
        batch = drafts[start : start + MAX_BATCH]
        added.update(receipt.kind for receipt in ledger.append(batch, select=lacking))
        if on_progress is not None:
            on_progress(start + len(batch), len(drafts))
    read = collections.Counter(draft.event.KIND.name for draft in drafts)
    return [Count(kind, added[kind], read[kind] - added[kind]) for kind in sorted(read)]


def _occurrences(drafts: Sequence[Draft]) -> dict[int, int]:
    """For each line number, the how-manieth of its equals it is, from 1."""
    seen: collections.Counter[str] = collections.Counter()
    found = {}
    for draft in drafts:
        source = _source(draft)
        seen[source.line_sha256] += 1
        found[source.line] = seen[source.line_sha256]
    return found


def _source(draft: Draft) -> Source:
    event = draft.event
    if not isinstance(event, Reported) or event.source is None:
        raise AssertionError("an importer makes reported events that name their line")
    return event.source
