"""The room of examiners: its list, and what each member says of itself."""

import importlib
import inspect
from pathlib import Path

import pytest
from documents import ROOT
from histories import history_lines
from ledgers import new_folder
from replays import findings_of

from ledger import replay
from ledger.monitors import MONITORS
from ledger.replay import EXAMINERS


def test_every_examiner_is_listed():
    """Each file of the room that is no part of it exports an examiner, once in the tuple."""
    folder = Path(inspect.getfile(replay)).parent
    names = sorted({path.stem for path in folder.glob("*.py")} - {"__init__", "base", "history"})
    found = [importlib.import_module(f"ledger.replay.{name}").EXAMINER for name in names]
    assert sorted(one.rule for one in found) == sorted(one.rule for one in EXAMINERS)
    assert len({one.rule for one in EXAMINERS}) == len(EXAMINERS)


@pytest.mark.parametrize("examiner", EXAMINERS, ids=lambda one: one.rule)
def test_an_examiner_says_what_it_finds(examiner, findings):
    """One sentence; and in the real history it finds something, or the guide says why not."""
    assert examiner.finds.endswith(".")
    found = [one for one in findings if f"{one.rule}/".startswith(f"{examiner.rule}/")]
    assert bool(found) == (examiner.rule != "incomparable/pair")


def test_an_empty_ledger_has_no_findings(tmp_path):
    """Nothing was reported, so nothing contradicts itself."""
    assert findings_of(new_folder(tmp_path / "lab")) == []


def test_no_examiner_knows_a_name_of_the_history():
    """No name of a row, run, claim or section stands in the source of either room."""
    names = {line["id"] for line in history_lines() if any(map(str.isdigit, line["id"]))}
    rooms = [Path(inspect.getfile(replay)).parent, Path(inspect.getfile(replay)).parents[1]]
    files = [*rooms[0].glob("*.py"), *(rooms[1] / "monitors").glob("*.py")]
    files += (rooms[1] / "queries").glob("r*_*.sql")
    assert len(files) > 30
    for file in files:
        text = "\n".join(
            row for row in file.read_text(encoding="utf-8").splitlines() if "example:" not in row
        )
        assert [name for name in names if name in text] == [], file.name


def test_the_guide_names_every_rule_and_monitor():
    """Each stands in its table, a monitor with the mark it gives, and nothing else does."""
    page = (ROOT / "spec" / "guides" / "replay.md").read_text(encoding="utf-8")
    rules, monitors, _ = (part.partition("\n## ")[0] for part in page.split("\n## The ")[1:])
    rows = {row.split("`")[1] for row in rules.splitlines() if row.startswith("| `")}
    named = {"run": "run/MONITOR", "measurement": "measurement/…"}
    assert rows == {named.get(one.rule, one.rule) for one in EXAMINERS}
    rows = {
        (row.split("`")[1], row.rstrip("| ").rpartition("| ")[2])
        for row in monitors.splitlines()
        if row.startswith("| `")
    }
    assert rows == {(one.name, one.mark) for one in MONITORS}
