"""`ledger section` and `ledger next-action`, as they are typed."""

import json
import os
import pty
import subprocess

import pytest
from click.testing import CliRunner
from labs import SCRIPT
from written import NOTE, published, rewritten, text, written

from ledger.cli import cli, run
from ledger.events.section import SECTION_KINDS


@pytest.fixture
def place(lab, monkeypatch, tmp_path):
    """A bench whose ledger the commands find, in a working folder of its own."""
    monkeypatch.setenv("LEDGER_DIR", str(lab.ledger.folder.path))
    monkeypatch.setenv("LEDGER_ACTOR", "human:ada")
    monkeypatch.chdir(tmp_path)
    return lab


def call(capfd, *words):
    """Exit code, stdout, stderr."""
    code = run(list(words))
    said = capfd.readouterr()
    return code, said.out, said.err


@pytest.mark.usefixtures("place")
def test_the_whole_way(capfd, tmp_path):
    """New, edit, lint, publish, supersede, list, show."""
    (tmp_path / "note.md").write_bytes(text("this", "The rule of thumb"))
    code, out, err = call(capfd, "section", "new", NOTE, "--title", "The rule of thumb")
    assert (code, out) == (0, "§1 the-rule-of-thumb\n")
    assert err == "write it: ledger section edit 1\n"
    assert call(capfd, "section", "lint", "1")[0] == 1
    assert call(capfd, "section", "edit", "the-rule-of-thumb", "note.md")[:2] == (
        0, "§1 revision 1\n",
    )  # fmt: skip
    code, out, err = call(capfd, "section", "edit", "1", "note.md")
    assert (code, out, err) == (0, "", "nothing changed, nothing was recorded\n")
    assert call(capfd, "section", "lint", "§1") == (0, "", "section 1: nothing is missing\n")
    assert call(capfd, "section", "publish", "0001-the-rule")[:2] == (0, "§1 v0 → v1\n")
    new = ("section", "new", NOTE, "--title", "Another", "--from", "note.md", "--json")
    (opened,) = json.loads(call(capfd, *new)[1])
    assert (opened["section"], opened["slug"]) == ("2", "another")
    call(capfd, "section", "publish", "2")
    out = call(capfd, "section", "supersede", "1", "--by", "another", "--reason", "so")[1]
    assert out == "§1 is superseded by §2\n"
    out = call(capfd, "section", "list", "--json")[1]
    assert [row["state"] for row in json.loads(out)] == ["superseded", "published"]
    assert (
        "> **Superseded** by [§2](0002-another.md): so." in call(capfd, "section", "show", "1")[1]
    )


def test_show(place, capfd):
    """The published text, the draft beside it, the source, and all of it as it stood."""
    number = published(place.ledger, "the first")
    before = place.position()
    rewritten(place.ledger, number, "the second")
    code, out, err = call(capfd, "section", "show", "1")
    assert (code, "the first" in out, "the second" in out) == (0, True, False)
    assert err == "revision 2 is not published: --draft shows it\n"
    out = call(capfd, "section", "show", "1", "--draft")[1]
    assert "the second" in out
    assert "Draft, revision 2: not published." in out
    assert call(capfd, "section", "show", "1", "--source")[1].encode() == text("the second")
    asked = ("section", "show", "1", "--source", "--at", str(before))
    assert call(capfd, *asked)[1].encode() == text("the first")
    assert call(capfd, "section", "show", "1", "--at", "0")[0] == 2


def test_publish_says_everything(place, capfd):
    """What lint finds is why it is refused, all at once, and nothing is recorded."""
    place.measured(2.53)
    written(place.ledger, "It was 2.53 nats, from [[x of y]].")
    before = place.position()
    code, out, err = call(capfd, "section", "publish", "1")
    assert (code, out) == (3, "")
    assert "number: line 8: 2.53 is typed; a cell has that value" in err
    assert "cell: line 8: no cell is 'x of y'" in err
    assert place.position() == before


