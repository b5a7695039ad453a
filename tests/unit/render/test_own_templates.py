"""A user's own folder of templates beside ours: added, extended, put instead, and linted."""

import json

import pytest
from labs import ask
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, run_started

from ledger.cli import run
from ledger.errors import TemplateFailed
from ledger.ledger import Ledger
from ledger.queries import QUERIES
from ledger.render.folder import check, write
from ledger.render.lint import lint
from ledger.render.manifest import read_manifest
from ledger.render.own import open_library

SPECIFICATION = "spec/specification/specification.md.j2"
KINDS = "---\noutput: kinds.md\nqueries:\n  kinds: {query: kinds}\n---\n"
EXTENDING = (
    "---\noutput: kinds.md\nqueries:\n  kinds: {query: kinds}\n---\n"
    '{% extends "ledger/parts/page.md.jinja" %}\n'
    "{% block title %}Kinds{% endblock %}\n"
    "{% block body %}\n{{ table(kinds, ['kind']) }}\n{% endblock %}\n"
)
SHORT = (
    f"---\nlike: ledger/{SPECIFICATION}\n---\n"
    f'{{% extends "ledger/{SPECIFICATION}" %}}\n'
    "{% block limits %}\n## 7. In our laboratory\n\nNothing else.\n{% endblock %}\n"
)


@pytest.fixture
def folder(tmp_path):
    """A ledger with one entry."""
    with new_ledger(tmp_path / "lab") as ledger:
        ask(ledger.folder, "select 1")
        return ledger.folder


def make(place, listed, **files):
    """A folder of templates: its list, and texts by the name before .md.j2."""
    place.mkdir()
    (place / "documents.yaml").write_text(listed)
    for name, text in files.items():
        (place / f"{name}.md.j2").write_text(text)
    return place


def test_beside_ours(folder, tmp_path):
    """Own documents are rendered with ours; the manifest lists them, and the check holds them."""
    own = open_library(make(tmp_path / "own", "documents: [kinds.md.j2]", kinds=EXTENDING))
    write(folder, tmp_path / "out", None, own)
    text = (tmp_path / "out" / "kinds.md").read_text()
    assert text.startswith("# Kinds\n\n*As of position 0. Rendered from the ledger by")
    assert "| ledger.created |" in text
    assert {"kinds.md", "specification.md"} <= set(read_manifest(tmp_path / "out").files)
    assert check(folder, tmp_path / "out", None, own) == []
    (tmp_path / "out" / "kinds.md").write_text(text.replace("Kinds", "Sorts"))
    assert [r.path for r in check(folder, tmp_path / "out", None, own)] == ["kinds.md"]


def test_instead_of_ours(folder, tmp_path):
    """What `instead` names is replaced, extends ours by its name, and has its queries."""
    listed = f"instead:\n  {SPECIFICATION}: short.md.j2\n"
    write(folder, tmp_path / "ours")
    write(folder, tmp_path / "out", None, open_library(make(tmp_path / "own", listed, short=SHORT)))
    ours, theirs = ((tmp_path / name / "specification.md").read_text() for name in ("ours", "out"))
    assert theirs != ours
    assert "## 7. In our laboratory" in theirs
    assert "What this does not say" not in theirs
    assert theirs.partition("## 7.")[0] == ours.partition("## 7.")[0]


def test_replacing_is_explicit(tmp_path):
    """An output of ours is nobody else's, unless `instead` says so."""
    text = "---\noutput: specification.md\n---\nmine"
    own = make(tmp_path / "own", "documents: [mine.md.j2]", mine=text)
    with pytest.raises(TemplateFailed, match=r"mine\.md\.j2: specification\.md is what spec/"):
        open_library(own)
    own = make(tmp_path / "other", "instead: {spec/none.md.j2: mine.md.j2}", mine=text)
    with pytest.raises(TemplateFailed, match=r"'spec/none\.md\.j2' is none of our documents"):
        open_library(own)


BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("listed", "page", "said"),
    [
        ("", "", "documents is a list of files"),
        ("documents: kinds.md.j2", "", "documents is a list of files"),
        ("documents: [1]", "", "documents is a list of files"),
        ("instead: [a]", "", "instead is a mapping"),
        ("more: 1", "", "not known: more"),
        ("documents: [", "", r"documents\.yaml, line 1: it is not YAML"),
        ("documents: [none.md.j2]", "", "cannot read .*none"),
        ("documents: [../kinds.md.j2]", "", "lies outside"),
        ("documents: [/etc/hostname]", "", "lies outside"),
        ("documents: [link.md.j2]", "", "lies outside"),
        ("documents: [page.md.j2]", "no front", "no front matter"),
        ("documents: [page.md.j2]", "---\noutput: [a]\n---\n", "output is missing"),
        ("documents: [page.md.j2]", "---\noutput: a\nfor_each: [a]\n---\n", "for_each: no name"),
        (
            "documents: [page.md.j2]",
            f"---\n{BOMB}output: a.md\nqueries:\n  k: {{query: events, kind: *i}}\n---\n",
            "not known: a, b",
        ),
        (
            "documents: [page.md.j2]",
            "---\noutput: a\nqueries:\n  k: {query: events, kind: [a, b]}\n---\n",
            "parameters of k are texts",
        ),
        ("documents: [page.md.j2]", "---\nlike: ../x\n---\n", "lies outside"),
        ("documents: [page.md.j2]", "---\nlike: ledger/../x\n---\n", "lies outside|cannot read"),
        ("documents: [page.md.j2]", "---\nlike: page.md.j2\n---\n", "cannot be what it is like"),
        ("documents: [page.md.j2]", "---\nlike: [a]\n---\n", "like names a template"),
        ("documents: [page.md.j2]", "---\noutput: a\n---\n" + "x" * 2**20, "longer than"),
    ],
)
def test_wrong_folders(tmp_path, listed, page, said):
    """A list or front matter that is wrong, or leads outside, is one error of code 7."""
    (tmp_path / "secret.md.j2").write_text("---\noutput: a\n---\n")
    own = make(tmp_path / "own", listed, page=page or "---\noutput: a.md\n---\n")
    if "link" in listed:
        (own / "link.md.j2").symlink_to(tmp_path / "secret.md.j2")
    with pytest.raises(TemplateFailed, match=said) as caught:
        open_library(own)
    assert len(caught.value.message) < 2000
    assert caught.value.exit_code == 7


def test_names_of_ours_are_ours(tmp_path):
    """A folder called ledger/ cannot pretend to be ours."""
    own = make(tmp_path / "own", "documents: []")
    (own / "ledger" / "parts").mkdir(parents=True)
    (own / "ledger" / "parts" / "page.md.jinja").write_text("forged")
    with pytest.raises(TemplateFailed, match="names below ledger/ are ours"):
        open_library(own)


#: Body (after five lines of front matter over `kinds`), line, check, words.
WRONG = [
    ("{% if %}", 6, "syntax", "Expected an expression"),
    ("\n{% for k in kinds %}", 7, "syntax", "Unexpected end"),
    ("{{ 1 | nosuch }}", 6, "syntax", "No filter named 'nosuch'"),
    ("{{ nothing }}{{ kinds }}", 6, "name", "'nothing' is not defined"),
    ("\n{{ kinds }}\n{% if 0 %}{{ nothing.x }}{% endif %}", 8, "name", "'nothing' is not defined"),
    ("{% for k in kinds %}\n{{ k.none }}{% endfor %}", 7, "column", "kinds has no column 'none'"),
    ("{{ kinds[0].none }}", 6, "column", "no column 'none'"),
    ("{{ kinds[0]['none'] }}", 6, "column", "no column 'none'"),
    ("{{ (kinds | first).none }}", 6, "column", "no column 'none'"),
    ("{{ kinds | map(attribute='none') | list }}", 6, "column", "no column 'none'"),
    ("{{ kinds | selectattr('none') | list }}", 6, "column", "no column 'none'"),
    ("{{ kinds | sort(attribute='kind,none') }}", 6, "column", "no column 'none'"),
    ("{{ table(kinds, ['kind', 'none']) }}", 6, "column", "no column 'none'"),
    ("{{ csv(kinds | sort(attribute='kind'), ['none']) }}", 6, "column", "no column 'none'"),
    ("{% set k = kinds[0] %}{{ k.none }}", 6, "column", "no column 'none'"),
    ("nothing", 1, "query", "kinds is asked and not used"),
    ("{% include 'none' %}{{ kinds }}", 6, "template", "there is no 'none'"),
    ("{{ kinds }}{% assert %}", 6, "syntax", "unexpected 'end of statement"),
]


@pytest.mark.parametrize(("body", "line", "check_", "said"), WRONG)
def test_lint_of_bodies(tmp_path, body, line, check_, said):
    """Each mistake is found at its line without rendering, and nothing else is found."""
    own = make(tmp_path / "own", "documents: [kinds.md.j2]", kinds=KINDS + body + "{# #}")
    (own / "kinds.md.j2").write_text(KINDS + body + ("" if check_ == "syntax" else "{{ as_of }}"))
    (found,) = lint(own / "kinds.md.j2")
    assert (found.file, found.line, found.check) == ("kinds.md.j2", line, check_)
    assert said in found.text
    assert lint(own) == [found]


