"""Mistakes with what is made and compared, with constants, citations, branches, withheld values."""

from zoo_base import Specimen
from zoo_lab import Lab

from ledger import commitments

NOWHERE = "sha256:" + "0" * 64
TEACHER, STUDENT = "sha256:" + "7e" * 32, "sha256:" + "57" * 32


def _two_things_differ(lab: Lab) -> tuple[str, ...]:
    a = lab.measured(2.5, facts={"arguments": {"lr": 0.001, "sequence": 512}})
    b = lab.measured(2.2, facts={"arguments": {"lr": 0.002, "sequence": 1024}})
    return _compare(lab, a, b, 2.5, 2.2)


def _other_program(lab: Lab) -> tuple[str, ...]:
    a = lab.measured(2.5, facts={"arguments": {"lr": 0.001}, "program": "train 1"})
    b = lab.measured(2.2, facts={"arguments": {"lr": 0.002}, "program": "train 2"})
    return _compare(lab, a, b, 2.5, 2.2)


def _better_by_typing(lab: Lab) -> tuple[str, ...]:
    a = lab.measured(2.5, facts={"arguments": {"lr": 0.001}})
    b = lab.measured(2.4, facts={"arguments": {"lr": 0.002}})
    return _compare(lab, a, b, 2.5, 1.4)


def _compare(lab: Lab, a: str, b: str, value_a: float, value_b: float) -> tuple[str, ...]:
    return lab.refusal(
        lambda: lab.say(
            "pair.compared", cites=(a, b), metric="loss_final", unit="nats", value_a=value_a,
            value_b=value_b, differs="arguments.lr", a=a, b=b,
        )
    )  # fmt: skip


def _make(lab: Lab, run: str, digest: str, inputs: dict[str, str]) -> tuple[str, ...]:
    return lab.refusal(
        lambda: lab.say(
            "artifact.made", artifact="student", digest=digest, size_bytes=512, run=run,
            inputs=inputs,
        )
    )  # fmt: skip


def _student_is_teacher(lab: Lab) -> tuple[str, ...]:
    return _make(lab, lab.begin(), TEACHER, {"teacher": TEACHER})


def _both_roles(lab: Lab) -> tuple[str, ...]:
    return _make(lab, lab.begin(), STUDENT, {"teacher": TEACHER, "student": TEACHER})


def _input_left_out(lab: Lab) -> tuple[str, ...]:
    return _make(lab, lab.begin(inputs={"teacher": TEACHER}), TEACHER, {})


def _constant(lab: Lab, formula: str, value: float, unit: str) -> tuple[str, ...]:
    return lab.refusal(
        lambda: lab.say(
            "constant.declared", constant="C-1", formula=formula, value=value, unit=unit
        )
    )


def _log2_for_ln(lab: Lab) -> tuple[str, ...]:
    return _constant(lab, "ln(32768)", 15.0, "nats")


def _unit_of_a_log(lab: Lab) -> tuple[str, ...]:
    return _constant(lab, "2*ln(32768)", 20.794, "bits")


def _count_off(lab: Lab) -> tuple[str, ...]:
    return _constant(lab, "7*18944", 132_600, "count")


def _cites_nothing(lab: Lab) -> tuple[str, ...]:
    return lab.refusal(lambda: lab.claim(cites=(NOWHERE,)))


def _field_cites_nothing(lab: Lab) -> tuple[str, ...]:
    row, number = lab.row(), lab.measured(2.0)
    return lab.refusal(lambda: lab.verdict(row, number, control=NOWHERE, cites=(row, number)))


def _withheld_evidence(lab: Lab) -> tuple[str, ...]:
    note = lab.note("nothing secret")
    blob = lab.ledger.write_blob(b"a table")
    return lab.refusal(lambda: lab.say("blob.withheld", cites=(note,), blob=blob, reason="shame"))


def _withheld_twice(lab: Lab) -> tuple[str, ...]:
    text = commitments.commit(lab.ledger.folder, "a name")
    note, blob = lab.note(text), text.removeprefix("withheld:")
    lab.say("blob.withheld", cites=(note,), blob=blob, reason="personal")
    return lab.refusal(lambda: lab.say("blob.withheld", cites=(note,), blob=blob, reason="again"))


def _merged_elsewhere(lab: Lab) -> tuple[str, ...]:
    head = lab.note("work of another branch", branch="try/b")
    return lab.refusal(
        lambda: lab.say("branch.merged", cites=(head,), name="try/a", head=head, reason="reviewed")
    )


def _counted_unmerged(lab: Lab) -> tuple[str, ...]:
    row = lab.row()
    run = lab.begin(branch="try/a")
    number = lab.number(run, 2.0, branch="try/a")
    return lab.refusal(lambda: lab.verdict(row, number))


def _import_by_hand(lab: Lab) -> tuple[str, ...]:
    return lab.refusal(
        lambda: lab.say(
            "branch.imported", name="theirs", source="example.org/other", source_size=5,
            source_chain=NOWHERE, entries=2, head=NOWHERE,
        )
    )  # fmt: skip


MAKINGS = (
    Specimen("two things differ", "pairs", "learning rate and sequence length both changed",
             _two_things_differ),
    Specimen("another program", "pairs", "the learning rate changed, and the program with it",
             _other_program),
    Specimen("better by typing", "pairs", "the pair states 1.4 where 2.4 was measured",
             _better_by_typing),
    Specimen("student is teacher", "outputs", "the distilled file is the teacher byte for byte",
             _student_is_teacher),
    Specimen("one file in two roles", "outputs", "teacher and student given are one file",
             _both_roles),
    Specimen("input left out", "outputs", "the output is the run's input, which is not mentioned",
             _input_left_out),
    Specimen("log2 called ln", "constants", "15.0 as ln of 32768, which is its log2", _log2_for_ln),
    Specimen("nats called bits", "constants", "twice a natural logarithm, in bits",
             _unit_of_a_log),
    Specimen("count off by a little", "constants", "132600 elements where 7 times 18944 are asked",
             _count_off),
    Specimen("cites nothing", "citations", "a claim that cites an entry that is not there",
             _cites_nothing),
    Specimen("field cites nothing", "citations", "a verdict whose control is not there",
             _field_cites_nothing),
    Specimen("evidence withheld", "withholding", "a blob withheld that no entry committed to",
             _withheld_evidence),
    Specimen("withheld twice", "withholding", "a value withheld again, for another reason",
             _withheld_twice),
    Specimen("merged elsewhere", "branches", "a branch merged by the head of another one",
             _merged_elsewhere),
    Specimen("counted before the merge", "provenance", "a verdict by a number of an unmerged "
             "branch", _counted_unmerged),
    Specimen("imported by hand", "branches", "an import typed, with no entries behind it",
             _import_by_hand),
)  # fmt: skip