def test_a_publication_cites_what_it_quotes(place, capfd):
    """The revision, and each number that carries: `ledger impact` of a number finds the section."""
    good, bad = place.measured(2.5), place.measured(7.5)
    place.refute(bad, place.measured(9.0))
    number = written(place.ledger, "[[loss_final of train-0001]], not [[loss_final of train-0002]]")
    revision = place.ledger.query("section_revisions", section=str(number)).objects()[-1]["hash"]
    (said,) = json.loads(call(capfd, "section", "publish", "1", "--json")[1])
    with place.ledger.recorder.caught_up() as state:
        entry, _ = state.read(bytes.fromhex(said["hash"][7:]))
    assert list(entry.cites) == [revision, good]
    out = call(capfd, "impact", good, "--json")[1]
    assert [row["kind"] for row in json.loads(out)] == ["section.published"]


WRONG = [
    (("section", "new", "essay", "--title", "x"), 2, "there is no kind of section 'essay'"),
    (("section", "new", "postmortem", "--title", "x"), 2, "did you mean post-mortem?"),
    (("section", "new", NOTE, "--title", " "), 5, "title: a section has one"),
    (("section", "new", NOTE, "--title", "x", "--slug", "a b"), 2, "cannot be a short name"),
    (("section", "new", NOTE), 2, "a section has a title"),
    (("section", "new", NOTE, "--title", "x", "--from", "bad.md"), 5, "no front matter"),
    (("section", "new", "discharge", "--title", "x", "--from", "good.md"), 2, "kind: discharge"),
    (("section", "edit", "1", "bad.md"), 5, "no front matter"),
    (("section", "edit", "9", "good.md"), 2, "there is no section '9'"),
    (("section", "edit", "a-nte", "good.md"), 2, "did you mean a-note?"),
    (("section", "edit", "1", "nowhere.md"), 2, "nowhere.md"),
    (("section", "lint", "bad.md"), 1, "no front matter"),
    (("section", "show", "a-not"), 2, "did you mean a-note?"),
    (("section", "publish", "a-note"), 3, "revision 1 was published at position"),
    (("section", "supersede", "1", "--by", "1", "--reason", "x"), 3, "its own place"),
    (("section", "supersede", "1", "--by", "1", "--reason", " "), 5, "say why"),
    (("section", "list", "--at", "v9"), 2, "no section registers version 'v9'"),
    (("next-action", "done", "x", "--outcome", "y"), 2, "'x' is no next action"),
    (("next-action", "done", "7", "--outcome", "y"), 3, "there is no next action 7"),
    (("next-action", "done", "1", "--outcome", "y", "--cites", "z"), 2, "'z' is no entry hash"),
    (("next-action", "state", " "), 5, "a next action needs words"),
]