@pytest.mark.parametrize(
    "body",
    [
        "{% for k in kinds %}{{ k.kind }}{{ loop.index }}{% else %}{{ kinds }}{% endfor %}",
        "{% macro m(kinds) %}{{ kinds.none }}{% endmacro %}{{ m(kinds) }}",
        "{% for k in [{'a': 1}] %}{{ k.none }}{% endfor %}{{ kinds | length }}",
        "{% for a, b in kinds | groupby('kind') %}{{ b | length }}{% endfor %}",
        "{% set kinds = [] %}{{ kinds.none }}",
        "{% for k in kinds if k.kind %}{{ k.kind.none }}{% endfor %}",
        "{% set n = namespace(x=1) %}{{ n.x }}{{ kinds | map(attribute='kind') | join }}",
        '{% assert kinds, "kinds" %}',
    ],
)
def test_lint_is_silent(tmp_path, body):
    """What is right, or cannot be known, is no finding."""
    own = make(tmp_path / "own", "documents: [k.md.j2]", k=KINDS + "{{ as_of }}{{ kinds }}" + body)
    assert lint(own) == []


def test_lint_of_fronts(tmp_path):
    """Queries, parameters, columns in braces, outputs and lists: all at once, in order."""
    front = (
        '---\noutput: "runs/{none}.md"\nfor_each: runs\nqueries:\n  runs: {query: runs}\n'
        "  bord: {query: bord}\n  more: {query: curve}\n  wide: {query: board, modell: x}\n---\n"
        "{{ as_of }}{{ bord }}{{ more }}{{ wide }}{{ item.none }}"
    )
    texts = {"a": front, "b": "---\noutput: x.md\n---\n{{ as_of }}", "d": "none"}
    texts |= {"c": texts["b"], "e": "---\noutput: specification.md\n---\nno position"}
    listed = "documents: [a.md.j2, b.md.j2, c.md.j2, d.md.j2, e.md.j2, f.md.j2, b.md.j2]"
    found = lint(make(tmp_path / "own", listed, **texts))
    said = [(f.file[:1], f.line, f.check) for f in found]
    assert said == [
        ("a", 2, "column"),
        ("a", 6, "query"),
        ("a", 7, "query"),
        ("a", 8, "query"),
        ("a", 10, "column"),
        ("c", 1, "output"),
        ("d", 0, "front matter"),
        ("d", 0, "list"),
        ("e", 1, "output"),
        ("e", 4, "as of"),
        ("f", 0, "file"),
    ]
    assert "did you mean board" in found[1].text


def test_ours_are_sound():
    """No finding in our own templates."""
    assert lint(None) == []


def test_commands(tmp_path, capsys):
    """`template new` starts sound templates over any query; list and lint know them."""
    own = tmp_path / "own"
    for query in QUERIES:
        assert run(["template", "new", query, "--query", query, "--in", str(own)]) == 0
    words = ["template", "new", "each", "--query", "runs", "--each", "--in", str(own)]
    assert run(words) == 0
    assert run(words) == 4
    capsys.readouterr()
    assert run(["template", "lint", str(own)]) in (0, 1)
    wrong = [line for line in capsys.readouterr().out.splitlines() if "--" not in line]
    assert wrong == []  # but for queries that need a parameter
    assert run(["template", "list", "--templates", str(own), "--json"]) == 0
    names = [row["template"] for row in json.loads(capsys.readouterr().out)]
    assert names[0] == SPECIFICATION
    assert {"each.md.j2", "runs.md.j2"} <= set(names)
    (own / "each.md.j2").write_text("---\noutput: a.md\n---\n{{ nothing }}")
    assert run(["template", "lint", str(own / "each.md.j2"), "--json"]) == 1
    assert {"name", "as of"} == {row["check"] for row in json.loads(capsys.readouterr().out)}


def test_as_of_counts_cells_in_words(folder, tmp_path):
    """A page that cites a cell in words states a position that is not before that cell's."""
    with Ledger(folder, actor=HUMAN) as ledger:
        ledger.append([run_started("r-1"), measurement("r-1", 0.5)], actor=EXECUTOR)
    text = (
        "---\noutput: a.md\nqueries:\n  events: {query: events, kind: ledger.created}\n---\n"
        "{{ as_of }} {{ cell('position 2') }} {{ events | length }}\n"
    )
    own = open_library(make(tmp_path / "own", "documents: [a.md.j2]", a=text))
    write(folder, tmp_path / "out", None, own)
    assert (tmp_path / "out" / "a.md").read_text() == "2 0.5 nats[^1] 1\n"
    assert read_manifest(tmp_path / "out").files["a.md"]["as_of"] == 2
