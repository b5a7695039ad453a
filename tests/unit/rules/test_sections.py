"""The rule on sections."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import NOTE, published, rewritten, written
from zoo_base import a_lab

from ledger.sections.recording import (
    finish_action,
    open_section,
    publish_section,
    state_action,
    supersede_section,
)

DIGEST = "sha256:" + "ab" * 32


def opened(lab, number, kind=NOTE):
    """Open a section under a number of one's own."""
    blob = lab.ledger.write_blob(b"a form")
    lab.say("section.opened", number=number, slug="note", section_kind=kind, title="T", source=blob)


def test_a_number_of_ones_own(lab):
    """Only the number after the last is accepted: not one that is taken, not one beyond it."""
    opened(lab, 1)
    for number in (1, 3, 77):
        (said,) = lab.refusal(lambda number=number: opened(lab, number))
        assert said.startswith(f"sections: number is {number}, and 2 is the next")
    assert lab.refusal(lambda: opened(lab, 2)) == ()


def test_an_unknown_kind(lab):
    """It is refused, and the nearest kind is told."""
    (said,) = lab.refusal(lambda: opened(lab, 1, "postmortem"))
    assert said == ("sections: there is no kind of section 'postmortem': did you mean post-mortem?")


def test_what_was_not_edited(lab):
    """A form is not published, nor the same revision twice."""
    number = open_section(lab.ledger, NOTE, "A note")[0].number
    assert lab.refusal(lambda: publish_section(lab.ledger, number, 0)) == (
        "sections: section 1 was not edited: its form is empty",
    )
    rewritten(lab.ledger, number, "something")
    assert lab.refusal(lambda: publish_section(lab.ledger, number, 1)) == ()
    (said,) = lab.refusal(lambda: publish_section(lab.ledger, number, 1))
    assert said.startswith("sections: revision 1 was published at position")
    rewritten(lab.ledger, number, "something else")
    assert lab.refusal(lambda: publish_section(lab.ledger, number, 2)) == ()


def test_a_version_twice(lab):
    """A version that was given is not given again, and no version is left out."""
    published(lab.ledger)
    number = written(lab.ledger)
    cited = [lab.ledger.query("section_list", section=str(number)).objects()[0]["hash"]]
    for before, after in ((0, 1), (1, 3), (0, 2)):
        said = lab.refusal(
            lambda before=before, after=after: lab.say(
                "section.published", cites=cited, number=number, revision=1,
                from_version=before, to_version=after,
            )
        )  # fmt: skip
        assert said
        assert all(one.startswith("sections: ") for one in said)
    assert lab.refusal(lambda: publish_section(lab.ledger, number, 1)) == ()


def test_a_publication_cites_its_revision(lab):
    """A publication by hand that cites nothing is refused."""
    number = written(lab.ledger)
    said = lab.refusal(
        lambda: lab.say(
            "section.published", number=number, revision=1, from_version=0, to_version=1
        )
    )
    assert said == ("sections: a publication cites the revision",)


def test_superseding(lab):
    """Not itself, not by what nobody can read, not twice; and then it is closed."""
    old, new, draft = published(lab.ledger), published(lab.ledger), written(lab.ledger)

    def supersede(number, by):
        return lab.refusal(lambda: supersede_section(lab.ledger, number, by, "it is wrong"))

    assert supersede(old, old) == (f"sections: section {old} cannot take its own place",)
    assert supersede(old, draft) == (
        f"sections: section {draft} was not published: nobody could read what takes the place",
    )
    assert supersede(old, 9) != ()
    assert supersede(old, new) == ()
    assert supersede(old, new)[0].startswith(f"sections: section {old} was superseded by {new}")
    assert supersede(new, old)[0].startswith(f"sections: section {old} was superseded by {new}")
    said = lab.refusal(lambda: rewritten(lab.ledger, old, "once more"))
    assert said[0].endswith("edit that")


def test_publishing_what_is_superseded(lab):
    """A draft of a section that was superseded stays a draft."""
    old, new = published(lab.ledger), published(lab.ledger)
    rewritten(lab.ledger, old, "a better text")
    supersede_section(lab.ledger, old, new, "it is wrong")
    (said,) = lab.refusal(lambda: publish_section(lab.ledger, old, 2))
    assert said.startswith(f"sections: section {old} was superseded by {new}")


def test_next_actions(lab):
    """One that is not there, was done, or was refuted cannot be done."""
    for _ in range(2):
        state_action(lab.ledger, "measure it again")
    finish_action(lab.ledger, 1, "it is the same")
    for action in (1, 7):
        assert lab.refusal(lambda action=action: finish_action(lab.ledger, action, "done")) != ()
    entry = lab.ledger.query("section_actions", state="open").objects()[0]["hash"]
    lab.refute(entry, lab.measured(9.0))
    assert lab.refusal(lambda: finish_action(lab.ledger, 2, "done")) == (
        "sections: next action 2 was refuted: state another one",
    )
    assert lab.refusal(lambda: state_action(lab.ledger, "go on", 5)) == (
        "sections: there is no section 5 on record",
    )


def test_the_main_line(lab):
    """Numbers are given on the main line, where everybody sees them."""
    said = lab.refusal(
        lambda: lab.say("next_action.stated", branch="wip", action=1, section=None, text="go")
    )
    assert said == ("sections: sections are kept on the main line, not on branch wip",)


STEPS = ("open", "edit", "publish", "supersede")


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 4), st.integers(1, 4)), max_size=12)
)
def test_whatever_is_tried(steps):
    """After any attempts, numbers and versions count up from 1, and the audit finds no fault."""
    with a_lab() as lab:
        revisions = {}
        for step, number, other in steps:
            if step == "open":
                revisions[written(lab.ledger)] = 1
            elif step == "edit":
                edited = lab.refusal(lambda n=number: rewritten(lab.ledger, n, "x")) == ()
                revisions[number] = revisions.get(number, 0) + edited
            elif step == "publish":
                revision = revisions.get(number, 0)
                lab.refusal(lambda n=number, r=revision: publish_section(lab.ledger, n, r))
            else:
                lab.refusal(lambda n=number, o=other: supersede_section(lab.ledger, n, o, "so"))
        assert lab.ledger.query("section_gaps").rows == ()
        rows = lab.ledger.query("section_list").objects()
        assert [row["section"] for row in rows] == [str(n + 1) for n in range(len(rows))]
        assert lab.audit() == ()


@pytest.mark.parametrize("field", ["number", "title", "slug"])
def test_form(lab, field):
    """What is no number, title or name is malformed, before any rule is asked."""
    from ledger.errors import Malformed

    wrong = {"number": 0, "title": " ", "slug": "a b"}
    body = {"number": 1, "slug": "a", "section_kind": NOTE, "title": "T", "source": DIGEST}
    with pytest.raises(Malformed):
        lab.say("section.opened", **(body | {field: wrong[field]}))
