"""Sections of another ledger keep their numbers, and ours keep theirs."""

from ledgers import START_US
from written import published, written

from ledger.audit import audit
from ledger.clock import FixedClock
from ledger.commands.merge import merge
from ledger.commands.sources import FolderSource
from ledger.ledger import Ledger
from ledger.render.folder import render_all


def test_numbers_of_two_ledgers(tmp_path):
    """Both begin at 1; theirs are named with their origin, and are no pages of ours."""
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    clock = FixedClock(START_US)
    with (
        Ledger.create(
            tmp_path / "ours", "example.org/ours", actor="human:ada", clock=clock
        ) as ours,
        Ledger.create(
            tmp_path / "theirs", "example.org/theirs", actor="human:eve", clock=clock
        ) as theirs,
    ):
        published(ours, "ours")
        published(theirs, "theirs")
        published(theirs, "theirs again")
        merge(ours, FolderSource(theirs.folder), branch="theirs", reason="it was read")
        assert written(ours) == 2
        found = [row["section"] for row in ours.query("section_list").objects()]
        assert found == ["1", "2", "example.org/theirs:1", "example.org/theirs:2"]
        assert ours.query("section_gaps").rows == ()
        pages = [page.path for page in render_all(ours.folder)[0] if "sections/" in page.path]
        assert pages == ["sections/0001-a-note.md", "sections/index.md"]
        bad = [one for one in audit(ours.folder, processes=1).findings if one.check == "sections"]
        assert bad == []
