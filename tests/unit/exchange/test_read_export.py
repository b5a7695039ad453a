"""Reading an export: strictly, to its end, and by programs that are not ours."""

import json
import subprocess
import sys

import pytest
from documents import ROOT, read_blocks
from evidence import BIG, take_out
from ledgers import lines_of

from ledger.errors import Malformed
from ledger.exporters import read_export, verify_export
from ledger.exporters.lines import BlobPart, EntryLine, Footer, Header


def test_reader_yields_what_was_written(written, tmp_path):
    """Header, entries, parts and footer come back, packed or not, by any name."""
    for name in ("jsonl", "jsonl.zst"):
        path = tmp_path / "no-suffix"
        path.write_bytes(take_out(written, name, blobs="all"))
        found = list(read_export(path))
        assert isinstance(found[0], Header)
        assert isinstance(found[-1], Footer)
        entries = [line for line in found if isinstance(line, EntryLine)]
        assert [line.data for line in entries] == [line.entry for line in lines_of(written)]
        parts = [line for line in found if isinstance(line, BlobPart)]
        assert b"".join(part.data for part in parts if part.size == len(BIG)) == BIG
        assert found[-1].blob_count == len({part.digest for part in parts}) == 3
        assert verify_export(str(path)).chain == lines_of(written)[-1].chain.hex()


def _corruptions(lines):
    entry = next(n for n, line in enumerate(lines) if b'"note.added"' in line)
    part = next(n for n, line in enumerate(lines) if line.startswith(b'{"blob"'))
    yield "the end", "the last line is missing", lines[:-1]
    yield "the end", "holds no lines", []
    yield "line 1", "no header", lines[1:]
    yield f"line {len(lines) + 1}", "after the last line", [*lines, lines[-1]]
    yield f"line {len(lines) + 1}", "not whole", [*lines, b"\n"]
    yield "line 2", "a second header", [lines[0], *lines]
    yield f"line {entry + 1}", "position", [*lines[:entry], *lines[entry + 1 :]]
    yield f"line {entry + 2}", "position", [*lines[: entry + 1], *lines[entry:]]
    changed = lines[entry].replace(b"hello", b"hellp")
    yield f"line {entry + 1}", "chain", [*lines[:entry], changed, *lines[entry + 1 :]]
    yield f"line {part + 2}", "due", [*lines[: part + 1], lines[part], *lines[part + 1 :]]
    yield (
        f"line {part + 1}",
        "full parts",
        [*lines[:part], _shorter(lines[part]), *lines[part + 1 :]],
    )
    yield f"line {part + 2}", "breaks off", [*lines[: part + 1], *lines[part + 2 :]]
    yield f"line {part + 1}", "due", [*lines[:part], *lines[part + 1 :]]
    without = [line for line in lines if not line.startswith(b'{"blob"')]
    yield f"line {len(without)}", "blobs", without
    other = lines[-1].replace(b'"size":', b'"size":1')
    yield f"line {len(lines)}", "entries are missing", [*lines[:-1], other]
    flipped = lines[part + 1].replace(b"YW5k", b"ZW5k")
    yield f"line {part + 2}", "not those of blob", [*lines[: part + 1], flipped, *lines[part + 2 :]]
    foreign = lines[0].replace(b"example.org/lab", b"example.org/lob")
    yield "line 1", "does not begin like this", [foreign, *lines[1:]]
    newer = lines[0].replace(b"export/v1", b"export/v9")
    yield "line 1", "this program reads", [newer, *lines[1:]]


def _shorter(line):
    fields = json.loads(line)
    fields["data"] = fields["data"][:-4]
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def test_reader_names_the_line(written, tmp_path):
    """Whatever is missing, doubled, moved or changed is named with its line."""
    lines = take_out(written).splitlines(keepends=True)
    path = tmp_path / "x.jsonl"
    for where, what, changed in _corruptions(lines):
        path.write_bytes(b"".join(changed))
        with pytest.raises(Malformed) as refused:
            verify_export(path)
        assert where in refused.value.message, (where, what)
        assert what in refused.value.message, (where, what)
        assert refused.value.hint


def test_cut_anywhere(written, tmp_path):
    """A file that was cut at any byte is refused, packed or not."""
    path = tmp_path / "x.jsonl"
    for name, step_bytes in (("jsonl", 997), ("jsonl.zst", 41)):
        whole = take_out(written, name)
        for length in [*range(0, len(whole), step_bytes), len(whole) - 1]:
            path.write_bytes(whole[:length])
            if name == "jsonl.zst" and length >= len(whole) - 4:
                continue  # only the checksum of the packing is gone: every line was there
            with pytest.raises(Malformed):
                verify_export(path)


def test_packed_rubbish(written, tmp_path):
    """Damage within the packing is refused as such."""
    whole = bytearray(take_out(written, "jsonl.zst"))
    whole[len(whole) // 2] ^= 0xFF
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(bytes(whole))
    with pytest.raises(Malformed):
        verify_export(path)
    path.write_bytes(take_out(written, "jsonl.zst") + b"rubbish")
    with pytest.raises(Malformed, match="unpacked"):
        verify_export(path)


def test_verified_by_a_stranger(written, tmp_path):
    """The program on the format's page, with Python alone, prints the checkpoint, or fails."""
    page = (ROOT / "spec" / "formats" / "export.md").read_text(encoding="utf-8")
    (program,) = [block.text for block in read_blocks(page) if block.info == "python"]
    verify = tmp_path / "verify.py"
    verify.write_text(program)
    data = take_out(written)

    def verified(text):
        done = subprocess.run(
            [sys.executable, "-I", verify], input=text, capture_output=True, check=False
        )
        return done.returncode, done.stdout.decode()

    last = lines_of(written)[-1]
    assert verified(data) == (0, f"{last.position}:{last.chain.hex()}\n")
    assert verified(data.replace(b"hello", b"hellp"))[0] == 1
    assert verified(b"".join(data.splitlines(keepends=True)[:-1]))[0] == 1
