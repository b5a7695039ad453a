"""A ledger in memory, naive on purpose: what the file store is held against.

Dicts, lists, `json` and `hashlib`; the canonical text, the hash, the chain, the numbering, the
segments and the healing are written a second time from spec/formats, with nothing of the program
in them (the canonical text is the golden ledger's). What it says is what the program must say, to
the byte.
"""

import hashlib
from dataclasses import dataclass

import memory_rules
from golden_story import canonical

MAX_ENTRY_BYTES = 65_535


@dataclass(frozen=True)
class Wanted:
    """An event that someone wants recorded."""

    kind: str
    body: dict
    cites: tuple = ()
    stream: str | None = None
    branch: str | None = None


@dataclass(frozen=True)
class Receipt:
    """Where an event was recorded."""

    position: int
    hash: str
    kind: str
    stream: str
    stream_version: int


class Refusal:
    """Why an append records nothing: the exit code, and every reason."""

    def __init__(self, exit_code, reasons):
        self.exit_code, self.reasons = exit_code, sorted(reasons)


class MemoryStore:
    """One ledger: its entries in order, and the bytes that its segments must have."""

    def __init__(self, origin, segment_bytes):
        self.origin = origin
        self.entries = []  # the ten fields of each, and `position`
        self.texts = []  # E
        self.hashes = []
        self.chains = []
        self.known = {}  # hash: entry
        self.standings = {}  # key: (value, hash, position)
        self.heads = {}  # (origin, stream): the next stream_version
        self.segments = [[0, bytearray()]]
        self.is_sealed = False  # the last segment, with none after it
        self.torn = None  # offset in the last segment where a crash left something
        self._segment_bytes = segment_bytes

    def append(self, drafts, actor, now):
        """Record all of `drafts` or none: (receipts, None), or (None, refusal)."""
        reasons = memory_rules.form(drafts, actor)
        if reasons:
            return None, Refusal(5, reasons)
        self.heal(now)
        numbered = self._numbered(drafts, actor, now)
        for _, text, _, _ in numbered:
            if len(text) > MAX_ENTRY_BYTES:
                said = f"the entry has {len(text)} bytes, {MAX_ENTRY_BYTES} are allowed"
                return None, Refusal(5, [said])
        if any(memory_rules.KINDS[draft.kind][0] == "decided" for draft in drafts):
            reasons = self._reasons_against(drafts, numbered)
            if reasons:
                return None, Refusal(3, reasons)
        return self._take(numbered), None

    def heal(self, now):
        """What any writer does first: go on behind a sealed end, record what a crash left."""
        torn, self.torn = self.torn, None
        if torn is not None:
            first, data = self.segments[-1]
            self.segments[-1] = [first, data[:torn]]
            if len(data) > torn:
                body = {
                    "segment": first,
                    "offset": torn,
                    "torn_bytes": len(data) - torn,
                    "blob": "sha256:" + hashlib.sha256(data[torn:]).hexdigest(),
                    "last_good_position": len(self.texts) - 1,
                }
                self._take(self._numbered([Wanted("gap.found", body)], "executor:ledger", now))
        elif self.is_sealed:
            self.segments.append([len(self.texts), bytearray()])
        self.is_sealed = False

    def take_foreign(self, fields):
        """Take an entry that another program wrote, as it is; its line."""
        whole = {"position": len(self.texts), **fields}
        text = canonical(fields).encode()
        self._take([(whole, text, *self._hash_and_chain(text, self._chain()))])
        return self.line(-1)

    def line(self, index):
        """A line of the journal."""
        position = range(len(self.texts))[index]
        chain = self.chains[index].hex().encode()
        return b"%d %s %s\n" % (position, chain, self.texts[index])

    def files(self):
        """The bytes of each segment, by file name."""
        return {f"{first:020d}.log": bytes(data) for first, data in self.segments}

    def complete_hash(self, prefix):
        """The first three hashes that begin so."""
        return sorted(hash_ for hash_ in self.hashes if hash_.startswith(prefix))[:3]

    def next_version(self, origin, stream):
        """The number that the next entry of a stream gets."""
        return self.heads.get((origin, stream), 0)

    def free_run(self, prefix):
        """The name that the next run of this prefix gets."""
        taken = self.standings.get(f"allocated/{prefix}")
        number = int(taken[0]) + 1 if taken else 1
        while f"run/{prefix}-{number:04d}" in self.standings:
            number += 1
        return f"{prefix}-{number:04d}"

    def _chain(self):
        start = hashlib.sha256(f"research-ledger/v1\n{self.origin}".encode()).digest()
        return self.chains[-1] if self.chains else start

    def _hash_and_chain(self, text, before):
        raw = hashlib.sha256(b"\x00" + text).digest()
        return "sha256:" + raw.hex(), hashlib.sha256(before + raw).digest()

    def _numbered(self, drafts, actor, now):
        """(fields, E, hash, chain) of what is to be recorded."""
        numbered, given, chain = [], {}, self._chain()
        for draft in drafts:
            own = memory_rules.stream_of(draft.kind, draft.body)
            stream = draft.stream or own or "import/recorded"
            version = given.get(stream, self.next_version(self.origin, stream))
            given[stream] = version + 1
            fields = {
                "actor": actor,
                "body": dict.fromkeys(memory_rules.SECOND.get(draft.kind, ())) | draft.body,
                "branch": draft.branch,
                "cites": list(draft.cites),
                "kind": draft.kind,
                "origin": self.origin,
                "recorded_at": now,
                "schema_version": 2 if draft.kind in memory_rules.SECOND else 1,
                "stream": stream,
                "stream_version": version,
            }
            text = canonical(fields).encode()
            hash_, chain = self._hash_and_chain(text, chain)
            whole = {**fields, "position": len(self.texts) + len(numbered)}
            numbered.append((whole, text, hash_, chain))
        return numbered

    def _reasons_against(self, drafts, numbered):
        standings, entries, reasons = dict(self.standings), dict(self.known), []
        for number, (draft, (fields, _, hash_, _)) in enumerate(
            zip(drafts, numbered, strict=True), 1
        ):
            where = f"event {number}: " if len(drafts) > 1 else ""
            if memory_rules.KINDS[draft.kind][0] == "decided":
                against = memory_rules.reasons_against(draft, standings, entries)
                reasons += [where + reason for reason in against]
            entries[hash_] = fields
            for key, value in memory_rules.standings_of(draft.kind, draft.body):
                standings[key] = (value, hash_, fields["position"])
        return reasons

    def _take(self, numbered):
        """Write what was numbered, in one piece."""
        receipts, data = [], bytearray()
        for fields, text, hash_, chain in numbered:
            self.entries.append(fields)
            self.texts.append(text)
            self.hashes.append(hash_)
            self.known[hash_] = fields
            self.heads[fields["origin"], fields["stream"]] = fields["stream_version"] + 1
            self.chains.append(chain)
            for key, value in memory_rules.standings_of(fields["kind"], fields["body"]):
                self.standings[key] = (value, hash_, fields["position"])
            data += self.line(-1)
            named = (fields[name] for name in ("kind", "stream", "stream_version"))
            receipts.append(Receipt(fields["position"], hash_, *named))
        last = self.segments[-1][1]
        if numbered and last and len(last) + len(data) > self._segment_bytes:
            self.segments.append([numbered[0][0]["position"], bytearray()])
        self.segments[-1][1] += data
        return receipts
