"""Templates that are wrong say where; templates that are hostile get nowhere."""

import time

import pytest
from labs import ask
from ledgers import new_ledger

from ledger.errors import TemplateFailed
from ledger.render import folder as rendering
from ledger.render.base import parse_template, read_templates
from ledger.render.pages import render_pages
from ledger.store.reader import open_reader

HEAD = "---\noutput: page.md\nqueries:\n  kinds: {query: kinds}\n---\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ledger with one entry."""
    with new_ledger(tmp_path_factory.mktemp("lab")) as ledger:
        ask(ledger.folder, "select 1")
        return ledger.folder


def rendered(folder, text):
    """The pages of a template, as (path, text)."""
    with open_reader(folder) as db:
        pages = render_pages(parse_template("page.md.j2", text), db)
        return [(page.path, page.text) for page in pages]


def test_a_sound_one(folder):
    """Queries are seen by their names, and a page knows the position that it rests on."""
    text = HEAD + "{% for k in kinds %}\n{{ k.kind }} {{ as_of }}\n{% endfor %}\n"
    assert rendered(folder, text) == [("page.md", "ledger.created 0\n")]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("one\n{{ nothing }}\n", 7),
        ("{{ kinds[0].nothing }}", 6),
        ("{{ kinds[7] }}", 6),
        ("\n\n{% for x in kinds %}\n{{ x.nothing.more }}\n{% endfor %}", 9),
        ("{% if %}", 6),
        ("\n{% for x in kinds %}", 7),
        ("\n\n{{ 1 / 0 }}", 8),
        ("{{ table(kinds, ['nothing']) }}", 6),
        ("{{ csv(kinds, ['nothing']) }}", 6),
        ("{{ to_json(nothing) }}", 6),
        ("{{ to_json([kinds[0].nothing]) }}", 6),
        ("{{ cite({}) }}", 6),
        ("\n{{ 'a' + 1 }}", 7),
        ("{{ number() }}", 6),
        ("{{ {}['x'] }}", 6),
        ("{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}", 6),
        ("{% include 'other' %}", 6),
        ("{% extends 'other' %}", 6),
    ],
)
def test_errors_name_file_and_line(folder, body, line):
    """What goes wrong in a template is told with the file and the line in it."""
    with pytest.raises(TemplateFailed, match=rf"^page\.md\.j2, line {line}: ") as caught:
        rendered(folder, HEAD + body)
    assert caught.value.exit_code == 7


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__",
        "''['__class__']",
        "''|attr('__class__')",
        "kinds.__class__",
        "table.__globals__",
        "cite.__self__",
        "cite.__func__.__globals__",
        "to_json.__code__",
        "number.__module__",
        "range(10)",
        "range(1000000000)",
        "lipsum()",
        "cycler()",
        "dict()",
        "namespace()",
        "self.__init__",
        "kinds.append(1)",
        "kinds.clear()",
        "kinds[0].update(kind='x')",
        "'%s' * 1000000000",
        "[1] * 1000000000",
        "9 ** 9 ** 9",
        "'{0.__class__}'.format(1)",
        "'{x.__class__}'.format_map({'x': 1})",
        "open('/etc/passwd')",
        "os.environ",
        "now()",
        "kinds[0].__init__",
        "(cell|string).__class__",
    ],
)
def test_sandbox(folder, expression):
    """A template reaches no class, no module, no file, changes no value and takes no memory."""
    began = time.monotonic()
    with pytest.raises(TemplateFailed, match=r"line 6: "):
        rendered(folder, HEAD + "{{ " + expression + " }}{{ [].missing }}")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("front", "says"),
    [
        ("no front matter", "no front matter"),
        ("---\n{: bad\n---\n", "line 2: front matter is not YAML"),
        ("---\noutput: x\na: [1\nb: 2\n---\n", "line 4: front matter is not YAML"),
        ("---\nqueries: {}\n---\n", "output is missing"),
        ("---\noutput: 7\n---\n", "output is missing, or no text"),
        ("---\noutput: x\nmore: y\n---\n", "not known: more"),
        ("---\n- output\n---\n", "no mapping"),
        ("---\noutput: x\nqueries: [a]\n---\n", "each of queries"),
        ("---\noutput: x\nqueries: {a: board}\n---\n", "each of queries"),
        ("---\noutput: x\nfor_each: a\n---\n", "for_each names 'a'"),
        ("---\noutput: x\nunless_empty: a\n---\n", "unless_empty names 'a'"),
        (
            "---\noutput: x\nqueries: {a: {query: runs}}\nfor_each: a\nunless_empty: a\n---\n",
            "name one query",
        ),
        ("---\noutput: x\nqueries: {a: {query: bord}}\n---\n", "no query 'bord'"),
        ("---\noutput: x\nqueries: {a: {query: board, modell: x}}\n---\n", "no parameter --modell"),
        ("---\noutput: x\nqueries: {a: {query: events, last: x}}\n---\n", "is not integer"),
        ("---\noutput: x\nqueries: {a: {query: curve}}\n---\n", "--run is missing"),
    ],
)
def test_front_matter(folder, front, says):
    """Front matter that is wrong says what is, and in which file."""
    with pytest.raises(TemplateFailed, match=r"^page\.md\.j2") as caught:
        rendered(folder, front)
    assert says in caught.value.message


@pytest.mark.parametrize(
    "content",
    ["", "documents", "documents: x", "documents: [1]", "documents: [no.j2]", "{", "- a"],
)
def test_list_of_documents(tmp_path, content):
    """A list that is wrong, or names what is not there, is a template error."""
    (tmp_path / "documents.yaml").write_text(content)
    with pytest.raises(TemplateFailed):
        read_templates(tmp_path)


@pytest.mark.parametrize(
    "outputs",
    [["a.md", "a.md"], ["../a.md"], ["/etc/a.md"], ["a/../../b.md"], ["manifest.json"], [""]],
)
def test_paths(folder, tmp_path, monkeypatch, outputs):
    """Two templates for one path, or a path outside the folder, are refused; nothing is written."""
    found = [parse_template("t.j2", f"---\noutput: {path!r}\n---\nx") for path in outputs]
    monkeypatch.setattr(rendering, "read_templates", lambda: found)
    with pytest.raises(TemplateFailed, match="written twice, or outside"):
        rendering.write(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
