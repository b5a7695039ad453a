"""What is published is a document: rendered, checked, and the same bytes every time."""

import json
import re

import pytest
from labs import ask, command
from written import published, rewritten, written

from ledger.errors import IntegrityError
from ledger.render.folder import check, write
from ledger.sections.recording import (
    finish_action,
    publish_section,
    state_action,
    supersede_section,
)


def texts(out):
    """The text of every file below a folder."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def told(lab):
    """A bench with a published section about a number, one superseded, and a draft."""
    lab.measured(2.5)
    first = published(lab.ledger, "It is [[loss_final of train-0001]].", "The first: a *guess*")
    second = published(lab.ledger, "It is better.", "The second")
    supersede_section(lab.ledger, first, second, "it was a guess")
    written(lab.ledger, "Not yet.", "The third")
    return lab


def render(lab, out):
    """Render all, and give the pages of sections."""
    write(lab.ledger.folder, out)
    found = {name: data.decode() for name, data in texts(out).items()}
    return {name: text for name, text in found.items() if name.startswith("sections/")}


def test_pages(told, tmp_path):
    """One page for each that was published, none for a draft, and an index."""
    pages = render(told, tmp_path / "out")
    assert set(pages) == {
        "sections/0001-the-first-a-guess.md",
        "sections/0002-the-second.md",
        "sections/index.md",
    }
    first, second = (
        pages["sections/0001-the-first-a-guess.md"],
        pages["sections/0002-the-second.md"],
    )
    assert first.startswith("# §1 The first: a \\*guess\\*\n\n*As of position ")
    assert "v0 → v1" in first
    assert "It is 2.5 nats[^1]." in first
    assert "> **Superseded** by [§2](0002-the-second.md): it was a guess." in first
    assert "v1 → v2" in second
    assert "uperseded" not in second
    assert "| 3 | The third | methodology-note | draft |" in pages["sections/index.md"]
    assert check(told.ledger.folder, tmp_path / "out") == []


def test_no_index_without_sections(lab, tmp_path):
    """A ledger without sections has no page of them."""
    assert render(lab, tmp_path / "out") == {}


def test_the_banner(told, tmp_path):
    """Next actions stand there, the newest first, those refuted struck through."""
    for text in ("measure it again", "trace both", "ask"):
        state_action(told.ledger, text, 2)
    state_action(told.ledger, "elsewhere", 1)
    finish_action(told.ledger, 3, "they said no")
    entries = told.ledger.query("section_actions", section="2").objects()
    told.refute(entries[1]["hash"], told.measured(9.0))
    pages = render(told, tmp_path / "out")
    text = pages["sections/0002-the-second.md"]
    first = text.index("> - A3 (v2): ask — done: they said no")
    second = text.index("> - ~~A2 (v2): trace both~~ refuted: measured again, it does not hold")
    third = text.index("> - **A1 (v2): measure it again**")
    assert first < second < third
    assert "elsewhere" not in text
    assert "**A4 (v2) (§1): elsewhere**" in pages["sections/index.md"]


def test_an_edit_changes_no_page(told, tmp_path):
    """A new text is not read before it is published; then its page changes, and the index."""
    before = render(told, tmp_path / "out")
    rewritten(told.ledger, 2, "It is best.")
    edited = render(told, tmp_path / "out")
    assert {name for name in edited if edited[name] != before[name]} == {"sections/index.md"}
    publish_section(told.ledger, 2, 2)
    after = render(told, tmp_path / "out")
    changed = {name for name in after if after[name] != edited[name]}
    assert changed == {"sections/0002-the-second.md", "sections/index.md"}
    assert "It is best." in after["sections/0002-the-second.md"]
    assert "v2 → v3" in after["sections/0002-the-second.md"]


def test_an_unrelated_event_changes_nothing(told, tmp_path):
    """A note changes no byte of any page."""
    before = render(told, tmp_path / "out")
    told.note("unrelated")
    assert render(told, tmp_path / "out") == before


ELSEWHERE = (
    {"TZ": "Asia/Kathmandu", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "77", "LC_ALL": "de_DE.UTF-8"},
)


@pytest.mark.parametrize("environment", ELSEWHERE)
def test_the_same_bytes_everywhere(told, tmp_path, environment):
    """Another time zone, language and hash seed give the same bytes."""
    render(told, tmp_path / "out")
    told.ledger.close()
    folder = told.ledger.folder.path
    done = command(tmp_path, "render", "--ledger", folder, "--out", "other", **environment)
    assert done.returncode == 0, done.stderr
    assert texts(tmp_path / "other") == texts(tmp_path / "out")


def test_a_page_that_was_changed_is_found(told, tmp_path):
    """So is one that was put there by hand."""
    out = tmp_path / "out"
    render(told, out)
    page = out / "sections" / "0002-the-second.md"
    page.write_text(page.read_text(encoding="utf-8") + "and more\n", encoding="utf-8")
    (out / "sections" / "0009-mine.md").write_text("mine", encoding="utf-8")
    found = {(one.path, one.change) for one in check(told.ledger.folder, out)}
    assert found == {
        ("sections/0002-the-second.md", "differs"),
        ("sections/0009-mine.md", "stray"),
    }


def test_a_lost_source(told, tmp_path):
    """Without its text, a section is not rendered, and nothing is written in its place."""
    source = told.ledger.query("section_pages", section="2", draft="no").objects()[0]["source"]
    path = told.ledger.folder.blobs / source[7:9] / source[9:]
    path.parent.chmod(0o755)
    path.unlink()
    with pytest.raises(IntegrityError):
        render(told, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_versions_can_be_asked_for(told, capfd):
    """`--at v1` is the record while that version was in force."""
    from ledger.cli import run

    told.ledger.close()
    where = ["--ledger", str(told.ledger.folder.path)]
    wanted = {"v1": ["published", "draft"], "v2": ["superseded", "published", "draft"]}
    for version, states in wanted.items():
        assert run(["section", "list", "--at", version, "--json", *where]) == 0
        assert [row["state"] for row in json.loads(capfd.readouterr().out)] == states


def test_a_footnote_names_the_position_of_its_entry(told, tmp_path):
    """Also where something was said of the entry since: an action done, a section superseded."""
    state_action(told.ledger, "ask them", 2)
    finish_action(told.ledger, 1, "they said no")
    stood = dict(ask(told.ledger.folder, "select hash, position from events"))
    notes = [
        (int(position), hash_)
        for text in render(told, tmp_path / "out").values()
        for position, hash_ in re.findall(r"position (\d+), `(sha256:[0-9a-f]+)`", text)
    ]
    assert len(notes) > 3
    assert all(stood[hash_] == position for position, hash_ in notes)
