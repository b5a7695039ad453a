"""Documents follow from the ledger alone, and whatever differs from it is found."""

import json
import os
import re
import shutil

import pytest
from labs import build_lab, command, copy_lab, criterion, train, tree
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger

from ledger.cli import run
from ledger.commands.judge import judge
from ledger.errors import IntegrityError
from ledger.ledger import Ledger
from ledger.render.folder import check, write
from ledger.render.manifest import read_manifest


def texts(out):
    """The bytes of every file below a folder."""
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def documents(lab, tmp_path_factory):
    """The documents of the laboratory, rendered once. Only for looking."""
    out = tmp_path_factory.mktemp("documents")
    write(lab, out)
    return out


@pytest.fixture
def rendered(own_lab, documents, tmp_path):
    """A laboratory with its documents in `out`."""
    shutil.copytree(documents, tmp_path / "out")
    return own_lab, tmp_path / "out"


def test_what_is_rendered(rendered):
    """Specification, history, and a folder of evidence for each run, comparison and criterion."""
    lab, out = rendered
    files = set(texts(out))
    assert {"specification.md", "ship-two/history.md", "manifest.json"} <= files
    for name in ("LOSS/verdict.json", "LOSS/findings.md", "CLOSE/verdict.json"):
        assert f"evidence/criteria/{name}" in files
    assert "evidence/criteria/NEVER-MEASURED/verdict.json" not in files
    for run_name in ("trace-0001", "trace-0002", "compare-0001", "train-0001"):
        assert f"evidence/runs/{run_name}/summary.json" in files
    assert "evidence/runs/trace-0001/trace.csv" in files
    assert "evidence/comparisons/compare-0001/points.csv" in files
    assert check(lab, out) == []
    assert set(read_manifest(out).files) == files - {"manifest.json"}


def test_numbers_are_quoted_from_the_ledger(rendered):
    """A verdict's number in the text has a footnote that names its entry and position."""
    lab, out = rendered
    text = (out / "specification.md").read_text(encoding="utf-8")
    cell = re.search(r"loss\\_final = 2\.5 nats\[\^(\d+)\]", text)
    note = re.search(rf"^\[\^{cell[1]}\]: position (\d+), `(sha256:[0-9a-f]{{64}})`$", text, re.M)
    with Ledger(lab) as ledger:
        entry, position = ledger.read(bytes.fromhex(note[2].removeprefix("sha256:")))
    assert position == int(note[1])
    assert (entry.kind, entry.body["value"]) == ("measurement.taken", 2.5)
    verdict = json.loads((out / "evidence/criteria/LOSS/verdict.json").read_text())
    assert verdict["verdicts"][0]["evidence"] == note[2]


ELSEWHERE = (
    {"TZ": "Asia/Kathmandu"},
    {"LC_ALL": "C"},
    {"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8"},
    {"PYTHONHASHSEED": "1"},
    {"PYTHONHASHSEED": "77", "PYTHONUTF8": "0", "LC_ALL": "POSIX"},
)


@pytest.mark.parametrize("environment", ELSEWHERE)
def test_the_same_bytes_everywhere(rendered, tmp_path, environment):
    """Another time zone, language, hash seed and working folder change no byte."""
    lab, out = rendered
    other = tmp_path / "elsewhere" / "spec"
    other.mkdir(parents=True)
    done = command(other.parent, "render", "--ledger", lab.path, "--out", "spec", **environment)
    assert done.returncode == 0, done.stderr
    assert texts(other) == texts(out)


def test_without_database_and_state(rendered, tmp_path):
    """The journal and the blobs alone give the same bytes."""
    lab, out = rendered
    lab.database.unlink()
    for path in lab.path.glob("state.sqlite*"):
        path.unlink()
    write(lab, tmp_path / "again")
    assert texts(tmp_path / "again") == texts(out)


def test_a_note_changes_nothing(rendered):
    """An unrelated event changes no file, not even the manifest, and the check still passes."""
    lab, out = rendered
    before = tree(out)
    with Ledger(lab, actor=HUMAN) as ledger:
        ledger.record("note.added", {"text": "unrelated"})
    results = write(lab, out)
    assert {result.change for result in results} == {"unchanged"}
    assert tree(out) == before
    assert check(lab, out) == []


def test_a_measurement_changes_what_rests_on_it(rendered):
    """A new number of one run changes that run's evidence and the specification, nothing else."""
    lab, out = rendered
    before = texts(out)
    with Ledger(lab, actor=EXECUTOR) as ledger:
        ledger.append([measurement("train-0001", 12, metric="epochs", unit="count")])
    results = write(lab, out)
    changed = {result.path for result in results if result.change != "unchanged"}
    assert changed == {"specification.md", "evidence/runs/train-0001/summary.json"}
    assert {name for name, text in texts(out).items() if before.get(name) != text} == {
        *changed,
        "manifest.json",
    }
    assert read_manifest(out).position == max(f["as_of"] for f in read_manifest(out).files.values())


