"""The worked examples of CONTRIBUTING: an event, a query over it, a document about it."""

import re

import pytest
from documents import ROOT, read_blocks

import ledger.events
import ledger.render.answers
from ledger.clock import FixedClock
from ledger.errors import Malformed
from ledger.events.form import parse_body
from ledger.ledger import Draft, Ledger
from ledger.queries.base import parse_query
from ledger.render.base import parse_template
from ledger.render.pages import render_pages
from ledger.store.reader import open_reader

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
(CODE,) = [block for block in read_blocks(TEXT) if block.info == "python"]
(SQL,) = [block for block in read_blocks(TEXT) if block.info == "sql"]
(TEMPLATE,) = [block for block in read_blocks(TEXT) if block.info == "jinja"]
BODY = {"corpus": "tiny", "sha256": "0" * 64, "tokens": 565_600_000}


@pytest.fixture(scope="module")
def corpus_registered():
    """The class of the example."""
    names = {}
    exec(compile(CODE.text, "CONTRIBUTING.md", "exec"), names)  # noqa: S102 - our own page
    return names["CorpusRegistered"]


@pytest.fixture
def recorded(corpus_registered, tmp_path, monkeypatch):
    """A ledger that holds one such event."""
    kind = corpus_registered.KIND
    monkeypatch.setitem(ledger.events.KINDS, kind.name, kind)
    clock = FixedClock(1_767_225_600_000_000)
    with Ledger.create(tmp_path, "example/guide", actor="human:ada", clock=clock) as made:
        made.append([Draft(event=parse_body(kind, BODY))])
        yield made


def test_event_checks_its_form(corpus_registered):
    """Everything wrong is told at once, and the summary is the docstring."""
    kind = corpus_registered.KIND
    with pytest.raises(Malformed) as raised:
        parse_body(kind, {**BODY, "corpus": "a b", "tokens": 0})
    assert len(raised.value.reasons) == 2
    assert kind.summary == "A training corpus, by digest, with its size."


def test_every_field_of_the_event_has_its_docstring():
    """The rule that the page states holds for its own example."""
    fields = re.findall(r"^    (\w+): \w+\n    \"\"\"(.+)\"\"\"$", CODE.text, flags=re.MULTILINE)
    assert [name for name, _ in fields] == list(BODY)


def test_query_answers(recorded):
    """The header is read, and the SQL gives the columns it names."""
    query = parse_query("corpora", SQL.text)
    with open_reader(recorded.folder) as db:
        (row,) = query.run(db, {"corpus": "tiny"}).objects()
        assert query.run(db, {"corpus": "other"}).rows == ()
    assert list(row) == [name for name, _ in query.columns]
    assert (row["corpus"], row["tokens"], row["position"]) == ("tiny", 565_600_000, 1)


def test_document_is_rendered(recorded, monkeypatch):
    """The number stands in the page with its footnote."""
    query = parse_query("corpora", SQL.text)
    monkeypatch.setattr(ledger.render.answers, "find_query", lambda _name: query)
    template = parse_template("corpora.md.j2", TEMPLATE.text)
    with open_reader(recorded.folder) as db:
        (page,) = render_pages(template, db)
        (row,) = query.run(db, {}).objects()
    assert (page.path, page.as_of) == ("corpora.md", 1)
    assert "| tiny | 565600000 |" in page.text
    assert "- tiny has 565600000 tokens[^1]." in page.text
    assert f"[^1]: position 1, `{row['hash']}`" in page.text


def test_no_page_without_rows(tmp_path, monkeypatch):
    """`unless_empty` leaves it out."""
    query = parse_query("corpora", SQL.text)
    monkeypatch.setattr(ledger.render.answers, "find_query", lambda _name: query)
    with (
        Ledger.create(tmp_path, "example/guide", actor="human:ada") as made,
        open_reader(made.folder) as db,
    ):
        assert list(render_pages(parse_template("corpora.md.j2", TEMPLATE.text), db)) == []
