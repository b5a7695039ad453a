import itertools
from pathlib import Path

import pytest
from histories import history_lines

from ledger import importers
from ledger.events import EVENTS
from ledger.events.form import field_types
from ledger.events.reported import NoteReported, Reported
from ledger.importers import IMPORTERS
from ledger.importers.ship_two import ENVELOPE, line_kind_of
from ledger.importers.ship_two_lines import LINE_KINDS, LineKind

PAGE = Path(__file__).parents[3] / "spec" / "formats" / "reported.md"
#: Files of the room that hold no importer.
SUPPORT = {"__init__", "base", "ship_two_lines"}


def test_every_file_of_the_room_is_in_the_list():
    """A new importer is one file and one name in the tuple."""
    room = Path(importers.__file__).parent
    files = {path.stem.replace("_", "-") for path in room.glob("*.py") if path.stem not in SUPPORT}
    assert files == {importer.name for importer in IMPORTERS}


def test_every_reported_event_has_a_line_kind():
    """No class of the reported family is out of reach of the history."""
    family = {event for event in EVENTS if event.KIND.family == "reported"}
    assert family == {kind.event for kind in LINE_KINDS} | {NoteReported}


def test_every_line_kind_of_the_table_occurs_in_the_history():
    """The table maps nothing that no one has seen."""
    assert {kind.kind for kind in LINE_KINDS} <= {line["kind"] for line in history_lines()}


@pytest.mark.parametrize("kind", LINE_KINDS, ids=lambda kind: kind.kind)
def test_the_table_names_fields_that_exist(kind: LineKind):
    """Keys, constants and gathered fields belong to the event, and each field is filled once."""
    fields = set(field_types(kind.event))
    gathered = {kind.gathered} if kind.gathered else set()
    assert set(kind.keys) | set(kind.constants) | gathered <= fields
    parts = [{field for field, _ in kind.plain_fields()}, set(kind.constants), gathered]
    assert all(not one & other for one, other in itertools.combinations(parts, 2))
    shared = {*ENVELOPE.values(), "source", "rest"}
    assert set().union(*parts) | shared == fields
    assert shared == set(field_types(Reported))


def test_keys_that_fill_fields_occur_in_the_history():
    """A renamed key is one that lines of this kind hold: a typing error would map nothing."""
    for kind in LINE_KINDS:
        seen = {
            key for line in history_lines() if line["kind"] == kind.kind for key in line["data"]
        }
        renamed = set(kind.keys.values()) - {"op"}
        if kind.kind in ("gate_declared", "invariant_declared"):
            continue  # they share the criterion's table
        assert renamed | set(kind.names) <= seen | {"op"}


def test_unknown_kinds_become_notes():
    """A kind never seen before is kept."""
    assert line_kind_of("moon_phase_observed").event is NoteReported


def table_row(kind: LineKind) -> str:
    """A row of the page: each field with the key it comes from."""
    parts = [f'`{field}` = "{value}"' for field, value in kind.constants.items()]
    parts += [
        f"`{field}`" if field == key else f"`{field}` ← `{key}`"
        for field, key in kind.plain_fields()
    ]
    if kind.gathered:
        names = ", ".join(f"`{name}`" for name in kind.names)
        more = ", and every other quantity" if kind.is_open else ""
        parts.append(f"`{kind.gathered}` ← {{{names}{more}}}")
    return f"| `{kind.kind}` | `{kind.event.KIND.name}` | {', '.join(parts)} |"


def test_the_page_says_what_the_table_does():
    """spec/formats/reported.md lists every line kind, field by field, and nothing else."""
    shown = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
    envelope = [f"| `{key}` | `{field}` |" for key, field in ENVELOPE.items()]
    assert shown == envelope + [table_row(kind) for kind in LINE_KINDS]
