"""One change, one place: a new projection, query, rule, check, importer or template just works."""

import json

import attrs
import pytest
from labs import ask, build_lab
from ledgers import HUMAN, new_ledger, note

import ledger.audit
import ledger.importers
import ledger.projections
import ledger.queries
import ledger.rules
import ledger.store.reader
import ledger.store.schema
import ledger.store.slices
from ledger.audit.base import Check, Finding
from ledger.cli import run
from ledger.importers.base import Importer
from ledger.projections.base import Projection
from ledger.queries import base as query_base
from ledger.render import base as template_base
from ledger.rules.base import Rule

NOTES = Projection(
    name="notes",
    columns=(("position", "ubigint", "position"), ("text", "varchar", "the remark")),
    select="select position, entry->>'$.body.text' from slice where kind = 'note.added'",
)
NOTES_SQL = """-- Remarks.
-- param like text: only remarks that begin like this
-- column text: the remark
-- column position: position of the remark
-- example: ledger query notes
select text, position from notes
where getvariable('like') is null or starts_with(text, getvariable('like'))
order by position
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A ledger with two notes, on which commands work."""
    with new_ledger(tmp_path / "lab") as lab:
        lab.append([note("one"), note("two")])
        monkeypatch.setenv("LEDGER_DIR", str(lab.folder.path))
        monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
        yield lab


@pytest.fixture
def listed(monkeypatch):
    """The tuple of projections with one more; its readers took the tuple by name."""
    more = (*ledger.projections.PROJECTIONS, NOTES)
    for module in (
        ledger.projections,
        ledger.store.schema,
        ledger.store.slices,
        ledger.store.reader,
    ):
        monkeypatch.setattr(module, "PROJECTIONS", more)


