"""Reading the journal in bulk: slices, their borders, and the first line that does not fit."""

import attrs
import pytest
from ledgers import HUMAN, lines_of, new_recorder, note
from stores import journalled

from ledger.errors import IntegrityError
from ledger.journal.line import Line, chain_start, extend
from ledger.journal.reader import committed_end
from ledger.journal.segments import list_segments, segment_path
from ledger.store import lines
from ledger.store.catch_up import catch_up
from ledger.store.lines import Limits, read_slices
from ledger.store.place import Place

ENTRIES = 90
MANY = Limits(1_000_000, 1_000_000_000)


@pytest.fixture(params=["one segment", "many segments"])
def folder(request, ledger):
    """A folder with 90 entries."""
    size = 4000 if request.param == "many segments" else 64 * 1024 * 1024
    recorder = new_recorder(ledger.folder, segment_bytes=size)
    for number in range(1, ENTRIES):
        recorder.append([note(f"n {number} {'é' * (number % 50)}")], actor=HUMAN)
    recorder.close()
    return ledger.folder


def beginning(folder):
    """The place before everything."""
    return Place(0, 0, 0, chain_start(folder.origin).hex())


def read(folder, limits=MANY, place=None):
    """Every slice up to the end."""
    end = committed_end(folder.journal, folder.lock)
    return list(read_slices(folder, place or beginning(folder), end, limits))


def content(slices):
    """(position, hash, chain, E) of everything in slices."""
    return [
        (chunk.first + index, f"sha256:{hash_}", chain, entry.encode())
        for one in slices
        for chunk in one.chunks
        for index, (hash_, chain, entry) in enumerate(
            zip(
                chunk.hashes.split(" "),
                chunk.chains.split(" "),
                chunk.entries.split("\n"),
                strict=True,
            )
        )
    ]


@pytest.mark.parametrize("chunk", [100, 1000, 256 * 1024])
@pytest.mark.parametrize("limits", [MANY, Limits(7, 10**9), Limits(10**6, 1500), Limits(1, 1)])
def test_everything_once(folder, monkeypatch, limits, chunk):
    """Whatever the limits, slices follow one another and hold each entry once, to the byte."""
    monkeypatch.setattr(lines, "_CHUNK", chunk)
    slices = read(folder, limits)
    assert content(slices) == journalled(folder)
    places = [slices[0].before, *(one.after for one in slices)]
    assert [one.before for one in slices] == places[:-1]
    assert places[0] == beginning(folder)
    assert places[-1].position == sum(one.count for one in slices) == ENTRIES


@pytest.mark.parametrize("start", [0, 3, 20, 89, 90])
def test_slices_end_at_multiples(folder, start):
    """A slice fills the row group that the one before it began, then whole ones."""
    place = beginning(folder)
    if start:
        place = next(one.after for one in read(folder, Limits(1, 1)) if one.after.position == start)
    ends = [one.after.position for one in read(folder, Limits(20, 10**9), place)]
    assert ends == [end for end in (20, 40, 60, 80, 90) if end > start]


def rewrite(folder, change):
    """Change the lines of the journal in their segments."""
    for first in list_segments(folder.journal):
        path = segment_path(folder.journal, first)
        path.chmod(0o644)
        found = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(change(first + n, line) for n, line in enumerate(found)))


HARMS = {
    "json": lambda line: line.replace(b'"kind"', b'"kind'),
    "no line": lambda _: b"xx\n",
    "blank": lambda _: b"\n",
    "one space": lambda line: line.replace(b" ", b"", 1),
    "not UTF-8": lambda line: line.replace(b"n ", b"\xff\xfe", 1),
    "position": lambda line: b"7" + line,
    "leading zero": lambda line: b"0" + line,
    "chain": lambda line: line[:10] + (b"0" if line[10:11] != b"0" else b"1") + line[11:],
    "upper case": lambda line: line[:3] + line[3:67].upper() + line[67:],
    "too long": lambda line: line[:-1] + b" " * 70_000 + b"\n",
}


