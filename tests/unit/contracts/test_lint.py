"""Every check finds what it says it finds, with the line, and nothing in a sound file."""

import attrs
import pytest
from labs import criterion
from ledgers import HUMAN

from ledger.contracts.add import add
from ledger.contracts.cited_tests import project_of
from ledger.contracts.lint import CHECKS, lint
from ledger.contracts.reading import look_at

TEST = "test: each of 164 problems once, greedily"
REQUIRES = "requires: [T4-LEARNS]"
ALIASES = "aliases: [T4-CONVERGED]"
NOWHERE = "sha256:" + "ab" * 32

#: (check, changes, words of the finding, text of its line) for files that are looked at alone.
ALONE = [
    ("yaml", [("blocking: true", "blocking: yes")], "in several ways", "blocking: yes"),
    ("form", [("unit: ratio", "units: ratio")], "unknown field; did you mean unit", "units:"),
    ("terms", [("name: T4-PASS", "name: T4 PASS")], "cannot name a row", "name: T4 PASS"),
    ("terms", [("noise: 0.05", "noise: -1")], "-1 is negative", "noise: -1"),
    ("terms", [("samples: 164", "samples: 0")], "0 is no number of samples", "samples: 0"),
    ("terms", [("threshold: 90", 'threshold: "90"')], ">= needs a number", 'operator: ">="'),
    ("terms", [(REQUIRES, "requires: [T4-LOSS]")], "cannot be named here", "requires:"),
    ("terms", [("contract: tiny4", "contract: tiny 4")], "cannot be a name", "contract: tiny 4"),
    ("terms", [("{rule: after", "{régle: after")], "not printable ASCII", "stop_rule:"),
    ("units", [("    unit: ratio\n", "")], "a numeric threshold needs a unit", "- name: T4-PARITY"),
    (
        "units",
        [("    unit: nats\n    blocking", "    unit: bits\n    blocking")],
        "uniform-loss is in nats, the row in bits",
        "threshold: {constant",
    ),
    ("duplicates", [("name: T4-PASS", "name: T4-LOSS")], "a row T4-LOSS in line", "name: T4-LOSS"),
    ("duplicates", [(ALIASES, "aliases: [T4-PASS]")], "a row T4-PASS in line", "aliases:"),
    (
        "duplicates",
        [
            (
                "constants:\n",
                "constants:\n  - {name: uniform-loss, formula: '1', value: 1, unit: nats}\n",
            )
        ],
        "a constant uniform-loss in line",
        "- name: uniform-loss",
    ),
    (
        "cycles",
        [("stop_rule: {rule: after", "requires: [T4-LOSS]\n    stop_rule: {rule: after")],
        "a cycle: T4-LEARNS requires T4-LOSS requires T4-LEARNS",
        "requires: [T4-LOSS]",
    ),
    (
        "constants",
        [("value: 10.824905", "value: 15.6170")],
        "that is log2(50257) in bits",
        "value:",
    ),
    ("constants", [("formula: ln(50257)", "formula: ln(")], "is no formula", "value:"),
    ("constants", [("constant: uniform-loss", "constant: loss")], "no constant loss", "{constant:"),
    (
        "constants",
        [("name: uniform-loss", "name: uniform loss")],
        "cannot be a name",
        "- name: uniform",
    ),
    (
        "tests",
        [(TEST, "test: tests/test_los.py::test_loss")],
        "there is no tests/test_los.py",
        "test:",
    ),
    ("tests", [(TEST, "test: tests/test_loss.py::test_gain")], "::test_gain", "test:"),
    ("tests", [(TEST, "test: tests/test_loss.py::TestLoss::test_up")], "::test_up", "test:"),
    ("tests", [(TEST, "test: ../test_loss.py::test_loss")], "lies outside", "test:"),
    ("tests", [(TEST, "test: tests/broken.py::test_loss")], "is no Python", "test:"),
    ("tests", [(TEST, "test: ledger fly away")], "no command ['fly', 'away']", "test:"),
    ("tests", [(TEST, "test: ledger run 'x")], "is no command: No closing", "test:"),
    (
        "evidence",
        [("comparison.made", "comparison.maid")],
        "no kind of event comparison.maid",
        "rests",
    ),
    (
        "citations",
        [("aliases: [", "cites: [abc]\n    aliases: [")],
        "'abc' is no entry hash",
        "cites:",
    ),
    ("citations", [("  author: Ada", "  cites: ['sha256:1']")], "is no entry hash", "cites:"),
]


@pytest.mark.parametrize(("check", "changes", "words", "line"), ALONE)
def test_found(found, tiny4, check, changes, words, line):
    """One fault, one finding of that check in the line of the fault, ledger or not."""
    findings = [(at, text) for name, at, text in found(*changes) if name == check]
    lines = tiny4(*changes).splitlines()
    assert any(words in text and line in lines[at - 1] for at, text in findings), findings


