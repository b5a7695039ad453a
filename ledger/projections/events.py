"""`events`: every entry, E verbatim, with its envelope in columns."""

from ledger.projections.base import EVENT_COLUMNS, Projection

_MEANING = {
    "position": "global position, 0-based",
    "hash": "entry hash",
    "chain": "chain value after the entry, hex",
    "origin": "the ledger that recorded it first",
    "branch": "null on the main line",
    "stream": "what it belongs to",
    "stream_version": "0-based within (origin, stream)",
    "kind": "event kind",
    "schema_version": "version of the kind",
    "recorded_at": "time of recording, UTC",
    "actor": "type:name",
    "cites": "entry hashes",
    "entry": "the entry bytes as text",
}

PROJECTION = Projection(
    name="events",
    columns=tuple((name, type_, _MEANING[name]) for name, type_ in EVENT_COLUMNS),
    select="select * from arrived",
    # Hashes are noise: nothing makes them smaller. Entries are alike, and zstd is the quickest.
    compression=(("hash", "uncompressed"), ("chain", "uncompressed"), ("entry", "zstd")),
)
