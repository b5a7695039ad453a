"""The golden file of each event kind and version: what was recorded is read for ever."""

import hashlib
import importlib.util
import json

import pytest
from vectors import REPOSITORY

from ledger.entry import Entry, parse_entry
from ledger.events import EVENTS, KINDS, read_event
from ledger.events.form import body_of

GOLDEN = REPOSITORY / "tests" / "golden" / "events"
FILES = sorted(GOLDEN.iterdir())


def load_writer():
    """The committed script, as a module."""
    path = REPOSITORY / "tests" / "golden" / "write_golden.py"
    spec = importlib.util.spec_from_file_location("write_golden", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_version_has_a_file():
    """Each version of each kind has its golden file, and no file is left over."""
    wanted = {
        f"{kind.name}.v{version}.json"
        for kind in KINDS.values()
        for version in range(1, kind.version + 1)
    }
    missing = wanted - {path.name for path in FILES}
    assert not missing, "run python tests/golden/write_golden.py"
    assert {path.name for path in FILES} == wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_bytes(path):
    """The bytes hash to what is stated, are read as an event, and are written the same today."""
    golden = json.loads(path.read_text(encoding="utf-8"))
    data = golden["entry"].encode()
    assert "sha256:" + hashlib.sha256(b"\x00" + data).hexdigest() == golden["hash"]
    entry = parse_entry(data)
    kind = KINDS[entry.kind]
    assert path.name == f"{entry.kind}.v{entry.schema_version}.json"
    event = read_event(entry.kind, entry.schema_version, entry.body)
    assert type(event) is kind.event
    if entry.schema_version == kind.version:
        fields = {name: getattr(entry, name) for name in Entry.__slots__ if name[0] != "_"}
        assert Entry(**{**fields, "body": body_of(event)}).format() == data


def test_examples_are_the_golden_ones(tmp_path):
    """Written anew, each current version gives the same bytes as its golden file."""
    writer = load_writer()
    assert len(writer.write_missing(tmp_path)) == len(EVENTS)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (GOLDEN / path.name).read_bytes()


def test_never_rewritten(tmp_path):
    """The script leaves a file that exists alone, whatever it holds."""
    writer = load_writer()
    name = writer.golden_name(EVENTS[0])
    (tmp_path / name).write_text("kept")
    assert name not in writer.write_missing(tmp_path)
    assert (tmp_path / name).read_text() == "kept"
    assert writer.write_missing(tmp_path) == []
