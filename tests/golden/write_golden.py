"""Write the golden file of each event kind and version that has none. Never rewrites one.

    python tests/golden/write_golden.py

A golden file holds the exact entry bytes of a fixed example and their hash. What was recorded is
read for ever, so a file that exists is only ever read: a change of form is a new schema version.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from event_values import DIGEST, example_event  # noqa: E402 - the path is set above

from ledger.entry import Entry, entry_hash, format_hash  # noqa: E402
from ledger.events import EVENTS  # noqa: E402
from ledger.events.base import Event  # noqa: E402
from ledger.events.form import body_of  # noqa: E402


def example_entry(cls: type[Event]) -> bytes:
    """The entry bytes of the fixed example of a kind."""
    event = example_event(cls)
    entry = Entry(
        actor="executor:golden",
        body=body_of(event),
        branch=None,
        cites=(DIGEST,),
        kind=cls.KIND.name,
        origin="example.org/golden",
        recorded_at=1_767_225_600_000_000,
        schema_version=cls.KIND.version,
        stream=cls.KIND.stream_of(event) or "import/golden",
        stream_version=0,
    )
    return entry.format()


def golden_name(cls: type[Event]) -> str:
    """The file of a kind's current version."""
    return f"{cls.KIND.name}.v{cls.KIND.version}.json"


def write_missing(folder: Path) -> list[str]:
    """Write what is missing in `folder`; the names of the files written."""
    written = []
    for cls in EVENTS:
        path = folder / golden_name(cls)
        if path.exists():
            continue
        entry = example_entry(cls)
        golden = {"entry": entry.decode(), "hash": format_hash(entry_hash(entry))}
        path.write_text(json.dumps(golden, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path.name)
    return written


if __name__ == "__main__":
    for name in write_missing(HERE / "events"):
        print(name)