def test_check_renders_at_the_checkpoint(rendered):
    """Events after the checkpoint are no drift: the check looks at the record as it stood."""
    lab, out = rendered
    with Ledger(lab, actor=EXECUTOR) as ledger:
        ledger.append([measurement("train-0001", 12, metric="epochs", unit="count")])
    assert check(lab, out) == []


def found(lab, out):
    """What a check says: (path, change)."""
    return {(result.path, result.change) for result in check(lab, out)}


def test_changed_byte(rendered):
    """One changed byte is found in its file, and code 1 says so."""
    lab, out = rendered
    path = out / "evidence/criteria/LOSS/findings.md"
    path.write_bytes(path.read_bytes().replace(b"2.5", b"1.5", 1))
    assert found(lab, out) == {("evidence/criteria/LOSS/findings.md", "differs")}
    assert run(["render", "--check", "--ledger", str(lab.path), "--out", str(out)]) == 1


def test_deleted_file(rendered):
    """A file that is gone is missing, and the next rendering makes it again."""
    lab, out = rendered
    before = texts(out)
    (out / "specification.md").unlink()
    assert found(lab, out) == {("specification.md", "missing")}
    assert {r.path for r in write(lab, out) if r.change == "written"} == {"specification.md"}
    assert texts(out) == before


@pytest.mark.parametrize("name", ["evidence/runs/fake-0001/summary.json", "ship-two/more.md"])
def test_file_put_there_by_hand(rendered, name):
    """A file among the rendered ones that no template made is a stray."""
    lab, out = rendered
    (out / name).parent.mkdir(exist_ok=True, parents=True)
    (out / name).write_text("{}")
    assert found(lab, out) == {(name, "stray")}


def test_files_of_others_are_let_be(rendered):
    """Pages by hand beside the rendered ones are nobody's business."""
    lab, out = rendered
    (out / "formats").mkdir()
    (out / "formats" / "entry.md").write_text("by hand")
    (out / "README.md").write_text("by hand")
    assert check(lab, out) == []
    write(lab, out)
    assert (out / "README.md").read_text() == "by hand"


def edited(out, change):
    """Rewrite the manifest."""
    value = json.loads((out / "manifest.json").read_text())
    change(value)
    (out / "manifest.json").write_text(json.dumps(value))


def test_manifest_edited_digest(rendered):
    """A digest that someone edited differs from what the ledger says."""
    lab, out = rendered
    edited(out, lambda m: m["files"]["specification.md"].update(sha256="0" * 64))
    assert found(lab, out) == {("manifest.json", "differs")}


def test_manifest_edited_list(rendered):
    """A file that someone took off the list, or put on it, is found."""
    lab, out = rendered
    edited(out, lambda m: m["files"].pop("specification.md"))
    assert found(lab, out) == {("manifest.json", "differs")}
    edited(out, lambda m: m["files"].update({"more.md": {"as_of": 1, "sha256": ""}}))
    assert ("more.md", "stray") in found(lab, out)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m.update(origin="example.org/other"), 6),
        (lambda m: m["checkpoint"].update(chain="ab" * 32), 6),
        (lambda m: m["checkpoint"].update(position=3), 6),
        (lambda m: m["checkpoint"].update(position=10**9), 6),
        (lambda m: m["checkpoint"].update(position=-1), 6),
        (lambda m: m["checkpoint"].update(position="x"), 5),
        (lambda m: m.pop("checkpoint"), 5),
        (lambda m: m.update(format="research-ledger/manifest/9"), 5),
    ],
)
def test_manifest_edited_checkpoint(rendered, capsys, change, code):
    """A checkpoint or origin that this ledger does not have is an integrity error."""
    lab, out = rendered
    edited(out, change)
    assert run(["render", "--check", "--ledger", str(lab.path), "--out", str(out)]) == code
    assert "hint: " in capsys.readouterr().err


def test_checkpoint_ahead_names_both_positions(rendered):
    """Where the journal lost entries since, the error has both positions."""
    lab, out = rendered
    edited(out, lambda m: m["checkpoint"].update(position=5000))
    with pytest.raises(IntegrityError, match=r"position 5000.*ends at \d+"):
        check(lab, out)


def test_other_ledger(rendered, tmp_path):
    """The documents of one ledger, held against another of its name, are an integrity error."""
    _, out = rendered
    other = build_lab(tmp_path / "other", history=False)
    with pytest.raises(IntegrityError):
        check(other, out)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"{}"])
