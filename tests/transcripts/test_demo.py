"""The demo: what it prints, what it leaves behind, and that it can be repeated."""

import hashlib
import json
import re
import subprocess

import pytest
from documents import ROOT, difference
from transcript import GOLDEN, LEDGER, environment, normalise

pytestmark = pytest.mark.slow
STEPS = 15
CRITERIA = {
    "ENGINE-PARITY": "DISCHARGED",
    "TRACE-FINITE": "DISCHARGED",
    "QUANT-LOGITS": "FALSIFIED",
}
RUNS = ("trace-0001", "trace-0002", "trace-0003", "trace-0004", "compare-0001", "compare-0002")


def _entries(folder):
    (segment,) = (folder / ".ledger/journal").glob("*.log")
    return segment.read_bytes().splitlines()


def test_it_ends_well_and_in_time(demo):
    """Exit code 0, in well under three minutes."""
    assert demo.code == 0, demo.text[-3000:]
    assert demo.seconds < 180


def test_every_step_is_shown_with_its_command(demo):
    """Numbered from 1 to the last, each a command line that a user could type."""
    numbers = re.findall(r"^\[(\d+)/(\d+)\] \S", demo.text, flags=re.MULTILINE)
    assert numbers == [(str(n), str(STEPS)) for n in range(1, STEPS + 1)]
    assert len(re.findall(r"^\$ ledger \w+", demo.text, flags=re.MULTILINE)) == STEPS


def test_transcript_is_the_golden_one(demo):
    """Word by word, numbers to three digits; hashes, times, paths and versions are any."""
    found = difference(GOLDEN.read_text(encoding="utf-8"), normalise(demo.text, demo.folder))
    assert found is None, f"{found}\nif this is meant: python tests/support/transcript.py"


def test_what_it_says_to_read_is_there(demo):
    """The paths at its end lead to files and folders."""
    end = demo.text.partition("What to read:\n")[2].partition("As pages:")[0].splitlines()
    assert len(end) == 4
    for line in end:
        assert (demo.folder / line.split()[0]).exists()


def test_the_command_at_its_end_writes_pages(demo):
    """A page for each run and criterion."""
    command = demo.text.rpartition("As pages: ledger ")[2].split()
    subprocess.run([LEDGER, *command], cwd=demo.folder, check=True, capture_output=True)
    for run in RUNS:
        assert (demo.folder / "site/runs" / f"{run}.html").exists()
    for criterion in CRITERIA:
        assert (demo.folder / "site/criteria" / f"{criterion}.html").exists()


