"""One process records flat out while others ask: no error, and no answer contradicts itself."""

import pytest
from ledgers import lines_of
from stores import journalled, stored

from ledger.store.catch_up import catch_up

SECONDS = 6


@pytest.mark.slow
def test_writer_and_readers(ledger, nursery, tmp_path):
    """Every answer is a whole record up to some position, and never an older one than before."""
    folder = ledger.folder
    writer = nursery.start("append_flat_out", folder.path, SECONDS)
    answers = [tmp_path / f"answers-{number}" for number in range(2)]
    readers = [nursery.start("ask_again_and_again", folder.path, SECONDS, path) for path in answers]
    assert nursery.wait(writer) == 0
    assert [nursery.wait(pid) for pid in readers] == [0, 0], [p.read_text() for p in answers]
    asked = [int(path.read_text().split()[0]) for path in answers]
    assert min(asked) > 3
    assert len(lines_of(folder)) > 1000
    catch_up(folder)
    assert stored(folder) == journalled(folder)
