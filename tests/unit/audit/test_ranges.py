"""A journal that is read in ranges, in whatever order, gives the answer that one reader gives."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labs import tree
from tampering import TAMPERINGS, lines, rewrite, segment

from ledger.audit import audit
from ledger.audit.segments import lay_out
from ledger.errors import Malformed

#: Bytes of a range: each line its own, some lines, all.
SIZES = (1, 3_000, 1 << 30)


def answer(folder, **how):
    """All that an audit says."""
    report = audit(folder, **{"processes": 1} | how)
    return report.entries, report.exit_code, report.findings, report.bad


def borders(folder, size):
    """Indexes of lines with which a range begins, but for the first."""
    starts = {range_.start for range_ in lay_out(folder, size).ranges}
    offset, found = 0, []
    for index, line in enumerate(lines(folder)):
        if offset in starts and index:
            found.append(index)
        offset += len(line)
    return found


@pytest.fixture
def bare(own):
    """A copy without its database, which makes an audit of many ranges slow."""
    own.database.unlink()
    return own


def test_ranges_are_whole_lines(own):
    """Ranges of any size follow on each other, end with lines, and answer for all positions."""
    data, count = segment(own).read_bytes(), len(lines(own))
    for size in (1, 100, 1_000, 10_000, 10**9):
        ranges = lay_out(own, size).ranges
        assert b"".join(range_.read(own.journal) for range_ in ranges) == data
        assert all(data[range_.end - 1 : range_.end] == b"\n" for range_ in ranges)
        assert [low for low, _ in (range_.rows for range_ in ranges)][1:] == [
            high for _, high in (range_.rows for range_ in ranges)
        ][:-1]
        assert (ranges[0].rows[0], ranges[-1].rows[1]) == (0, count)
    assert len(lay_out(own, 1).ranges) == count


def test_sound(own):
    """An untouched ledger is sound however it is read, and nothing is written."""
    before = tree(own.path)
    whole = answer(own)
    assert whole[1] == 0
    assert [answer(own, range_bytes=size) for size in (20_000, 60_000)] == [whole, whole]
    assert answer(own, range_bytes=10_000, processes=2) == whole
    assert tree(own.path) == before


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampered_at_borders(bare, how):
    """Whatever is done to the last line of a range, or to the first of the next, is said alike."""
    original = lines(bare)
    middle = borders(bare, 3_000)[3]
    for at in (1, middle - 1, middle, len(original) - 4):
        rewrite(bare, TAMPERINGS[how](original, at))
        expected = answer(bare)
        assert expected[1] == 6, at
        assert [answer(bare, range_bytes=size) for size in SIZES] == [expected] * len(SIZES), at


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampered_beside_the_database(own, how):
    """What database and state say of a journal that was tampered with does not depend on ranges."""
    original = lines(own)
    rewrite(own, TAMPERINGS[how](original, borders(own, 20_000)[1]))
    expected = answer(own)
    assert expected[1] == 6
    assert answer(own, range_bytes=20_000) == expected


@pytest.mark.parametrize("how", ["deleted", "joined with the next", "digit of the position"])
def test_tampered_and_processes(own, how):
    """Two processes say what one says."""
    original = lines(own)
    rewrite(own, TAMPERINGS[how](original, borders(own, 10_000)[2]))
    assert answer(own, range_bytes=10_000, processes=2) == answer(own)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(TAMPERINGS)), st.floats(0, 1)), max_size=4),
    st.integers(1, 5_000),
)
def test_tampered_more_than_once(bare, steps, size):
    """Several changes, one on top of the other, are said alike by readers of any range."""
    original = changed = lines(bare)
    for how, where in steps:
        if len(changed) > 4:
            at = 1 + int(where * (len(changed) - 3))
            try:
                changed = TAMPERINGS[how](changed, at)
            except (AttributeError, ValueError, Malformed):
                continue  # this line was changed too much before
    try:
        rewrite(bare, changed)
        assert answer(bare, range_bytes=size) == answer(bare)
    finally:
        rewrite(bare, original)
