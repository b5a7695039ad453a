"""The audit says which numbers are missing, or were given twice."""

import msgspec
from tampering import append_forged, found
from written import published

from ledger.audit import audit


def forge(lab, **changes):
    """Append the last entry again, its body changed: what another program could have written."""
    lab.ledger.close()

    def change(entry):
        said = msgspec.json.decode(entry)
        stream = f"section/{changes.get('number', said['body']['number'])}"
        if stream == said["stream"]:
            said["stream_version"] += 1
        else:
            said["stream_version"] = 0
        said |= {"stream": stream, "body": said["body"] | changes}
        return msgspec.json.encode(said, order="sorted")

    return append_forged(lab.ledger.folder, change)


def test_in_order(lab):
    """A ledger that numbered its sections itself has nothing to say of them."""
    for _ in range(3):
        published(lab.ledger)
    report = audit(lab.ledger.folder, processes=1)
    assert not [one for one in report.findings if one.check == "sections"]


def test_gaps(lab):
    """A version that is missing is a note, at the entry that shows it."""
    published(lab.ledger)
    position = forge(lab, revision=1, from_version=3, to_version=4)
    code, seen, messages = found(lab.ledger.folder)
    assert ("note", "sections", position) in seen
    assert "versions 2 to 3 are missing before 4" in messages
    assert code == 0
    (gap,) = lab.ledger.query("section_gaps").objects()
    assert (gap["what"], gap["found"], gap["first"], gap["last"]) == (
        "version",
        "missing",
        "2",
        "3",
    )


def test_twice(lab):
    """A version that was given twice is more than a note."""
    published(lab.ledger)
    position = forge(lab, revision=1)
    code, seen, messages = found(lab.ledger.folder)
    assert ("unsupported", "sections", position) in seen
    assert "version 1 was given twice" in messages
    assert code == 1


def test_a_section_that_is_missing(lab):
    """So with numbers of sections."""
    from ledger.sections.recording import open_section

    open_section(lab.ledger, "discharge", "It is met")
    position = forge(lab, number=3)
    _, seen, messages = found(lab.ledger.folder)
    assert ("note", "sections", position) in seen
    assert "section 2 is missing before 3" in messages