def test_sound(found):
    """A sound file has no finding."""
    assert found() == []


@pytest.mark.parametrize(
    "test",
    [
        "tests/test_loss.py",
        "tests/test_loss.py::test_loss",
        "tests/test_loss.py::test_loss[a-1]",
        "tests/test_loss.py::TestLoss::test_low",
        "ledger run compare trace-0001 trace-0002",
        "look at test_loss.py in the afternoon",
    ],
)
def test_tests_that_are_there(found, test):
    """Functions, methods, cases and commands are found; words are taken as they are."""
    assert found((TEST, f"test: {test}")) == []


def test_every_check_is_tested():
    """Each check of the list has a name, a sentence, and a finding in these tests."""
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert {name for name, *_ in ALONE} | {"heads", "rules"} == set(names)
    assert all(check.finds and check.needs in ("file", "record") for check in CHECKS)


def test_everything_at_once(found):
    """Eight faults of eight checks are told together, in the order of the file."""
    findings = found(
        ("version: 1.0.0", "version: 1.0"),
        ("value: 10.824905", "value: 11"),
        (TEST, "test: tests/no.py"),
        ("unit: percent", "unit: null"),
        ("name: T4-PARITY", "name: T4-PASS"),
        ("comparison.made", "comparison.maid"),
        (ALIASES, "cites: [x]"),
        ("noise: 0.05", "noise: -0.05"),
    )
    checks = [check for check, _, _ in findings]
    assert set(checks) == {
        "form", "constants", "tests", "units", "duplicates", "evidence", "citations", "terms",
    }  # fmt: skip
    lines = [line for _, line, _ in findings]
    assert lines == sorted(lines)


def test_one_row_with_everything(found):
    """What is wrong with the form of a row hides nothing else of it."""
    findings = found(
        ("blocking: false", "blocking: yes"),
        ("unit: percent", "unit: null"),
        ("samples: 164", "samples: 0"),
        (TEST, "test: ledger fly"),
        ("control: {metric", "require: [T4-LOSS]\n    cites: [x]\n    control: {metric"),
    )
    assert sorted(check for check, _, _ in findings) == [
        "citations", "form", "terms", "tests", "units", "yaml",
    ]  # fmt: skip


def test_stand_ins_are_not_blamed(found):
    """A threshold that is wrong makes neither its operator, nor its unit, nor its noise wrong."""
    for wrong in ("threshold: [3]", "threshold: no", "threshold: {constant: none}"):
        assert len(found(("threshold: 3.0", wrong))) == 1
    assert len(found(("    operator: <=\n    threshold: 3.0", "    threshold: 3.0"))) == 1
    assert len(found(("    unit: nats\n\nrows", "    unit: 3\n\nrows"))) == 1


