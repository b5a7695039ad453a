"""What changed between two places of the record, in words that a person wants to read.

A place is a position, or a checkpoint: a position with the chain value after it, which says not
only where but which record. A checkpoint that does not fit is an integrity error: entries were lost
or changed since it was taken.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from ledger.errors import BadArguments, IntegrityError, Malformed
from ledger.exporters.base import journal_end
from ledger.folder import Folder
from ledger.ids import is_hash
from ledger.queries import Table, find_query
from ledger.store.reader import open_reader

NOW: Final = "now"
#: Numbers of one run in its sentence; `changes` has one more, so that it shows where there are.
_NUMBERS: Final = 4
Row = Mapping[str, Any]
Progress = Callable[[int, int], None]
_MANIFEST: Final = "research-ledger/manifest/1"
_KINDS: Final = """
select kind, count(*) from events where position > ? group by kind order by count(*) desc, kind
"""


@attrs.frozen(slots=True, kw_only=True)
class Place:
    """A place as it was named: a position, and the chain value there where one was given."""

    named: str
    position: int
    chain: str | None


@attrs.frozen(slots=True, kw_only=True)
class Difference:
    """What the entries after one checkpoint, up to and with another, changed."""

    before: tuple[int, str]
    after: tuple[int, str]
    kinds: tuple[tuple[str, int], ...]
    changes: Table

    @property
    def entries(self) -> int:
        """How many entries lie between."""
        return self.after[0] - self.before[0]


def parse_place(folder: Folder, text: str) -> Place | None:
    """A position, POSITION:CHAIN, `now`, or a manifest by file or folder; null for anything else.

    Raises `IntegrityError` for a checkpoint of another ledger or beyond the end of this one,
    `BadArguments` for a position beyond the end, `Malformed` for a file that is no manifest.
    """
    end = journal_end(folder)
    position, _, chain = text.partition(":")
    if text == NOW:
        return Place(named=text, position=end - 1, chain=None)
    if position.isascii() and position.isdigit() and (not chain or is_hash(f"sha256:{chain}")):
        place = Place(named=text, position=int(position), chain=chain or None)
    elif Path(text).exists():
        place = _read_manifest(folder, Path(text))
    else:
        return None
    if place.position >= end:
        message = f"there is no position {place.position}; the ledger ends at {end - 1}"
        if place.chain is None:
            raise BadArguments(message, hint="positions count from 0; `now` is the last")
        raise IntegrityError(
            f"{text} is a checkpoint ahead of the journal: {message}",
            hint="the journal lost entries: restore it from a copy",
            position=place.position,
        )
    return place


def _read_manifest(folder: Folder, path: Path) -> Place:
    path = path / "manifest.json" if path.is_dir() else path
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] != _MANIFEST:
            raise ValueError(f"its format is {str(value['format'])[:80]!r}")
        checkpoint, origin = value["checkpoint"], value["origin"]
        place = Place(
            named=str(path), position=int(checkpoint["position"]), chain=str(checkpoint["chain"])
        )
    except OSError as error:
        raise BadArguments(
            f"cannot read {path}: {error.strerror}", hint="name a manifest.json, or its folder"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(
            f"{path} is no manifest: {error}", hint="`ledger render` writes one"
        ) from error
    if origin != folder.origin:
        raise IntegrityError(
            f"{path} is a checkpoint of the ledger {origin}, this is {folder.origin}",
            hint="give --ledger",
        )
    return place


def diff(folder: Folder, a: Place, b: Place, on_progress: Progress | None = None) -> Difference:
    """What changed from `a` to `b`, which is not before it.

    Raises `IntegrityError` where a chain value is not the one of this journal.
    """
    with open_reader(folder, at=b.position, on_progress=on_progress) as db:
        chains = dict(
            db.execute(
                "select position, chain from events where position in (?, ?)",
                [a.position, b.position],
            ).fetchall()
        )
        for place in (a, b):
            if place.chain is not None and place.chain != chains[place.position]:
                raise IntegrityError(
                    f"{place.named} is not a checkpoint of this journal: at position "
                    f"{place.position} it says {place.chain}, the journal {chains[place.position]}",
                    hint="run `ledger audit`: entries were changed, or it is another record",
                    position=place.position,
                )
        kinds = db.execute(_KINDS, [a.position]).fetchall()
        changes = find_query("changes").run(db, {"after": a.position})
    return Difference(
        before=(a.position, chains[a.position]),
        after=(b.position, chains[b.position]),
        kinds=tuple((str(kind), int(count)) for kind, count in kinds),
        changes=changes,
    )


def describe(difference: Difference) -> list[tuple[str, list[str]]]:
    """The changes as sentences under headings, in the order of what matters."""
    by_change: dict[str, list[Row]] = {}
    for row in difference.changes.objects():
        by_change.setdefault(row["change"], []).append(row)
    found = []
    for heading, changes, say in _HEADINGS:
        rows = [row for change in changes for row in by_change.get(change, ())]
        if rows:
            found.append((heading, list(say(sorted(rows, key=lambda row: row["position"])))))
    return found


def _each(say: Callable[[Row], str]) -> Callable[[Sequence[Row]], Iterable[str]]:
    """A sentence for each row, with where it stands."""

    def sentences(rows: Sequence[Row]) -> Iterable[str]:
        for row in rows:
            branch = f" on branch {row['branch']}" if row["branch"] else ""
            reported = ", as reported" if row["reported"] else ""
            yield f"{say(row)}{reported}{branch} (position {row['position']})"

    return sentences


def _verdict(row: Row) -> str:
    text = f"{row['subject']}: {row['from_state']} -> {row['to_state']}"
    if row["value"] is not None:
        text += f", {row['metric'] or 'the value'} is {_amount(row['value'], row['unit'])}"
    if row["threshold"] is not None:
        demanded = f"{row['operator'] or ''} {_amount(row['threshold'], row['unit'])}".strip()
        text += f", demanded is {demanded}"
    return text


def _declared(row: Row) -> str:
    if row["change"] == "corrected":
        return f"{row['subject']}: a threshold went from {row['from_state']} to {row['to_state']}"
    if row["change"] == "threshold":
        return (
            f"{row['subject']} was declared again: its threshold went from "
            f"{row['from_state'] or 'none'} to {row['to_state'] or 'none'}"
        )
    parts = (row["metric"], row["operator"], _amount(row["threshold"], row["unit"]))
    demand = " ".join(str(part) for part in parts if part) if row["threshold"] is not None else ""
    blocking = ", blocking" if row["to_state"] else ""
    return (
        f"{row['subject']} was declared: {row['text']}" + (f"; {demand}" * bool(demand)) + blocking
    )


def _published(row: Row) -> str:
    version = f", version {row['to_state']}" if row["to_state"] else ""
    return f"{row['subject']}{version}" + (f": {row['text']}" if row["text"] else "")


def _compared(row: Row) -> str:
    distance = f", distance {_number(row['value'])}" if row["value"] is not None else ""
    return f"{row['subject']}: {row['text']}{distance}: {str(row['to_state']).replace('_', ' ')}"


def _runs(rows: Sequence[Row]) -> Iterable[str]:
    """A sentence for each run: when it began, how it ended, its numbers."""
    by_run: dict[tuple[str, bool], dict[str, list[Row]]] = {}
    for row in rows:
        changes = by_run.setdefault((row["subject"], row["reported"]), {})
        changes.setdefault(row["change"], []).append(row)
    for (run, is_reported), changes in by_run.items():
        started, ended = changes.get("started", ()), changes.get("ended", ())
        text = run + (f" ({started[0]['text']})" if started and started[0]["text"] else "")
        text += f" started at position {started[0]['position']}" if started else ""
        text += (" and" if started else "") + (_ending(ended[-1]) if ended else _going_on(started))
        measured = changes.get("measured", ())
        numbers = [f"{row['metric']} {_amount(row['value'], row['unit'])}" for row in measured]
        numbers = ["…", *numbers[-_NUMBERS:]] if len(numbers) > _NUMBERS else numbers
        for row in changes.get("trained", ()):
            values = ", ".join(f"{name} {_number(value)}" for name, value in row["value"].items())
            numbers.append(f"{row['text']} ({values})")
        yield (
            text
            + (", as reported" if is_reported else "")
            + (": " + "; ".join(numbers) if numbers else "")
        )


def _ending(row: Row) -> str:
    wall = f" after {_duration(row['value'])}" if isinstance(row["value"], (int, float)) else ""
    reason = f" ({row['text']})" if row["text"] else ""
    outcome = f"ended with {row['to_state']}" if row["reported"] else row["to_state"]
    return f" {outcome}{wall} at position {row['position']}{reason}"


def _going_on(started: Sequence[Row]) -> str:
    return " is under way" if started else " went on"


def _duration(wall_ms: float) -> str:
    if wall_ms < 1000:
        return f"{wall_ms:.3g} ms"
    return f"{wall_ms / 1000:.3g} s" if wall_ms < 120_000 else f"{wall_ms / 60_000:.3g} min"


def _amount(value: object, unit: str | None) -> str:
    return _number(value) + (f" {unit}" if unit else "")


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_HEADINGS: Final[
    tuple[tuple[str, tuple[str, ...], Callable[[Sequence[Row]], Iterable[str]]], ...]
] = (
    ("Verdicts", ("verdict",), _each(_verdict)),
    ("Rows", ("declared", "threshold", "corrected"), _each(_declared)),
    ("Claims", ("claim",), _each(lambda row: f"{row['subject']} was stated: {row['text']}")),
    ("Runs", ("started", "ended", "trained", "measured"), _runs),
    ("Comparisons", ("compared",), _each(_compared)),
    (
        "Numbers without a run",
        ("asserted",),
        _each(
            lambda row: (
                f"{row['metric']} is {_amount(row['value'], row['unit'])}, {row['to_state']}"
            )
        ),
    ),
    ("Notes", ("note",), _each(lambda row: str(row["text"]))),
    (
        "Published elsewhere",
        ("section", "board"),
        _each(_published),
    ),
    (
        "Branches",
        ("branch",),
        _each(lambda row: f"{row['subject']} was {row['to_state']}: {row['text']}"),
    ),
    ("Withheld", ("withheld",), _each(lambda row: f"{row['subject']}: {row['text']}")),
    (
        "Gaps",
        ("gap",),
        _each(lambda row: f"a crash left {row['value']} bytes {row['text']}; they were kept apart"),
    ),
)