@pytest.mark.parametrize("chunk", [100, 256 * 1024])
@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
@pytest.mark.parametrize("position", [41, ENTRIES - 1])
def test_first_bad_line_is_named(folder, monkeypatch, harm, position, chunk):
    """A line that was changed is named by its position, wherever it is; so is an earlier one."""
    monkeypatch.setattr(lines, "_CHUNK", chunk)
    rewrite(folder, lambda at, line: harm(line) if at in (position, position + 5) else line)
    with pytest.raises(IntegrityError, match=rf"entry {position} is damaged") as caught:
        read(folder)
    assert caught.value.position == position


def test_a_line_is_missing(folder):
    """Where a line was taken out of the middle, the one after it is out of order."""
    rewrite(folder, lambda at, line: b"" if at == 41 else line)
    with pytest.raises(IntegrityError) as caught:
        read(folder)
    assert caught.value.position in (41, 42)  # 42 where a segment began with it


def forged(folder, change):
    """Append an entry with a sound chain, as only a hostile writer would; its position."""
    last = lines_of(folder)[-1]
    entry = change(last.entry)
    line = Line(last.position + 1, extend(last.chain, entry), entry)
    path = segment_path(folder.journal, list_segments(folder.journal)[-1])
    with path.open("ab") as file:
        file.write(line.format())
    return line.position


FORGERIES = {
    "no JSON": lambda e: e.replace(b'"text":', b'"text"'),
    "a list": lambda _: b"[1,2]",
    "no kind": lambda e: e.replace(b'"kind":"note.added",', b""),
    "kind is null": lambda e: e.replace(b'"note.added"', b"null"),
    "time is text": lambda e: e.replace(b'"recorded_at":', b'"recorded_at":"a","x":'),
    "cites is text": lambda e: e.replace(b'"cites":[]', b'"cites":"x"'),
    "not UTF-8": lambda e: e.replace(b"n ", b"\xff ", 1),
    "too long": lambda e: e.replace(b"n ", b"n" * 70_000, 1),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_what_is_no_entry_is_named(folder, change):
    """An entry that is none is not folded, even where the chain runs over it."""
    catch_up(folder)
    position = forged(folder, change)
    with pytest.raises(IntegrityError, match=rf"entry {position} is damaged"):
        catch_up(folder)


def test_torn_tail_at_the_end(folder):
    """Bytes without a newline at the very end belong to no entry, however many they are."""
    path = segment_path(folder.journal, list_segments(folder.journal)[-1])
    with path.open("ab") as file:
        file.write(b"\x00" * 600_000)
    assert content(read(folder)) == journalled(folder)


@pytest.mark.parametrize("tail", [b"90 01", b"\x00" * 600_000])
def test_torn_tail_in_between(folder, tail):
    """A segment that has a successor has no torn tail: that is damage."""
    first = list_segments(folder.journal)[0]
    path = segment_path(folder.journal, first)
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(tail)
    firsts = list_segments(folder.journal)
    following = firsts[1] if len(firsts) > 1 else ENTRIES
    if len(firsts) == 1:
        segment_path(folder.journal, ENTRIES).touch()
    with pytest.raises(IntegrityError, match=rf"entry {following} is damaged"):
        read(folder)


def test_segment_is_missing(ledger):
    """A segment that was taken out of the middle is an integrity error."""
    recorder = new_recorder(ledger.folder, segment_bytes=2000)
    for number in range(30):
        recorder.append([note(f"n {number}")], actor=HUMAN)
    firsts = list_segments(ledger.folder.journal)
    segment_path(ledger.folder.journal, firsts[2]).unlink()
    with pytest.raises(IntegrityError, match=f"segment {firsts[3]:020d} does not follow"):
        read(ledger.folder)


def test_another_chain(folder):
    """A journal that begins elsewhere than its ledger's name is not read at all."""
    other = attrs.evolve(beginning(folder), chain=chain_start("example.org/other").hex())
    with pytest.raises(IntegrityError, match=r"entry 0 is damaged"):
        read(folder, place=other)
