"""Building a corpus out of folders, and looking at it again."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from corpora import program, settings_of, silent, small_corpus, write_packages

from ml.corpus import vocabulary
from ml.corpus.building import build
from ml.corpus.checking import check
from ml.corpus.manifest import read_documents
from ml.corpus.split import side_of
from ml.corpus.workplace import workplace
from ml.errors import (
    BadCorpus,
    BadOption,
    FileUnreadable,
    FileUnwritable,
)


def content(folder):
    """Bytes by name of all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def dropped(built):
    """Step -> how many documents it dropped, where it did."""
    return {s.name: s.dropped for s in built.corpus.manifest.steps if s.dropped}


def test_a_corpus_is_what_was_given(tmp_path):
    """Every file comes back from the shards, byte for byte, on the side of its package."""
    built = small_corpus(tmp_path)
    manifest, folder = built.corpus.manifest, built.corpus.folder
    tokenizer = vocabulary.load(folder / "tokenizer.json")
    rows = read_documents(folder, manifest)
    assert len(rows) == 24
    assert [row.path for row in rows if row.side == "train"] == sorted(
        row.path for row in rows if row.side == "train"
    )
    for row in rows:
        ids = built.corpus.streams[row.side].read(row.start, row.start + row.tokens)
        original = tmp_path / row.path
        assert tokenizer.bytes_of(ids[:-1]) == original.read_bytes()
        assert ids[-1] == tokenizer.end_id == 0
        assert row.side == side_of(row.package, 0.2)
    assert {row.package for row in rows if row.side == "held_out"} == set(
        manifest.held_out_packages
    )
    assert manifest.findings == ()
    assert manifest.windows.shared == 0
    assert manifest.windows.train == manifest.sides["train"].tokens - 32
    assert all(finding.is_met for finding in check(folder, silent, with_baselines=True))


def test_shards_are_plain_files(tmp_path):
    """Ids of two bytes, little endian; a small limit makes several, and the stream is the same."""
    whole = small_corpus(tmp_path)
    ids = np.frombuffer((whole.corpus.folder / "train-00000.bin").read_bytes(), "<u2")
    assert len(ids) == whole.corpus.manifest.sides["train"].tokens
    parts = small_corpus(tmp_path / "parts", shard_tokens=1000)
    files = sorted(parts.corpus.folder.glob("train-*.bin"))
    assert len(files) == -(-len(ids) // 1000)
    assert b"".join(path.read_bytes() for path in files) == ids.tobytes()
    assert parts.corpus.streams["train"].read(990, 2010).tolist() == ids[990:2010].tolist()
    assert parts.corpus.manifest.baselines == whole.corpus.manifest.baselines


def test_the_same_bytes_again(tmp_path):
    """In another process, with other hashes of strings and other threads."""
    built = small_corpus(tmp_path)
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from corpora import *; base = Path(sys.argv[2]);"
        "build(settings_of(base / 'src'), base / 'again', silent)"
    )
    support = Path(__file__).parents[2] / "support"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "RAYON_NUM_THREADS": "1"}
    words = [sys.executable, "-c", program, str(support), str(tmp_path)]
    subprocess.run(words, check=True, env=environment)
    assert content(tmp_path / "again") == content(built.corpus.folder)


def test_nothing_is_done_twice(tmp_path):
    """The same inputs leave the folder alone; by the same tokenizer, only new text is encoded."""
    first = small_corpus(tmp_path)
    before = {path.name: path.stat().st_ino for path in first.corpus.folder.iterdir()}
    again = small_corpus(tmp_path)
    assert again.is_unchanged
    assert {path.name: path.stat().st_ino for path in again.corpus.folder.iterdir()} == before
    given = tmp_path / "tokenizer.json"
    shutil.copy(first.corpus.folder / "tokenizer.json", given)
    (tmp_path / "src" / "p3" / "part1.py").write_text(program("another"))
    settings = settings_of(tmp_path / "src", tokenizer=given)
    changed = build(settings, tmp_path / "corpus", silent)
    assert (changed.is_unchanged, changed.reused) == (False, 23)
    fresh = build(settings, tmp_path / "fresh", silent)
    assert fresh.reused == 0
    assert content(changed.corpus.folder) == content(fresh.corpus.folder)


def test_a_damaged_corpus_is_not_reused(tmp_path):
    """Ids of a shard that was changed are made again."""
    built = small_corpus(tmp_path)
    right = content(built.corpus.folder)
    shard = built.corpus.folder / "train-00000.bin"
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    again = small_corpus(tmp_path)
    assert (again.is_unchanged, again.reused) == (False, 0)
    assert content(again.corpus.folder) == right


def test_copies_do_not_cross_the_split(tmp_path):
    """A near copy in a package of the other side is dropped, whichever side comes first."""
    source = write_packages(tmp_path / "src")
    for package in range(12):
        text = (source / f"p{package}" / "part0.py").read_text()
        (source / f"q{package}.py").write_text(text + "\nx = 1\n")
    built = build(settings_of(source), tmp_path / "corpus", silent)
    assert dropped(built) == {"near": 12}


