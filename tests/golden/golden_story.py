"""How the golden ledger is told: entries numbered, hashed and laid out from spec/formats alone.

Part of `write_ledger.py`; never changed, for the same reason.
"""

import decimal
import hashlib
import json
from typing import Any

ORIGIN = "example.org/golden"
START_US = 1_767_225_600_000_000
SEGMENT_BYTES = 8192

Fields = dict[str, Any]


def canonical(value: object) -> str:
    """Canonical JSON (spec/formats/entry.md)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{canonical(k)}:{canonical(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """The fewest digits that read back as `value`."""
    sign, digits, exponent = decimal.Decimal(repr(value)).as_tuple()
    text, place = "".join(map(str, digits)).rstrip("0") or "0", len(digits) + int(exponent) - 1
    place = place if any(digits) else 0
    if not -5 <= place <= 15:
        text = text[0] + ("." + text[1:] if text[1:] else "") + f"e{place}"
    elif place < 0:
        text = "0." + "0" * (-place - 1) + text
    else:
        text = text.ljust(place + 1, "0")
        text = text[: place + 1] + "." + (text[place + 1 :] or "0")
    return "-" * sign + text


def digest(data: bytes) -> str:
    """How a blob, or an entry with a zero byte before it, is named."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Story:
    """The steps so far, every entry numbered and hashed as it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, Any]] = []
        self.blobs: dict[str, bytes] = {}
        self.count = 0
        self._heads: dict[tuple[str, str], int] = {}

    def tell(self, kind: str, body: Fields, actor: str = "human:ada", **around: Any) -> str:
        """One entry, appended alone; its hash."""
        entry = self._entry(kind, body, actor, **around)
        self.steps.append(("append", [entry]))
        return self.hash(entry)

    def together(self, actor: str, *events: tuple[str, Fields]) -> list[str]:
        """Several entries in one append; their hashes."""
        entries = [self._entry(kind, body, actor) for kind, body in events]
        self.steps.append(("append", entries))
        return [self.hash(entry) for entry in entries]

    def foreign(self, kind: str, body: Fields, **around: Any) -> None:
        """An entry that version 0.1 could not have recorded, and keeps."""
        self.steps.append(("foreign", self._entry(kind, body, **around)))

    def crash(self, torn: bytes, segment: int, offset: int) -> None:
        """A writer died; the next one found `torn` and recorded it."""
        self.steps.append(("torn", torn))
        body = {"segment": segment, "offset": offset, "torn_bytes": len(torn)}
        more = {"blob": self.keep(torn), "last_good_position": self.count - 1}
        self.tell("gap.found", body | more, "executor:ledger")

    def keep(self, data: bytes) -> str:
        """Evidence bytes."""
        self.blobs[digest(data)] = data
        return digest(data)

    def hash(self, entry: Fields) -> str:
        """The entry hash."""
        return digest(b"\x00" + canonical(entry).encode())

    def _entry(self, kind: str, body: Fields, actor: str = "human:ada", **around: Any) -> Fields:
        room, name = STREAMS.get(kind, ("import", None))
        own = room if name is None else f"{room}/{body[name]}" if body[name] else "ledger"
        stream = around.pop("stream", own)
        origin = around.pop("origin", ORIGIN)
        version = self._heads.get((origin, stream), 0)
        self._heads[origin, stream] = version + 1
        self.count += 1
        return {
            "actor": actor,
            "body": body,
            "branch": around.pop("branch", None),
            "cites": list(around.pop("cites", ())),
            "kind": kind,
            "origin": origin,
            "recorded_at": START_US + 1_000_000 * (self.count - 1),
            "schema_version": around.pop("schema_version", 1),
            "stream": stream,
            "stream_version": version,
        }


#: Room, and the field of the body that names the stream in it.
STREAMS: dict[str, tuple[str, str | None]] = {
    "ledger.created": ("ledger", None),
    "gap.found": ("ledger", None),
    "note.added": ("ledger", None),
    "claim.stated": ("claim", "claim"),
    "criterion.declared": ("row", "criterion"),
    "verdict.given": ("row", "criterion"),
    "run.started": ("run", "run"),
    "run.finished": ("run", "run"),
    "run.failed": ("run", "run"),
    "step.taken": ("run", "run"),
    "measurement.taken": ("run", "run"),
    "trace.captured": ("run", "run"),
    "comparison.made": ("run", "run"),
}


def layout(steps: list[tuple[str, Any]]) -> list[list[Any]]:
    """[first position, bytes] of each segment, as a writer with these limits leaves them."""
    segments: list[list[Any]] = [[0, b""]]
    chain = hashlib.sha256(f"research-ledger/v1\n{ORIGIN}".encode()).digest()
    position = 0
    for name, value in steps:
        if name == "torn":
            continue
        first, data = position, b""
        for entry in value if name == "append" else [value]:
            text = canonical(entry).encode()
            leaf = hashlib.sha256(b"\x00" + text).digest()
            chain = hashlib.sha256(chain + leaf).digest()
            data += b"%d %s %s\n" % (position, chain.hex().encode(), text)
            position += 1
        if segments[-1][1] and len(segments[-1][1]) + len(data) > SEGMENT_BYTES:
            segments.append([first, b""])
        segments[-1][1] += data
    return segments