@pytest.mark.parametrize(("words", "code", "said"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_told(place, capfd, tmp_path, words, code, said):
    """Each mistake has its exit code and says what to do, and nothing is recorded."""
    published(place.ledger)
    (tmp_path / "bad.md").write_text("no section")
    (tmp_path / "good.md").write_bytes(text("so"))
    before = place.position()
    ended, out, err = call(capfd, *words)
    assert ended == code
    assert said in err + out
    assert "Traceback" not in err
    assert place.position() == before


def test_two_of_one_short_name(place, capfd):
    """Then the number is asked for."""
    published(place.ledger)
    published(place.ledger)
    code, _, err = call(capfd, "section", "show", "a-note")
    assert (code, "give the number: 1, 2" in err) == (2, True)


def test_next_actions(place, capfd):
    """Stated, done, listed: the newest first."""
    published(place.ledger)
    assert call(capfd, "next-action", "state", "measure", "--section", "a-note")[1] == "A1\n"
    assert call(capfd, "next-action", "state", "ask")[1] == "A2\n"
    assert call(capfd, "next-action", "done", "A1", "--outcome", "so")[1] == "A1 is done\n"
    rows = json.loads(call(capfd, "next-action", "list", "--json")[1])
    found = [(row["action"], row["section"], row["state"], row["version"]) for row in rows]
    assert found == [("2", None, "open", 1), ("1", "1", "done", 1)]
    rows = json.loads(call(capfd, "next-action", "list", "--state", "open", "--json")[1])
    assert [row["action"] for row in rows] == ["2"]


def test_titles(place, capfd, tmp_path):
    """The title is the one that is given, else that of the text."""
    (tmp_path / "good.md").write_bytes(text("so", "Of the text"))
    call(capfd, "section", "new", NOTE, "--from", "good.md")
    call(capfd, "section", "new", NOTE, "--from", "good.md", "--title", "Given: here")
    rows = place.ledger.query("section_list").objects()
    assert [(row["slug"], row["title"]) for row in rows] == [
        ("of-the-text", "Of the text"), ("given-here", "Given: here"),
    ]  # fmt: skip
    assert call(capfd, "section", "show", "1", "--source")[1].encode() == text("so", "Of the text")
    assert "\ntitle: 'Given: here'\n" in call(capfd, "section", "show", "2", "--source")[1]
    assert call(capfd, "section", "publish", "2")[0] == 0


def test_stdin(place):
    """A text may come from a pipe."""
    written(place.ledger)
    ended = subprocess.run(
        [SCRIPT, "section", "edit", "1"], input=text("piped"), capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout.decode()) == (0, "§1 revision 2\n")


def edited(editor, **environment):
    """Edit section 1 on a terminal, with this command as the editor; exit code and output."""
    main, side = pty.openpty()
    ended = subprocess.run(
        [SCRIPT, "section", "edit", "1"],
        stdin=side,
        capture_output=True,
        env={**os.environ, "EDITOR": editor, **environment},
        check=False,
        timeout=60,
    )
    os.close(main)
    os.close(side)
    return ended.returncode, (ended.stdout + ended.stderr).decode()


def test_an_editor(place, tmp_path):
    """On a terminal the editor gets the latest text; what does not fit is kept beside."""
    written(place.ledger)
    assert edited("sed -i s/nothing/something/") == (0, "§1 revision 2\n")
    code, said = edited("sed -i s/kind/sort/")
    assert code == 5
    assert "your text is kept in section-1.md" in said
    assert (tmp_path / "section-1.md").read_bytes().startswith(b"---\nsort: ")


def test_an_edit_meanwhile(place, tmp_path):
    """What somebody else recorded while the editor was open is not written over."""
    written(place.ledger)
    (tmp_path / "other.md").write_bytes(text("theirs"))
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n{SCRIPT} section edit 1 other.md\nsed -i s/nothing/mine/ $1\n")
    editor.chmod(0o755)
    code, said = edited(str(editor))
    assert code == 4
    assert "has revision 2 by now" in said
    assert b"mine" in (tmp_path / "section-1.md").read_bytes()


def test_gaps_are_told(lab, capfd):
    """Numbers that others left out or gave twice are told on stderr."""
    for section, version in (("§1", "1.0"), ("§4", "1.1"), ("§5", "1.1")):
        lab.say(
            "section.reported", subject=section, topic=None, said_on=None, section=section,
            spec_version=version, document=None, source=None, rest={}, from_version=None,
            to_version=version, title="T",
        )  # fmt: skip
    where = ("--ledger", str(lab.ledger.folder.path))
    _, _, err = call(capfd, "section", "list", *where)
    assert "section 2 to 3: missing (position 2, as reported)" in err
    assert "version 1.1: twice (position 3, as reported)" in err


def completions(words, start):
    """What the shell offers after these words."""
    environment = {
        "COMP_WORDS": " ".join(["ledger", *words, start]),
        "COMP_CWORD": str(len(words) + 1),
    }
    answer = CliRunner().invoke(
        cli, [], prog_name="ledger", env={"_LEDGER_COMPLETE": "bash_complete", **environment}
    )
    return [line.partition(",")[2] for line in answer.output.splitlines() if line]


def test_completion(place):
    """Kinds, numbers and short names are offered."""
    published(place.ledger)
    assert completions(["section", "new"], "") == list(SECTION_KINDS)
    assert completions(["section", "new"], "post") == ["post-mortem"]
    assert completions(["section", "show"], "") == ["1", "a-note"]
    assert completions(["section", "publish"], "a") == ["a-note"]


def test_completion_without_a_ledger(monkeypatch, tmp_path):
    """Where there is none, nothing is offered, and nothing is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    assert completions(["section", "show"], "") == []
