"""A corpus that was damaged, or that lies with digests that fit: opening and checking it."""

import json
import os
import shutil

import numpy as np
import pytest
from corpora import silent, small_corpus

from ml.corpus.checking import check
from ml.corpus.manifest import read, read_documents
from ml.corpus.reader import Corpus
from ml.errors import (
    FileUnreadable,
    MalformedFile,
)


def edit(folder, **changes):
    """Change fields of the manifest as an editor would, digest left alone."""
    path = folder / "manifest.json"
    form = json.loads(path.read_text())
    path.write_text(json.dumps(form | changes, sort_keys=True, separators=(",", ":")))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "manifest.json").write_text("{}"), "no manifest"),
        (lambda f: (f / "manifest.json").write_bytes(b"\xff" * 9), "no manifest"),
        (lambda f: (f / "manifest.json").write_text("[" * 100_000), "no manifest"),
        (lambda f: edit(f, format="corpus/2"), "format 'corpus/2'"),
        (lambda f: edit(f, dtype="<u4"), "changed after it was written"),
        (lambda f: edit(f, more=1), "another form"),
        (lambda f: os.truncate(f / "train-00000.bin", 99), "99 bytes"),
        (lambda f: os.truncate(f / "held_out-00000.bin", 99_999), "bytes, and its"),
    ],
)
def test_a_corpus_that_cannot_be_opened(tmp_path, damage, says):
    """It is refused with what is wrong, by the reader and by the check."""
    folder = small_corpus(tmp_path).corpus.folder
    damage(folder)
    for use in (Corpus.open, lambda path: check(path, silent)):
        with pytest.raises(MalformedFile, match=says):
            use(folder)
    with pytest.raises(FileUnreadable):
        Corpus.open(tmp_path / "src" / "p0")


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("train-00000.bin", "sha256 of train-00000.bin"),
        ("tokenizer.json", "sha256 of tokenizer.json"),
        ("documents.jsonl", "sha256 of documents.jsonl"),
    ],
)
def test_a_changed_byte_is_found(tmp_path, name, failed):
    """In whatever file; a file that is gone too."""
    folder = small_corpus(tmp_path).corpus.folder
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    assert [f.check for f in check(folder, silent) if not f.is_met] == [failed]


def reseal(folder, change):
    """Write other shards with a manifest that fits them: what only looking again can find."""
    from attrs import evolve

    from ml.corpus import manifest as manifests

    manifest, _ = read(folder)
    changed = change(folder, manifest)
    shards = tuple(
        evolve(s, sha256=manifests.sha256((folder / s.name).read_bytes())) for s in changed.shards
    )
    sealed = manifests.sealed(evolve(changed, shards=shards))
    (folder / "manifest.json").write_bytes(manifests.encode(sealed))


def write_ids(folder, side, change):
    """Change the ids of a side in place."""
    path = folder / f"{side}-00000.bin"
    ids = np.frombuffer(path.read_bytes(), "<u2").copy()
    change(ids)
    path.write_bytes(ids.tobytes())


def copy_over(folder, manifest):
    """Put a passage of the training side into the held-out one."""
    passage = np.frombuffer((folder / "train-00000.bin").read_bytes(), "<u2")[40:80]
    write_ids(folder, "held_out", lambda ids: ids.__setitem__(slice(50, 90), passage))
    return manifest


def unknown_id(folder, manifest):
    """Put an id there that the tokenizer does not have."""
    write_ids(folder, "train", lambda ids: ids.__setitem__(5, 60_000))
    return manifest


def other_counts(_folder, manifest):
    """Say that there is one document more."""
    from attrs import evolve

    side = manifest.sides["train"]
    sides = {**manifest.sides, "train": evolve(side, documents=side.documents + 1)}
    return evolve(manifest, sides=sides)


def other_share(_folder, manifest):
    """Say that more packages are held out."""
    from attrs import evolve

    return evolve(manifest, settings={**manifest.settings, "held_out": 0.9})


def other_losses(_folder, manifest):
    """Say that guessing is worse than it is."""
    from attrs import evolve

    first, *others = manifest.baselines
    return evolve(manifest, baselines=(evolve(first, nats_per_token=9.0), *others))


def without_bound(field, value):
    """Say something that would take all memory, or no end of time, to look at."""
    from attrs import evolve

    def change(_folder, manifest):
        part, name = field.split(".")
        return evolve(manifest, **{part: evolve(getattr(manifest, part), **{name: value})})

    return change


@pytest.mark.parametrize(
    "change",
    [
        without_bound("windows.length", 0),
        without_bound("windows.length", 2**62),
        without_bound("tokenizer.tokens", 2**62),
        without_bound("tokenizer.tokens", -1),
    ],
)
def test_numbers_without_bound(tmp_path, change):
    """They are refused before anything is made of them."""
    folder = small_corpus(tmp_path).corpus.folder
    reseal(folder, change)
    with pytest.raises(MalformedFile, match="cannot be"):
        check(folder, silent)


def shard_elsewhere(_folder, manifest):
    """Name a file outside of the folder."""
    from attrs import evolve

    return evolve(manifest, shards=(evolve(manifest.shards[0], name="../train-00000.bin"),))


def test_a_shard_lies_in_its_folder(tmp_path):
    """A name that leads elsewhere is refused."""
    folder = small_corpus(tmp_path).corpus.folder
    shutil.copy(folder / "train-00000.bin", tmp_path)
    reseal(folder, shard_elsewhere)
    with pytest.raises(MalformedFile, match="cannot be"):
        Corpus.open(folder)


def rows_outside(folder, manifest):
    """Let a document begin where there is no shard."""
    from attrs import evolve

    from ml.corpus import manifest as manifests

    rows = read_documents(folder, manifest)
    data = manifests.encode_documents((evolve(rows[0], start=10**12), *rows[1:]))
    (folder / "documents.jsonl").write_bytes(data)
    return evolve(manifest, documents_sha256=manifests.sha256(data))


def test_documents_lie_in_the_shards(tmp_path):
    """One that does not is refused."""
    folder = small_corpus(tmp_path).corpus.folder
    reseal(folder, rows_outside)
    with pytest.raises(MalformedFile, match="outside the shards"):
        check(folder, silent)


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (copy_over, {"documents", "counts", "windows"}),
        (unknown_id, {"ids"}),
        (other_counts, {"counts"}),
        (other_share, {"split"}),
        (other_losses, {"baselines"}),
    ],
)
def test_a_lie_with_fitting_digests_is_found(tmp_path, change, failed):
    """Everything is computed again from the ids."""
    folder = small_corpus(tmp_path).corpus.folder
    reseal(folder, change)
    found = check(folder, silent, with_baselines=True)
    assert {f.check for f in found if not f.is_met} - {"baselines"} == failed - {"baselines"}
    assert failed <= {f.check for f in found if not f.is_met}