def test_damaged_manifest(rendered, content):
    """A manifest that is none is malformed for the check, and the next rendering writes it anew."""
    lab, out = rendered
    good = (out / "manifest.json").read_bytes()
    (out / "manifest.json").write_bytes(content)
    words = ["render", "--ledger", str(lab.path), "--out", str(out)]
    assert run([*words, "--check"]) == 5
    assert run(words) == 0
    assert (out / "manifest.json").read_bytes() == good


def test_check_without_manifest(own_lab, tmp_path, capsys):
    """Checking a folder that was never rendered is a mistake of the caller."""
    words = ["render", "--ledger", str(own_lab.path), "--out", str(tmp_path / "none"), "--check"]
    assert run(words) == 2
    assert "render first" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_pages_that_are_no_more_are_removed(rendered):
    """What the manifest lists and no template makes any more is removed; a path outside is not."""
    lab, out = rendered
    (out / "old.md").write_text("old")
    (out.parent / "precious").write_text("keep")

    def change(manifest):
        for name in ("old.md", "../precious", "/etc/hostname"):
            manifest["files"][name] = {"as_of": 0, "sha256": ""}

    edited(out, change)
    results = write(lab, out)
    assert [r.path for r in results if r.change == "removed"] == ["old.md"]
    assert not (out / "old.md").exists()
    assert (out.parent / "precious").read_text() == "keep"
    assert check(lab, out) == []


def test_a_folder_that_cannot_be_written(own_lab, tmp_path, capsys):
    """A file in the way of a folder is an error that names it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "evidence").write_text("in the way")
    words = ["render", "--ledger", str(own_lab.path), "--out", str(tmp_path / "out")]
    assert run(words) == 7
    assert "evidence" in capsys.readouterr().err


def test_the_default_folder(own_lab):
    """Without --out the documents go beside the ledger."""
    assert run(["render", "--ledger", str(own_lab.path)]) == 0
    assert (own_lab.path.parent / "spec" / "manifest.json").is_file()


def test_empty_ledger(tmp_path, capsys):
    """A ledger with one entry renders a specification that says that nothing is known."""
    with new_ledger(tmp_path / "lab") as ledger:
        assert run(["render", "--ledger", str(ledger.folder.path)]) == 0
    assert "specification.md" in capsys.readouterr().out
    text = (tmp_path / "lab/spec/specification.md").read_text()
    assert text.count("Nothing yet") == 3
    assert sorted(texts(tmp_path / "lab/spec")) == ["manifest.json", "specification.md"]


def test_text_cannot_pretend_to_be_a_document(tmp_path):
    """Text of an event stays inside its place: no heading, row, link or verdict comes of it."""
    evil = "x`\n\n# 9. All is DISCHARGED\n\n| a | b |\n[link](evil) **bold** <b>"
    with new_ledger(tmp_path / "lab") as lab:
        words = {"title": evil, "metric": evil, "unit": evil, "model": evil, "binding": {}}
        lab.record("criterion.declared", criterion("EVIL", **words))
        train(lab, "r-1", 0.5, metric=evil, unit=evil)
        lab.append([measurement("r-1", evil, metric="m", unit=None)], actor=EXECUTOR)
        assert [found.status for found in judge(lab, [], actor=HUMAN)] == ["DISCHARGED"]
        write(lab.folder, tmp_path / "out")
    for name, data in texts(tmp_path / "out").items():
        if name.endswith(".md"):
            lines = data.decode().splitlines()
            assert not any(line.startswith(("# 9", "| a", "[link]")) for line in lines), name
            spans = [re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line) for line in lines]
            assert not any("[link]" in line.replace("\\[", "") for line in spans), name
            assert not any("**bold**" in line.replace("\\*", "") for line in spans), name


def test_progress_is_only_for_terminals(own_lab, tmp_path):
    """Where stderr is no terminal, a long command says its one sentence there and nothing else."""
    done = command(tmp_path, "render", "--ledger", own_lab.path, "--out", "spec")
    assert re.fullmatch(rb"spec: \d+ written\n", done.stderr)
    assert os.listdir(tmp_path / "spec")  # noqa: PTH208


def test_copy_of_the_ledger(rendered, tmp_path):
    """A ledger may move: its documents are checked against the copy."""
    lab, out = rendered
    moved = copy_lab(lab, tmp_path / "moved")
    assert check(moved, out) == []


def test_a_journal_that_lost_entries_is_not_rendered_over(rendered):
    """Where the manifest stands beyond the journal's end, nothing is written."""
    lab, out = rendered
    edited(out, lambda m: m["checkpoint"].update(position=5000))
    before = texts(out)
    with pytest.raises(IntegrityError, match=r"rendered at position 5000, the journal ends at \d+"):
        write(lab, out)
    assert texts(out) == before
