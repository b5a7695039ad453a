"""`ledger run corpus` as a user meets it."""

import hashlib
import json

import pytest
from corpora import write_packages
from labs import bodies, digest

from ledger.blobs import read_blob
from ledger.cli import run
from ml.corpus.reader import Corpus

SMALL = ["--held-out", "0.2", "--vocab", "400", "--window", "33"]


@pytest.fixture
def source(tmp_path):
    """A folder of made-up packages."""
    return write_packages(tmp_path / "src")


@pytest.fixture
def build(ledger, source, tmp_path):
    """Builds the corpus `corpus` of that folder with more words; the exit code."""
    assert ledger.folder

    def call(*words):
        place = str(tmp_path / "corpus")
        return run(["run", "corpus", "build", place, f"{source}=MIT", *SMALL, *words])

    return call


def test_a_build_is_on_record(ledger, build, tmp_path, capsys):
    """Counts, filters, windows and baselines, under the digest of the manifest, which is kept."""
    assert build("--json") == 0
    out, err = capsys.readouterr()
    train, held_out = json.loads(out)
    assert (train["side"], train["documents"] + held_out["documents"]) == ("train", 24)
    manifest = digest(tmp_path / "corpus" / "manifest.json")
    assert f"corpus-0001: {tmp_path / 'corpus'} {manifest}" in err
    (made,) = bodies(ledger.folder, "artifact.made")
    assert (made["artifact"], made["run"], made["digest"]) == ("corpus-0001",) * 2 + (manifest,)
    kept = read_blob(ledger.folder, manifest)
    assert kept == (tmp_path / "corpus" / "manifest.json").read_bytes()
    assert made["size_bytes"] == len(kept)
    assert set(made["inputs"]) == {"source.src"}
    found = bodies(ledger.folder, "measurement.taken")
    assert {body["key"]["corpus"] for body in found} == {manifest}
    tokens = [b["value"] for b in found if b["metric"] == "tokens"]
    assert sorted(tokens) == sorted([train["tokens"], held_out["tokens"]])
    (shared,) = [b for b in found if b["metric"] == "windows_shared"]
    assert (shared["value"], shared["key"]["window"]) == (0, 33)
    assert shared["key"]["compared_held_out"] == held_out["tokens"] - 32
    dropped = {b["key"]["filter"]: b["value"] for b in found if b["metric"] == "dropped"}
    assert set(dropped) >= {"licence", "near", "secrets", "round_trip", "shared_windows"}
    assert run(["audit"]) == 0