def test_project_of(tmp_path):
    """Tests are named from the project that a file lies in, else from its folder."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert project_of(deep / "x.yaml") == deep.resolve() or (tmp_path / ".git").exists()
    (tmp_path / "a" / "pyproject.toml").write_text("")
    assert project_of(deep / "x.yaml") == (tmp_path / "a").resolve()


# Several files.


def test_two_heads_in_files(document, around):
    """Two versions of one contract need a `supersedes` between them."""
    one = document(file="one.yaml")
    two = document(("version: 1.0.0", "version: 1.1.0"), file="two.yaml")
    next_ = document(("version: 1.0.0", "version: 1.1.0\n  supersedes: 1.0.0"), file="next.yaml")
    third = document(("version: 1.0.0", "version: 1.2.0\n  supersedes: 1.1.0"), file="third.yaml")
    (found,) = lint(one, attrs.evolve(around, others=[two]))
    assert (found.check, found.line) == ("heads", 5)
    assert "two heads: tiny4 1.1.0 is in two.yaml" in found.text
    assert lint(one, attrs.evolve(around, others=[next_])) == []
    assert lint(next_, attrs.evolve(around, others=[one])) == []
    assert lint(one, attrs.evolve(around, others=[next_, third])) == []
    (same,) = lint(one, attrs.evolve(around, others=[attrs.evolve(one, file="copy.yaml")]))
    assert "tiny4 1.0.0 is in copy.yaml, too" in same.text


def test_rows_of_two_contracts_in_files(document, around):
    """One row is in one contract; a constant may be in both, if it is the same."""
    one = document()
    two = document(("contract: tiny4", "contract: other"), file="other.yaml")
    found = lint(one, attrs.evolve(around, others=[two]))
    assert [finding.check for finding in found] == ["duplicates"] * 4
    drifted = document(
        ("contract: tiny4", "contract: other"),
        ("formula: ln(50257)\n    value: 10.824905", "formula: ln(151936)\n    value: 11.9312"),
        file="other.yaml",
    )
    found = lint(one, attrs.evolve(around, others=[drifted]))
    assert any(f.check == "constants" and "drifted: ln(151936)" in f.text for f in found)


# Against the record.


@pytest.fixture
def against(found, lab):
    """The findings against the record."""

    def find(*changes):
        with lab.recorder.caught_up() as state:
            return found(*changes, record=state)

    return find


def declared(lab, name, **changes):
    """Declare a row by hand."""
    return lab.record("criterion.declared", criterion(name, **changes))


def test_sound_against_an_empty_record(against):
    """The rules have nothing against the example."""
    assert against() == []


def test_unknown_rows_and_entries(against):
    """What is required or cited and not on record is refused by the rules, each row by name."""
    found = against(
        (REQUIRES, "requires: [T4-LEARNS, T4-OTHER]"),
        ("  author: Ada", f"  cites: ['{NOWHERE}']"),
        (TEST, f"cites: ['{NOWHERE}']\n    {TEST}"),
    )
    assert {check for check, _, _ in found} == {"rules"}
    texts = " | ".join(text for _, _, text in found)
    assert "T4-LOSS: names: there is no row T4-OTHER on record" in texts
    assert f"T4-PASS: citations: it cites {NOWHERE}" in texts
    assert f"tiny4: citations: it cites {NOWHERE}" in texts


def test_unsound_rows_start_no_chain(against):
    """A row that requires an unsound one is not said to require what is not there."""
    found = against(("    if_fails: look at the data before the model\n", ""))
    assert [check for check, _, _ in found] == ["form"]


def test_version_on_record(against, lab, document, around):
    """A version is given once, also one that is not in force any more."""
    add(lab, document(), around)
    found = against()
    assert ("heads", 5, "tiny4 1.0.0 was added at position 6; give it a new version") in found
    add(lab, document(("version: 1.0.0", "version: 1.1.0")), around)
    assert "tiny4 1.0.0 was added at position 6" in against()[0][2]
    assert against(("version: 1.0.0", "version: 1.2.0")) == []


def test_fork(against, lab, document, around):
    """A file that says what it supersedes is not added over another."""
    fork = ("version: 1.0.0", "version: 2.0.0\n  supersedes: 1.0.0")
    (found,) = against(fork)
    assert found[2] == "two heads: it supersedes 1.0.0, but there is no tiny4 on record"
    add(lab, document(), around)
    assert against(fork) == []
    add(lab, document(("version: 1.0.0", "version: 1.1.0")), around)
    (found,) = against(fork)
    assert found[:2] == ("heads", 6)
    assert found[2] == "two heads: it supersedes 1.0.0, but 1.1.0 is in force"


def test_row_of_another_contract(against, lab):
    """A row that another contract declared is not taken over; one declared by hand is."""
    declared(lab, "T4-PASS", contract="other@2")
    declared(lab, "T4-PARITY")
    found = against()
    assert [(check, text) for check, _, text in found] == [
        ("heads", "T4-PASS is a row of other@2 (position 1): one row, one contract")
    ]


def test_row_that_is_over(against, lab):
    """A retired row is not declared again."""
    row = declared(lab, "T4-PASS", contract="tiny4@0")
    decision = lab.record("note.added", {"text": "we drop it"})
    moved = {"subject": "T4-PASS", "from_status": "unbound", "to_status": "RETIRED"}
    evidence = {"reason": "we drop it", "evidence": decision.hash}
    lab.record("row.moved", {**moved, **evidence}, cites=[decision.hash], actor=HUMAN)
    (found,) = against()
    assert found[0] == "rules"
    assert "T4-PASS is RETIRED, for good" in found[2]
    assert row.position == 1


def test_cycle_over_the_record(against, lab):
    """A row on record that requires a row of the file closes the circle."""
    declared(lab, "T4-LOSS", contract="tiny4@0")
    declared(lab, "OUTSIDE", requires=("T4-LOSS",))
    found = against((REQUIRES, "requires: [OUTSIDE]"))
    assert [(check, text) for check, _, text in found] == [
        ("cycles", "a cycle: OUTSIDE requires T4-LOSS requires OUTSIDE")
    ]


def test_drift_from_the_record(against, lab):
    """A constant of the same name has one value for good."""
    body = {"constant": "uniform-loss", "formula": "ln(151936)", "value": 11.9312, "unit": "nats"}
    lab.record("constant.declared", body)
    (found,) = against()
    assert found[:2] == ("constants", 15)
    assert "drifted: ln(151936) = 11.9312 nats at position 1" in found[2]


def test_findings_read_like_a_compiler(document, around):
    """file:line:column: check: text."""
    (found,) = lint(document(("noise: 0.05", "noise: -1")), around)
    assert str(found) == "tiny4.yaml:39:12: terms: T4-LOSS: noise: -1 is negative"
    assert lint(look_at(b"[", "x"), around)[0].file == "x"