def test_what_both_sides_have_is_taken_from_training(tmp_path):
    """A passage of 33 tokens within two otherwise different files costs the training file."""
    source = write_packages(tmp_path / "src")
    passage = program("shared", 1)
    sides = {side_of(f"p{n}", 0.2): f"p{n}" for n in range(12)}
    for side, package in sides.items():
        path = source / package / "part0.py"
        path.write_text(program(side, 20) + passage + program(side + "2", 20))
    built = build(settings_of(source), tmp_path / "corpus", silent)
    assert dropped(built) == {"shared_windows": 1}
    rows = read_documents(built.corpus.folder, built.corpus.manifest)
    paths = {row.path for row in rows}
    assert f"src/{sides['held_out']}/part0.py" in paths
    assert f"src/{sides['train']}/part0.py" not in paths
    assert {f.check: f.is_met for f in check(built.corpus.folder, silent)}["windows"]


def test_hostile_files(tmp_path):
    """Links are not followed, pipes not opened; what is no text is dropped; the rest is read."""
    source = write_packages(tmp_path / "src")
    (source / "loop").symlink_to(source)
    (source / "outside.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "secret.py").write_text("x = 1\n")
    (source / "broken.py").symlink_to("nowhere")
    os.mkfifo(source / "pipe.py")
    (source / "binary.py").write_bytes(bytes(range(256)))
    (source / "latin.py").write_bytes("é = 1\n".encode("latin-1"))
    with (source / "huge.py").open("wb") as file:
        file.truncate(1 << 40)
    os.mkdir(os.fsencode(source) + b"/odd\xff")  # noqa: PTH102 - a name that is no text
    (source / os.fsdecode(b"odd\xff") / "a.py").write_text(program("odd"))
    (source / ".git").mkdir()
    (source / ".git" / "hook.py").write_text(program("hook"))
    built = build(settings_of(source), tmp_path / "corpus", silent)
    manifest = built.corpus.manifest
    assert manifest.skipped == {"links": 3, "unreadable": 1}
    assert dropped(built) == {"size": 1, "utf8": 2}
    paths = {row.path for row in read_documents(built.corpus.folder, manifest)}
    assert "src/odd\\xff/a.py" in paths
    assert len(paths) == 25
    assert all(finding.is_met for finding in check(built.corpus.folder, silent))


def test_special_tokens_in_text(tmp_path):
    """A file that spells the end token does not end there."""
    source = write_packages(tmp_path / "src")
    (source / "p1" / "end.py").write_text(f"END = '<|endoftext|>'\n{program('end')}")
    built = build(settings_of(source), tmp_path / "corpus", silent)
    stream = built.corpus.streams["train"]
    ends = Counter(stream.read(0, len(stream)).tolist())[0]
    assert ends == built.corpus.manifest.sides["train"].documents
    assert dropped(built) == {}


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"held_out": 0.0}, BadOption, "--held-out"),
        ({"held_out": 1e-9}, BadCorpus, "none of 12 packages is held out"),
        ({"held_out": 0.999}, BadCorpus, "left to train on"),
        ({"window": 1}, BadOption, "--window"),
        ({"vocabulary": 256}, BadOption, "--vocab"),
        ({"near_jaccard": 0.0}, BadOption, "--near"),
        ({"licences": ()}, BadCorpus, "0 package"),
        ({"window": 2, "near_jaccard": 1.0}, BadCorpus, "nothing is left"),
        ({"tokenizer": Path("nowhere.json")}, FileUnreadable, "nowhere.json"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_what_makes_no_corpus(tmp_path, changes, error, says):
    """One error with a hint, and nothing is left behind."""
    with pytest.raises(error, match=says) as caught:
        small_corpus(tmp_path, **changes)
    assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["src"]


def test_too_little_to_compare(tmp_path):
    """A side shorter than a window is a flaw of the corpus, and is said."""
    built = small_corpus(tmp_path, window=100_000)
    assert "nothing was compared" in built.corpus.manifest.findings[0]
    failed = [f.check for f in check(built.corpus.folder, silent) if not f.is_met]
    assert failed == ["windows"]


def test_ids_of_little_entropy(tmp_path):
    """Text of one sign again and again is told."""
    for name in ("p0", "p1", "p2", "p3"):
        path = tmp_path / "src" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name}\n" + f"{name[1]}\n" * 300)
    sides = {side_of(f"p{n}", 0.5) for n in range(4)}
    assert len(sides) == 2
    settings = settings_of(tmp_path / "src", held_out=0.5, vocabulary=257, window=400)
    found = build(settings, tmp_path / "corpus", silent).corpus.manifest.findings
    assert any("entropy" in finding for finding in found)


def test_places_that_are_taken(tmp_path):
    """A folder with something else in it, a file, a link: nothing is touched."""
    source = write_packages(tmp_path / "src")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "src")
    for name in ("src", "file", "link", "file/below"):
        with pytest.raises(FileUnwritable):
            build(settings_of(source), tmp_path / name, silent)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link", "src"]


def test_one_build_at_a_time(tmp_path):
    """A second one of the same folder is refused, one of another folder is not."""
    source = write_packages(tmp_path / "src")
    with workplace(tmp_path / "corpus"):
        with pytest.raises(FileUnwritable, match="another build"):
            build(settings_of(source), tmp_path / "corpus", silent)
        build(settings_of(source), tmp_path / "other", silent)


def test_what_a_dead_build_left(tmp_path):
    """The next one takes the folder back that was moved away, and clears the half of a new one."""
    built = small_corpus(tmp_path)
    built.corpus.folder.rename(tmp_path / ".corpus.old")
    (tmp_path / ".corpus.new").mkdir()
    (tmp_path / ".corpus.new" / "train-00000.bin").write_bytes(b"half")
    again = small_corpus(tmp_path)
    assert again.is_unchanged
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "src"]
