"""Codecs: parse(format(x)) == x and format(parse(b)) == b, for whatever can be generated."""

import json
import string

from event_values import digests, json_values, keys, names
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger import canonical, ids
from ledger.entry import Entry, entry_hash, format_hash, parse_entry, parse_hash
from ledger.errors import Malformed
from ledger.journal.batch import Batch, parse_batch
from ledger.journal.line import Line, chain_start, extend, parse_line

counts = st.integers(0, 2**53)
words = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
kinds = st.builds("{}.{}".format, words, words)
rooms = st.sampled_from([room for room in ids.STREAM_ROOMS if room != "ledger"])
streams = st.just("ledger") | st.builds("{}/{}".format, rooms, names)
actors = st.builds("{}:{}".format, st.sampled_from(["human", "agent", "executor"]), words)
entries = st.builds(
    Entry,
    actor=actors,
    body=st.dictionaries(keys, json_values, max_size=4),
    branch=st.none() | words,
    cites=st.lists(digests, max_size=3).map(tuple),
    kind=kinds,
    origin=words,
    recorded_at=counts,
    schema_version=st.integers(1, 99),
    stream=streams,
    stream_version=counts,
)
raw_hashes = st.binary(min_size=32, max_size=32)


@settings(max_examples=300)
@given(entries)
def test_entry(entry):
    """An entry comes back from its bytes, and the bytes from what they were read as."""
    data = entry.format()
    assert parse_entry(data) == entry
    assert parse_entry(data).format() == data
    assert b"\n" not in data


@settings(max_examples=300)
@given(json_values)
def test_canonical_is_what_json_reads(value):
    """Canonical bytes are read by another JSON library as the same value, keys in order."""
    data = canonical.encode(value)
    assert json.loads(data) == value
    assert canonical.encode(json.loads(data)) == data
    ordered = json.loads(data, object_pairs_hook=lambda pairs: [key for key, _ in pairs])
    if isinstance(value, dict):
        assert ordered == sorted(value)


@settings(max_examples=300)
@given(entries, st.data())
def test_one_byte_inserted(entry, data):
    """White space anywhere outside a text makes bytes that are no entry; inside, another entry."""
    text = entry.format().decode()
    index = data.draw(st.integers(0, len(text)))
    changed = (text[:index] + " " + text[index:]).encode()
    try:
        assert parse_entry(changed) != entry
    except Malformed:
        return
    assert entry_hash(changed) != entry_hash(text.encode())


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b'{"actor":1e999}')
@example(b"[" * 100_000)
@example(b"-" + b"9" * 5000)
def test_any_bytes(data):
    """Any bytes at all are an entry or refused as malformed; nothing else happens."""
    for parse in (parse_entry, parse_line):
        try:
            assert parse(data).format() == data
        except Malformed:
            continue


@given(st.integers(0, 10**20 - 1), raw_hashes, st.binary(max_size=60))
def test_line(position, chain, rest):
    """A line comes back from its bytes whatever its entry holds, unless that has a newline."""
    line = Line(position, chain, b"{" + rest.replace(b"\n", b"") + b"}")
    assert parse_line(line.format()) == line
    assert parse_line(line.format()).format() == line.format()


@given(entries, st.data())
def test_cut_line(entry, data):
    """No beginning of a line is a line."""
    whole = Line(7, extend(chain_start("lab"), entry.format()), entry.format()).format()
    length = data.draw(st.integers(0, len(whole) - 1))
    try:
        parse_line(whole[:length])
    except Malformed:
        return
    raise AssertionError("a part of a line was taken for one")


@given(counts, counts, counts)
def test_batch_note(segment, offset, length):
    """A batch note comes back from its text, and no beginning of it is one."""
    batch = Batch(segment, offset, length)
    text = batch.format()
    assert parse_batch(text) == batch
    assert [parse_batch(text[:cut]) for cut in range(len(text))] == [None] * len(text)


@given(st.text(string.digits + " \n-x", max_size=12))
def test_any_batch_note(text):
    """A text that is read as a note is printed the same."""
    batch = parse_batch(text)
    assert batch is None or batch.format() == text


@given(raw_hashes)
def test_hash(raw):
    """A hash comes back from its printing, and every prefix of six digits or more is one."""
    text = format_hash(raw)
    assert parse_hash(text) == raw
    assert format_hash(parse_hash(text)) == text
    assert ids.is_hash_prefix(text[:13])


@given(st.text(max_size=30))
def test_ids_are_ascii(text):
    """Whatever a grammar accepts is printable ASCII without a space, so no two look alike."""
    for grammar in (ids.is_kind, ids.is_actor, ids.is_origin, ids.is_branch, ids.is_stream):
        if grammar(text):
            assert text.isascii()
            assert text.isprintable()
            assert " " not in text


@given(streams, actors, kinds)
def test_ids_generated(stream, actor, kind):
    """Generated names are names."""
    assert ids.is_stream(stream)
    assert ids.is_actor(actor)
    assert ids.is_kind(kind)
