"""`ledger audit --replay` and `--strict`: what is printed, in which form, with which exit code."""

import json

import pytest
from histories import line, to_bytes
from ledgers import HUMAN, new_ledger, note
from replays import imported

from ledger.cli import run


@pytest.fixture
def audit(history, monkeypatch, capsys):
    """(exit code, stdout, stderr) of the command over the real history."""
    monkeypatch.setenv("LEDGER_DIR", str(history.path))

    def call(*words):
        code = run(["audit", *words])
        return code, *capsys.readouterr()

    return call


def test_reported_statements_count_when_asked(audit):
    """The record is sound whatever others said: 0; with --replay and with --strict it counts: 1."""
    code, out, err = audit()
    assert code == 0
    assert "replay/" not in out
    assert "integrity is sound" in err
    code, out, err = audit("--strict")
    assert code == 1
    assert "replay/moved-threshold" in out
    assert "reported statements: 55 fault, 31 suspect, 0 undetermined" in err
    assert audit("--replay")[0] == 1


def test_findings_stand_by_rule(audit):
    """A line a rule with its count, then a line a finding with the positions of its entries."""
    _, out, _ = audit("--replay")
    rows = out.splitlines()
    assert rows[0] == "board-disagrees (35)"
    assert "number-claimed-twice (1)" in rows
    assert "  fault  3.18 [724, 725]: version 3.18 was registered 2 times, by §72, §73" in rows
    rules = [row for row in rows if row and not row.startswith(" ")]
    assert len(rules) == len({row.partition(" ")[0] for row in rules})


def test_findings_as_json(audit):
    """A list of objects; each entry by position, hash and line of the imported file."""
    code, out, _ = audit("--replay", "--json")
    found = json.loads(out)
    assert code == 1
    assert len(found) == 86
    for one in found:
        assert list(one) == ["rule", "severity", "subject", "events", "numbers", "message"]
        assert one["events"]
        assert all(entry["line"] == entry["position"] for entry in one["events"])
        assert all(entry["hash"].startswith("sha256:") for entry in one["events"])
    rows = json.loads(audit("--strict", "--json")[1])
    assert [row["check"] for row in rows] == [f"replay/{one['rule']}" for one in found]


def test_the_same_bytes_every_time(audit):
    """Two replays of one record print the same."""
    assert audit("--replay", "--json")[1] == audit("--replay", "--json")[1]


def test_a_ledger_without_reports(tmp_path, monkeypatch, capsys):
    """Nothing was reported: an empty list, exit code 0."""
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.append([note("x")], actor=HUMAN)
        monkeypatch.setenv("LEDGER_DIR", str(ledger.folder.path))
    assert run(["audit", "--replay", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_what_is_undetermined_does_not_count(tmp_path, monkeypatch, capsys):
    """A finding whose order nobody stated is printed, and the exit code is 0."""
    declared = {"title": "", "ship_blocking": True}
    lines = [
        line("criterion_declared", declared, id="C", at="2026-01-01"),
        line("verdict", {"status": "DISCHARGED"}, id="C", at="2026-01-02"),
        line("artifact_published", {}, id="A", at="2026-01-02"),
    ]
    folder = imported(tmp_path / "lab", to_bytes(*lines))
    monkeypatch.setenv("LEDGER_DIR", str(folder.path))
    assert run(["audit", "--strict"]) == 0
    out = capsys.readouterr().out
    assert "undetermined" in out
    assert "published while 0 of 1 blocking rows were open" in out


def test_a_broken_record_is_said_first(tmp_path, monkeypatch, capsys):
    """A changed byte: exit code 6, the broken place in the same form, and no replay."""
    folder = imported(
        tmp_path / "lab", to_bytes(line("eval", {"val": 9.0, "expected": 1.0}, id="m"))
    )
    monkeypatch.setenv("LEDGER_DIR", str(folder.path))
    segment = next(folder.journal.glob("*"))
    segment.chmod(0o644)
    segment.write_bytes(segment.read_bytes().replace(b'"val":9.0', b'"val":8.0'))
    assert run(["audit", "--replay", "--json"]) == 6
    found = json.loads(capsys.readouterr().out)
    assert {one["severity"] for one in found} == {"broken"}
    assert {one["rule"].partition("/")[0] for one in found} == {"audit"}


def test_the_chain_alone_is_something_else(audit):
    """--chain with --replay or --strict makes no sense, and is refused."""
    for other in ("--replay", "--strict"):
        code, _, err = audit("--chain", other)
        assert code == 2
        assert "--chain" in err