def test_baselines_are_found_by_the_query(build, capsys):
    """With what a loss must have in common to be held against them."""
    build()
    capsys.readouterr()
    assert run(["query", "run_baselines", "--run", "corpus-0001", "--json"]) == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert {"uniform_nats_per_token", "unigram_bits_per_byte"} <= set(names)
    assert run(["query", "measurements", "--run", "corpus-0001", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    nats = {r["metric"]: r["value"] for r in rows if r["metric"].endswith("nats_per_token")}
    losses = [nats[f"{name}_nats_per_token"] for name in ("uniform", "unigram", "bigram")]
    assert losses == sorted(losses, reverse=True)


def test_the_same_again_is_said(build, tmp_path, capsys):
    """The folder is left alone; the run says so and has the same numbers."""
    build()
    before = (tmp_path / "corpus").stat().st_ino
    capsys.readouterr()
    assert build() == 0
    assert "(unchanged)" in capsys.readouterr().err
    assert (tmp_path / "corpus").stat().st_ino == before


def test_show(build, tmp_path, capsys):
    """Tables for people; the manifest itself as JSON. Nothing is recorded."""
    build()
    capsys.readouterr()
    folder = str(tmp_path / "corpus")
    assert run(["run", "corpus", "show", folder]) == 0
    out = capsys.readouterr().out
    assert all(
        text in out for text in ("train", "src", "MIT", "near", "trigram", "held-out packages")
    )
    assert run(["run", "corpus", "show", folder, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((tmp_path / "corpus" / "manifest.json").read_text())


def test_check(ledger, build, tmp_path, capsys):
    """Exit code 0 where all holds, 1 for a changed byte, 5 for what cannot be opened."""
    build()
    capsys.readouterr()
    folder = tmp_path / "corpus"
    words = ["run", "corpus", "check", str(folder)]
    assert run([*words, "--baselines", "--json"]) == 0
    out, err = capsys.readouterr()
    assert {row["result"] for row in json.loads(out)} == {"PASS"}
    assert "10 PASS" in err
    data = bytearray((folder / "train-00000.bin").read_bytes())
    data[7] ^= 1
    (folder / "train-00000.bin").write_bytes(data)
    assert run(words) == 1
    out, err = capsys.readouterr()
    assert "sha256 of train-00000.bin     FAIL" in out
    assert "1 FAIL" in err
    assert run([*words, "--record"]) == 1
    assert "corpus-0002: 3 PASS, 1 FAIL" in capsys.readouterr().err
    found = {b["metric"]: b for b in bodies(ledger.folder, "measurement.taken")}
    assert (found["checks_passed"]["value"], found["checks_failed"]["value"]) == (3, 1)
    assert found["checks_failed"]["key"]["corpus"] == digest(folder / "manifest.json")
    (folder / "train-00000.bin").write_bytes(data[:-3])
    assert run(words) == 5
    err = capsys.readouterr().err
    assert f"at byte {len(data) - 3}" in err
    assert "hint" in err


def test_a_given_tokenizer(ledger, build, source, tmp_path, capsys):
    """Its digest is an input of the run."""
    build()
    given = tmp_path / "tokenizer.json"
    given.write_bytes((tmp_path / "corpus" / "tokenizer.json").read_bytes())
    place = str(tmp_path / "other")
    words = ["run", "corpus", "build", place, f"{source}=MIT", *SMALL, "--tokenizer", str(given)]
    assert run(words) == 0
    capsys.readouterr()
    started = bodies(ledger.folder, "run.started")[-1]
    assert started["inputs"] == {"tokenizer": digest(given)}
    assert not Corpus.open(place).manifest.tokenizer.is_trained
    assert run(["audit"]) == 0


def test_one_licence_for_all(ledger, source, tmp_path, capsys):
    """Given once, it holds for folders that have none of their own; unknown ones keep out."""
    assert ledger.folder
    out, other = str(tmp_path / "out"), str(tmp_path / "other")
    words = ["run", "corpus", "build", out, str(source), *SMALL, "--license", "Proprietary"]
    assert run(words) == 7
    assert "0 package" in capsys.readouterr().err
    assert run([*words, "--allow", "Proprietary"]) == 0
    assert run(["run", "corpus", "build", other, f"{source}=MIT", *words[5:]]) == 0


def test_a_flaw_is_exit_code_1(build, capsys):
    """The corpus is there and recorded, and the flaw is said."""
    assert build("--window", "100000") == 1
    assert "flaw: a side is shorter" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["corpus", "src"], 2, "has no licence"),
        (["corpus", "=MIT"], 2, "has no licence"),
        (["corpus", "nowhere=MIT"], 2, "is no folder"),
        (["corpus", "src=MIT", "src=MIT"], 2, "two folders are called src"),
        (["src", "src=MIT"], 2, "is no corpus"),
        (["corpus", "src=MIT", "--held-out", "2"], 2, "--held-out"),
        (["corpus", "src=MIT", "--tokenizer", "nowhere"], 2, "cannot read"),
        (["corpus", "src=MIT", "--tokenizer", "src/p0/part0.py"], 5, "no JSON"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes(ledger, source, tmp_path, monkeypatch, capsys, words, code, says):
    """One error with a hint, no run, no folder."""
    monkeypatch.chdir(source.parent)
    assert run(["run", "corpus", "build", *words]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("hint") == 1
    assert bodies(ledger.folder, "run.started") == []
    assert not (tmp_path / "corpus").exists()


def test_a_corpus_that_cannot_be_is_a_failed_run(ledger, build, capsys):
    """What only reading shows is recorded, with the way out."""
    assert build("--held-out", "0.000001") == 7
    assert "none of 12 packages is held out" in capsys.readouterr().err
    (failed,) = bodies(ledger.folder, "run.failed")
    assert failed["error"] == "ExecutorFailed"


def test_arguments_name_no_folder_of_this_machine(ledger, build, tmp_path):
    """Manifest, run and measurements have names, not paths."""
    build()
    recorded = [*bodies(ledger.folder, "run.started"), *bodies(ledger.folder, "measurement.taken")]
    manifest = (tmp_path / "corpus" / "manifest.json").read_text()
    assert str(tmp_path) not in json.dumps(recorded) + manifest
    assert hashlib.sha256(manifest.encode()).hexdigest() in json.dumps(recorded)