def test_every_rendered_file_is_what_the_manifest_says(demo):
    """Digests match, and no file lies there unlisted."""
    manifest = json.loads((demo.folder / "spec/manifest.json").read_text(encoding="utf-8"))
    found = {
        path.relative_to(demo.folder / "spec").as_posix(): path.read_bytes()
        for path in (demo.folder / "spec").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert {name: hashlib.sha256(data).hexdigest() for name, data in found.items()} == {
        name: facts["sha256"] for name, facts in manifest["files"].items()
    }


def test_every_run_and_criterion_has_its_evidence(demo):
    """A folder for each."""
    evidence = demo.folder / "spec/evidence"
    for run in RUNS:
        assert (evidence / "runs" / run / "summary.json").is_file()
    for name, status in CRITERIA.items():
        text = (evidence / "criteria" / name / "verdict.json").read_text(encoding="utf-8")
        assert [verdict["status"] for verdict in json.loads(text)["verdicts"]] == [status]


def test_links_of_rendered_pages_resolve(demo):
    """A reader of the specification gets to the evidence."""
    for page in sorted((demo.folder / "spec").rglob("*.md")):
        for target in re.findall(r"\]\(([^)\s#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_footnotes_name_entries(demo):
    """Each footnote's position and hash are those of an entry of the journal."""
    hashes = [
        hashlib.sha256(b"\0" + line.split(b" ", 2)[2]).hexdigest() for line in _entries(demo.folder)
    ]
    text = (demo.folder / "spec/specification.md").read_text(encoding="utf-8")
    notes = re.findall(r"^\[\^\d+\]: position (\d+), `sha256:([0-9a-f]{64})`$", text, re.MULTILINE)
    assert len(notes) >= 10
    assert [hashes[int(position)] for position, _ in notes] == [digest for _, digest in notes]
    assert set(re.findall(r"(?<!^)\[\^(\d+)\]", text, re.MULTILINE)) == {
        str(n + 1) for n in range(len(notes))
    }


def test_board_and_audit_say_the_same_again(ledger):
    """What the demo showed holds afterwards."""
    board = json.loads(ledger("board", "--own", "--json").stdout)
    assert {row["row"]: row["status"] for row in board} == CRITERIA
    audit = ledger("audit")
    assert audit.returncode == 0
    assert "every verdict of this ledger is supported" in audit.stderr


def test_nothing_drifted_until_a_file_is_changed(ledger, demo):
    """`render --check` is clean; one letter more in a page, and it names the page."""
    assert ledger("render", "--check").returncode == 0
    page = demo.folder / "spec/ship-two/history.md"
    before = page.read_bytes()
    page.write_bytes(before + b"x")
    try:
        found = ledger("render", "--check", "--json")
    finally:
        page.write_bytes(before)
    assert found.returncode == 1
    assert [row["path"] for row in json.loads(found.stdout)] == ["ship-two/history.md"]


def test_audit_of_the_tampered_copy_names_the_entry(ledger, demo):
    """The entry whose byte was changed, and no other, breaks the chain."""
    ours, theirs = _entries(demo.folder), _entries(demo.folder / "tampered")
    changed = [n for n, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]]
    audit = ledger("audit", "--ledger", "tampered", "--json")
    assert audit.returncode == 6
    findings = json.loads(audit.stdout)
    broken = [f["position"] for f in findings if f["check"] == "chain"]
    assert broken == changed
    differing = sum(a != b for a, b in zip(ours[changed[0]], theirs[changed[0]], strict=True))
    assert differing == 1


def test_a_second_import_adds_nothing(ledger, demo):
    """Every line of the history is on record."""
    history = str(ROOT / "tests/data/history/ship_two_history.jsonl")
    before = _entries(demo.folder)
    answer = ledger("import", "ship-two", history, "--actor", "human:again", "--json")
    assert answer.returncode == 0
    rows = json.loads(answer.stdout)
    assert sum(row["added"] for row in rows) == 0
    assert sum(row["skipped"] for row in rows) == 856
    assert _entries(demo.folder) == before


def test_the_same_documents_come_out_elsewhere(demo, second_demo):
    """The specification is equal but for hashes; tables of numbers are equal to the byte."""
    assert second_demo.code == 0, second_demo.text[-3000:]
    first, second = demo.folder / "spec", second_demo.folder / "spec"
    pages = [
        normalise((folder / "specification.md").read_text(encoding="utf-8"), folder)
        for folder in (first, second)
    ]
    assert pages[0] == pages[1]
    history = "ship-two/history.md"
    assert (first / history).read_bytes() == (second / history).read_bytes()
    tables = sorted(path.relative_to(first) for path in first.rglob("*.csv"))
    assert len(tables) >= 6
    for table in tables:
        assert (first / table).read_bytes() == (second / table).read_bytes(), table


def test_a_folder_that_is_not_empty_is_left_alone(demo):
    """The demo does not write into what is there."""
    before = sorted(path.name for path in demo.folder.iterdir())
    again = subprocess.run(
        [LEDGER, "demo", demo.folder],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 2
    assert "is not empty" in again.stderr
    assert sorted(path.name for path in demo.folder.iterdir()) == before


def test_the_clone_is_left_as_it_was(demo):
    """Nothing of the demo reaches the project's own ledger or the documents rendered from it."""
    assert demo.code == 0
    own = b"".join(path.read_bytes() for path in (ROOT / ".ledger" / "journal").glob("*.log"))
    assert b"research-ledger/project" in own
    assert b"research-ledger/demo" not in own
    assert '"origin": "research-ledger/project"' in (ROOT / "spec" / "manifest.json").read_text()