@pytest.mark.usefixtures("listed")
def test_projection_and_query(lab, monkeypatch, capsys):
    """A table in the tuple is made, folded, cut at positions, listed; a query of it is a file."""
    assert ask(lab.folder, "select count(*) from events") == [(3,)]
    assert ask(lab.folder, "select * from notes") == [(1, "one"), (2, "two")]
    assert ask(lab.folder, "select * from notes", 1) == [(1, "one")]
    lab.append([note("three")])
    assert ask(lab.folder, "select count(*) from notes") == [(3,)]
    assert run(["query", "--tables", "--json"]) == 0
    tables = {row["table"] for row in json.loads(capsys.readouterr().out)}
    assert "notes" in tables

    monkeypatch.setattr(ledger.queries, "QUERIES", (*ledger.queries.QUERIES, "notes"))
    monkeypatch.setattr(
        ledger.queries, "read_query", lambda name: query_base.parse_query(name, NOTES_SQL)
    )
    assert run(["query", "notes", "--like", "t", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["text"] for row in found] == ["two", "three"]
    assert run(["query", "notes", "--help"]) == 0
    assert "only remarks that begin like this" in capsys.readouterr().out


def test_taken_off_again(lab, monkeypatch):
    """A table that is in the tuple no more is gone from the file, which is made anew."""
    fewer = ledger.projections.PROJECTIONS[:-1]
    for module in (ledger.store.schema, ledger.store.slices, ledger.store.reader):
        monkeypatch.setattr(module, "PROJECTIONS", fewer)
    assert ask(lab.folder, "select count(*) from events") == [(3,)]
    gone = ledger.projections.PROJECTIONS[-1].name
    names = [name for (name,) in ask(lab.folder, "select table_name from duckdb_tables()")]
    assert gone not in names


def test_rule(lab, monkeypatch, capsys):
    """A rule in the tuple refuses what it forbids, beside the reasons of the others."""

    def check(proposal, _record):
        if getattr(proposal.event, "text", "").isupper():
            yield "it shouts"

    shouting = Rule(name="manners", forbids="shouting", check=check)
    monkeypatch.setattr(ledger.rules, "RULES", (*ledger.rules.RULES, shouting))
    cited = "sha256:" + "ab" * 32
    assert run(["record", "note.added", "--text", "HELLO", "--cites", cited]) == 3
    err = capsys.readouterr().err
    assert "  - manners: it shouts" in err
    assert f"  - citations: it cites {cited}" in err
    assert run(["record", "note.added", "--text", "hello"]) == 0
    assert ask(lab.folder, "select count(*) from events") == [(4,)]


def test_check(lab, monkeypatch, capsys):
    """A check in the tuple sees every entry, and its findings count."""

    class Manners(Check):
        name = "manners"

        def __init__(self, folder):
            self.here = self.all = 0
            self.origin = folder.origin

        def see(self, seen):
            self.here += 1
            if b"two" in seen.data:
                yield seen.finding("unsupported", self.name, "two is too many")

        def collect(self):
            return self.here

        def merge(self, collected, _index):
            self.all += collected
            return ()

        def finish(self, index):
            message = f"{self.all} up to {index.last}"
            yield Finding(
                severity="note", check=self.name, position=None, hash=None, message=message
            )

    monkeypatch.setattr(ledger.audit, "CHECKS", (*ledger.audit.CHECKS, Manners))
    assert run(["audit", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    mine = [(row["severity"], row["position"], row["message"]) for row in found]
    assert ("unsupported", 2, "two is too many") in mine
    assert ("note", None, "3 up to 2") in mine
    assert lab.folder.path.exists()


def test_importer(lab, monkeypatch, tmp_path, capsys):
    """An importer in the tuple is listed, reads its file, and skips what is on record."""
    known = ledger.importers.IMPORTERS[0]
    own = attrs.evolve(known, name="diary", summary="a diary")
    assert isinstance(own, Importer)
    monkeypatch.setattr(ledger.importers, "IMPORTERS", (known, own))
    monkeypatch.setattr("ledger.cli.import_history.IMPORTERS", (known, own))
    assert run(["import", "--list", "--json"]) == 0
    assert "diary" in [row["importer"] for row in json.loads(capsys.readouterr().out)]
    from histories import line, to_bytes

    path = tmp_path / "diary.jsonl"
    path.write_bytes(to_bytes(line("dear-diary", {"text": "today"})))
    for added in (1, 0):
        assert run(["import", "diary", str(path), "--json"]) == 0
        assert sum(row["added"] for row in json.loads(capsys.readouterr().out)) == added
    assert ask(lab.folder, "select count(*) from events where kind = 'note.reported'") == [(1,)]


def test_template(lab, monkeypatch, tmp_path, capsys):
    """A template in documents.yaml is rendered, checked, listed in the manifest."""
    home = tmp_path / "templates"
    (home / "spec").mkdir(parents=True)
    (home / "documents.yaml").write_text("documents: [spec/notes.md.j2]\n")
    (home / "spec" / "notes.md.j2").write_text(
        "---\noutput: notes/all.md\nqueries:\n  notes: {query: events, kind: note.added}\n---\n"
        "{% for n in notes %}\n- {{ escape(n.body.text) }}{{ cite(n) }}\n{% endfor %}\n"
        "\n{{ footnotes() }}\n"
    )
    real = template_base.read_templates
    monkeypatch.setattr("ledger.render.folder.read_templates", lambda: real(home))
    out = tmp_path / "out"
    assert run(["render", "--out", str(out)]) == 0
    text = (out / "notes" / "all.md").read_text()
    assert text.startswith("- one[^1]\n- two[^2]\n\n[^1]: position 1, `sha256:")
    assert run(["render", "--out", str(out), "--check"]) == 0
    (out / "notes" / "all.md").write_text(text.replace("two", "three"))
    assert run(["render", "--out", str(out), "--check"]) == 1
    assert "notes/all.md" in capsys.readouterr().out
    assert lab.folder.path.exists()


def test_the_laboratory_is_made_twice_the_same(tmp_path):
    """Tests that look at one laboratory look at the same: two builds differ in wall times alone."""
    found = []
    for name in ("one", "two"):
        folder = build_lab(tmp_path / name, history=False)
        rows = ask(folder, "select kind, stream, position from events order by position")
        found.append(rows)
    assert found[0] == found[1]
