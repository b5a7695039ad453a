"""The queries that only the site asks."""

import pytest
from ledgers import claim, note
from written import published


def test_entries_are_whole(small):
    """With what they cite, in order, and where that stands; each once, whatever was asked for."""
    first, second = (receipt.hash for receipt in small.append([claim("H-1"), claim("H-2")]))
    body = {"text": "about both"}
    said = small.record("note.added", body, cites=(second, first))
    rows = small.query("entries", positions=f"{said.position},0,{said.position},999999").objects()
    assert [row["position"] for row in rows] == [0, said.position]
    entry = rows[1]
    assert (entry["hash"], entry["kind"], entry["body"]) == (said.hash, "note.added", body)
    assert entry["cited"] == [
        {"hash": second, "position": said.position - 1},
        {"hash": first, "position": said.position - 2},
    ]
    assert rows[0]["cited"] == []


@pytest.mark.parametrize("positions", ["", "x", "1;2", "-1", ",", "'", "1e99"])
def test_what_is_no_position_has_no_entry(small, positions):
    """And is no reason to fall over."""
    assert small.query("entries", positions=positions).rows == ()


def test_versions_follow_one_another(small):
    """Each ends before the next one begins; the latest is open."""
    published(small, "one", "One")
    small.append([note("in between")])
    published(small, "two", "Two")
    first, second = small.query("versions").objects()
    assert (first["version"], second["version"]) == ("1", "2")
    assert first["last"] == second["first"] - 1
    assert second["last"] is None
