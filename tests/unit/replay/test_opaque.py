"""Prose says nothing, names mean nothing: blanked and renamed, the history has the same faults."""

import json

import pytest
from histories import history_lines, line, to_bytes
from replays import findings_of, imported

PROSE = ("title", "text", "reason", "later", "summary", "cause", "claim", "output_quality")
#: Where lines hold names, beside `id`.
NAMES = ("falsifier", "alias", "run", "frm", "to")
UNIDENTIFIED = "UNIDENTIFIED-ROW-"


def renamed(lines):
    """The lines with every name replaced, the same one by the same one; and old name by new."""
    names = {}
    for each in lines:
        for name in (each["id"], *(each["data"].get(key) for key in NAMES)):
            if isinstance(name, str) and name not in names:
                kept = UNIDENTIFIED if name.startswith(UNIDENTIFIED) else ""
                names[name] = f"{kept}z{(len(names) * 7919) % 100_003:06d}"
    assert len(set(names.values())) == len(names)
    told = []
    for each in lines:
        data = {
            key: names[value] if key in NAMES and isinstance(value, str) else value
            for key, value in each["data"].items()
        }
        told.append({**each, "id": names[each["id"]], "data": data})
    return told, names


def blanked(lines):
    """The lines without their prose, and without how runs are said to have ended."""
    told = []
    for each in lines:
        data = {key: "" if key in PROSE else value for key, value in each["data"].items()}
        if each["kind"] == "run_completed" and "status" in data:
            data["status"] = "x"
        if each["kind"] == "distill_result":
            data.pop("verdict", None)
        told.append({**each, "data": data})
    return told


#: Three faults that the history does not have: a row discharged once more, a run on another device
#: than asked for, and two runs held against one another that differ in two settings.
PLANTED = (
    line("verdict", {"status": "DISCHARGED"}, id="INV-GPUTRAIN-001", at="2026-05-23"),
    line(
        "run_started",
        {"device_asked": "cuda:1", "device_observed": "cpu", "vocab": 300, "seq": 8, "batch": 2},
        id="planted-run",
        at="2026-05-23",
    ),
    line("run_started", {"vocab": 300, "seq": 16, "batch": 4}, id="other-run", at="2026-05-23"),
    line(
        "edge",
        {"frm": "planted-run", "to": "other-run", "relation": "compared_with"},
        id="edge-1",
        at="2026-05-23",
    ),
)


def shown(findings, names=None):
    """What must be the same: all of a finding but its words, under the old names."""
    back = {new: old for old, new in (names or {}).items()}

    def old(value):
        if isinstance(value, dict):
            return {key: old(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return sorted((old(each) for each in value), key=repr)
        return back.get(value, value) if isinstance(value, str) else value

    return {
        json.dumps([f.rule, f.severity, list(f.events), old(dict(f.numbers))], sort_keys=True)
        for f in findings
    }


@pytest.fixture(scope="module")
def opaque(tmp_path_factory):
    """(findings, names) of the history without words and names, with three faults planted."""
    lines, names = renamed(blanked([*history_lines(), *PLANTED]))
    folder = imported(tmp_path_factory.mktemp("opaque") / "lab", to_bytes(*lines))
    return findings_of(folder), names


def test_every_finding_is_found_again(findings, opaque):
    """Blanked and renamed, nothing is lost and nothing but the planted faults is new."""
    before, after = shown(findings), shown(*opaque)
    assert before <= after
    new = sorted(json.loads(one)[0] for one in after - before)
    assert new == ["incomparable/pair", "repeated-discharge", "run/device"]


def test_the_subjects_are_the_renamed_ones(findings, opaque):
    """Each finding speaks of the new name of what it spoke of before."""
    found, names = opaque
    subjects = {(one.rule, one.events): one.subject for one in found}
    for one in findings:
        expected = [names.get(part, part) for part in one.subject.split(", ")]
        assert subjects[one.rule, one.events].split(", ") == expected


def test_planted_faults_name_their_entries(opaque):
    """The entries are the planted lines, and those they repeat."""
    by = {one.rule: one for one in opaque[0] if max(one.events) > 856}
    assert by["repeated-discharge"].events == (248, 857)
    assert by["run/device"].events == (858,)
    assert by["incomparable/pair"].events == (860, 858, 859)
    assert by["incomparable/pair"].numbers["sequence_length"] == [8, 16]
    assert set(by["incomparable/pair"].numbers["fields"]) == {"sequence_length", "batch"}


def test_the_messages_hold_no_prose(findings):
    """No sentence of a finding quotes the words of a statement."""
    words = {
        value
        for each in history_lines()
        for key, value in each["data"].items()
        if key in PROSE and isinstance(value, str) and len(value) > 12
    }
    assert len(words) > 40
    assert not [one for one in findings for text in words if text in one.message]
