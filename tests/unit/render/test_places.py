"""Documents stay below their folder, whatever names the data hold and whatever lies there."""

import os

import pytest
from ledgers import new_ledger

from ledger.errors import StoreFailed, TemplateFailed
from ledger.render.base import parse_template
from ledger.render.folder import check, write
from ledger.render.manifest import NAME
from ledger.render.own import Library
from ledger.render.places import check_paths
from ledger.render.process import shared_renderer

EVIL = (
    "../up",
    "/etc/ledger-test",
    "a/../../b",
    "a\0b",
    "a\nb",
    "a//b",
    "./a",
    "a/.",
    "x" * 300,
    "manifest.json",
    "manifest.json/a",
    "\x1b[2J",
    "..",
    "",
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A ledger with one entry."""
    with new_ledger(tmp_path_factory.mktemp("lab")) as ledger:
        return ledger.folder


def library(text, *more):
    """The documents of these texts, and nothing of ours."""
    texts = (text, *more)
    found = tuple(parse_template(f"t{n}.md.j2", text) for n, text in enumerate(texts))
    return Library(templates=found, renderer=shared_renderer())


def page(path, body="x"):
    """A template that writes a constant path."""
    return f"---\noutput: {path}\n---\n{body}"


@pytest.mark.parametrize("name", EVIL)
def test_evil_name(name):
    """A path that leads out of the folder, or is no plain name, is refused."""
    with pytest.raises(TemplateFailed, match=r"^t\.md\.j2: .*written twice, or outside"):
        check_paths([("t.md.j2", name)], NAME)


@pytest.mark.parametrize("name", [name for name in EVIL if name.strip()])
def test_name_from_data(tmp_path, name):
    """A path filled from the words of an event is refused with its template; nothing is written."""
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.record("claim.stated", {"claim": "H-1", "text": name, "expires_at": 1})
    text = "---\noutput: '{text}'\nfor_each: c\nqueries:\n  c: {query: claims}\n---\nx"
    with pytest.raises(TemplateFailed, match=r"^t0\.md\.j2: .*written twice, or outside"):
        write(ledger.folder, tmp_path / "out", None, library(text))
    assert os.listdir(tmp_path) == ["lab"]  # noqa: PTH208


def test_a_file_where_a_folder_must_be(lab, tmp_path):
    """Two documents, one of which needs the other's name as a folder, are refused."""
    with pytest.raises(TemplateFailed, match="another document needs a folder"):
        write(lab, tmp_path / "out", None, library(page("a"), page("a/b")))
    assert not (tmp_path / "out").exists()


def test_linked_folder(lab, tmp_path):
    """A link to a folder elsewhere is not written through, and what is behind it is drift."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "room").symlink_to(tmp_path / "elsewhere")
    documents = library(page("room/a.md"), page("a.md"))
    with pytest.raises(StoreFailed, match="room is a link: nothing was written") as caught:
        write(lab, tmp_path / "out", None, documents)
    assert caught.value.exit_code == 7
    assert os.listdir(tmp_path / "elsewhere") == []  # noqa: PTH208
    assert os.listdir(tmp_path / "out") == ["room"]  # noqa: PTH208


def test_linked_file_and_draft(lab, tmp_path):
    """A link with the name of a document, or of its draft, is replaced, not followed."""
    (tmp_path / "out").mkdir()
    for name in ("victim", "victim.new"):
        (tmp_path / name).write_text("keep")
    (tmp_path / "out" / "a.md").symlink_to(tmp_path / "victim")
    (tmp_path / "out" / "a.md.new").symlink_to(tmp_path / "victim.new")
    write(lab, tmp_path / "out", None, library(page("a.md")))
    assert [(tmp_path / name).read_text() for name in ("victim", "victim.new")] == ["keep"] * 2
    assert not (tmp_path / "out" / "a.md").is_symlink()
    assert (tmp_path / "out" / "a.md").read_text() == "x"


def test_link_with_the_right_bytes(lab, tmp_path):
    """A document that was replaced by a link to a copy of itself has drifted."""
    documents = library(page("a.md"))
    write(lab, tmp_path / "out", None, documents)
    place = tmp_path / "out" / "a.md"
    place.rename(tmp_path / "copy")
    place.symlink_to(tmp_path / "copy")
    (found,) = check(lab, tmp_path / "out", None, documents)
    assert (found.path, found.change) == ("a.md", "differs")


def test_removing_through_a_link(lab, tmp_path):
    """A page that is no more is not removed behind a link."""
    write(lab, tmp_path / "out", None, library(page("room/a.md"), page("b.md")))
    (tmp_path / "out" / "room").rename(tmp_path / "moved")
    (tmp_path / "out" / "room").symlink_to(tmp_path / "moved")
    with pytest.raises(StoreFailed, match="is a link"):
        write(lab, tmp_path / "out", None, library(page("b.md", "changed")))
    assert (tmp_path / "moved" / "a.md").read_text() == "x"
    assert (tmp_path / "out" / "b.md").read_text() == "x"
