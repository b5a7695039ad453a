"""A zoo of hostile templates: each ends with one clear error, and nothing is written."""

import os
import re
import signal
import time

import pytest
from ledgers import new_ledger

from ledger.cli import run
from ledger.errors import TemplateFailed
from ledger.render.base import parse_template, split_front
from ledger.render.folder import write
from ledger.render.own import Library
from ledger.render.process import Limits, Renderer

HEAD = "---\noutput: page.md\nqueries:\n  kinds: {query: kinds}\n---\n"
#: What the templates below include; billion laughs, a circle, and a part whose mistake it is.
PARTS = {
    "laugh0.jinja": "ha" * 500,
    **{f"laugh{n}.jinja": f"{{% include 'laugh{n - 1}.jinja' %}}" * 10 for n in range(1, 10)},
    "circle-a.jinja": "{% include 'circle-b.jinja' %}",
    "circle-b.jinja": "\n{% include 'circle-a.jinja' %}",
    "parent.jinja": "{% extends 'parent.jinja' %}",
    "wrong.jinja": "---\na: 1\n---\none\n{{ nothing }}\n",
}
SECONDS = 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ledger with one entry."""
    with new_ledger(tmp_path_factory.mktemp("lab")) as ledger:
        return ledger.folder


@pytest.fixture(scope="module")
def renderer():
    """A renderer with little of everything."""
    renderer = make_renderer(SECONDS)
    yield renderer
    renderer.stop()


@pytest.fixture(scope="module")
def patient():
    """One with more time: filling the memory takes a slow machine longer than a second."""
    renderer = make_renderer(10 * SECONDS)
    yield renderer
    renderer.stop()


def make_renderer(seconds):
    """A renderer with so much time for a page."""
    limits = Limits(seconds=seconds, memory_bytes=400 << 20, characters=1_000_000, calls=2_000)
    return Renderer({name: split_front(text) for name, text in PARTS.items()}, limits)


ZOO = {
    # The classics: from a value to its class, to everything that was loaded.
    "mro": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "line 6: .*'__class__'.* is unsafe"),
    "subscript": ("{{ ''['__class__'] }}", "line 6: .*'__class__'.* is unsafe"),
    "attr": ("{{ ''|attr('__class__') }}", "line 6: No filter named 'attr'"),
    "map": ("{{ ['']|map(attribute='__class__')|list }}", "line 6: .*is unsafe"),
    "globals": ("{{ table.__globals__ }}", "line 6: .*'__globals__'"),
    "wrapped": ("{{ table._function }}", "line 6: .*'_function'"),
    "init": ("{{ cell.__init__.__globals__ }}", "line 6: .*'__init__'"),
    "self": ("{{ self._TemplateReference__context }}", "line 6: .*unsafe"),
    "loop": ("{% for x in [1] %}{{ loop.__class__ }}{% endfor %}", "line 6: .*'__class__'"),
    "macro": ("{% macro m() %}{% endmacro %}{{ m._func }}", "line 6: .*'_func'"),
    "namespace": ("{{ namespace.__init__ }}", "line 6: .*'__init__'"),
    "namespace-value": ("{{ namespace(x=1)._Namespace__attrs }}", "line 6: .*Namespace__attrs"),
    "import-os": ("{% import 'os' as os %}{{ os.environ }}", "line 6: there is no template 'os'"),
    "config": ("{{ config.items() }}", "line 6: 'config' is undefined"),
    "lipsum": ("{{ lipsum.__globals__['os'].environ }}", "line 6: 'lipsum' is undefined"),
    # Formats that walk.
    "format": ("{{ '{0.__class__}'.format(1) }}", "line 6: .*'__class__'"),
    "format-map": ("{{ '{x.__class__}'.format_map({'x': 1}) }}", "line 6: .*'__class__'"),
    "format-taken": ("{% set f = '{0.__class__}'.format %}{{ f(1) }}", "line 6: .*'__class__'"),
    # Texts that grow.
    "repeat": ("{{ 'x' * 10000000000 }}", r"line 6: \* is for numbers"),
    "list": ("{{ [0] * 10000000000 }}", r"line 6: \* is for numbers"),
    "power": ("{{ 9 ** 9 ** 9 ** 9 }}", r"line 6: \*\* is for numbers"),
    "center": ("{{ 'x' | center(10000000000) }}", "line 6: center goes to 1000"),
    "center-method": ("{{ 'x'.center(10000000000) }}", "line 6: .*'center'.* is unsafe"),
    "indent": ("{{ 'a\nb' | indent(width=10000000000) }}", "line 7: indent goes to 1000"),
    "batch": ("{{ [1] | batch(10000000000, 'x') }}", "line 6: batch goes to 1000"),
    "percent": ("{{ '%9999999999d' % 1 }}", "line 6: it needs more than 400 MiB"),
    "percent-filter": ("{{ '%9999999999d' | format(1) }}", "line 6: it needs more than 400 MiB"),
    "width": ("{{ '{:>9999999999}'.format(1) }}", "line 6: it needs more than 400 MiB"),
    "doubling": (
        "{% set n = namespace(x='x') %}\n{% for i in range(64) %}\n"
        "{% set n.x = n.x ~ n.x %}\n{% endfor %}",
        "line 8: it needs more than 400 MiB",
    ),
    "long-page": (
        "{% for i in range(10000) %}\n{% for j in range(10000) %}\nxxxxxxxxxxxxx\n"
        "{% endfor %}{% endfor %}",
        "a page has at most 1000000 characters",
    ),
    # What does not end.
    "range": ("{{ range(10**9) }}", r"line 6: \*\* is for numbers"),
    "range-long": (
        "\n{% for i in range(1000000000) %}{% endfor %}",
        "line 7: range is for at most",
    ),
    "loops": (
        "\n{% for i in range(10000) %}{% for j in range(10000) %}{% for k in range(10000) %}"
        "{% set x = i %}\n{% endfor %}{% endfor %}{% endfor %}",
        "line 7: it took more than 1 s",
    ),
    "recursion": ("{% macro m() %}\n{{ m() }}{% endmacro %}\n{{ m() }}", "line 7: .* too deep"),
    "recursive-loop": (
        "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        "line 6: .* too deep",
    ),
    "parentheses": ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "too deep"),
    "laughs": ("{% include 'laugh9.jinja' %}", "a page has at most 1000000 characters"),
    "circle": ("{% include 'circle-a.jinja' %}", "circle-.*, line .: .* too deep"),
    "parent": ("{% extends 'parent.jinja' %}", "parent.jinja, line 1: .* too deep"),
    "asking": (
        "{% for i in range(10000) %}\n{{ cite({'position': i, 'hash': 'x'}) }}\n{% endfor %}",
        "asks for more than 2000",
    ),
    # What is not the same twice.
    "random": ("{{ [1, 2, 3] | random }}", "line 6: No filter named 'random'"),
    "address": ("{{ cell }}", "line 6: <function cell> is a function: call it"),
    "clock": ("{{ now() }}", "line 6: 'now' is undefined"),
    # Files and what is no text.
    "include-file": ("{% include '/etc/hostname' %}", "there is no template '/etc/hostname'"),
    "include-above": ("{% include '../../etc/hostname' %}", "there is no template '../../etc/"),
    "surrogate": ("{{ '\\ud800' }}", "surrogate"),
    # Footnotes that name no entry.
    "forged": ("{{ cite({'position': 0, 'hash': 'sha256:ab'}) }}", "position 0 has the hash sha"),
    "future": ("{{ cite({'position': 99999999999, 'hash': 'x'}) }}", "position 99999999999 has"),
    "digits": ("{{ number(0.1, 1000000000) }}", "line 6: a number has 1 to 17 digits"),
    "digits-asked": (
        "{{ cell({'value': 0.1, 'position': 0, 'hash': 'x'}, 1000000000) }}",
        "line 6: a number has 1 to 17 digits",
    ),
    "deep": (
        "{% set n = namespace(x=[]) %}{% for i in range(5000) %}{% set n.x = [n.x] %}{% endfor %}\n"
        "{{ cell(n.x) }}",
        "line 7: .* too deep",
    ),
    "long-question": ("{{ cell(kinds | map('string') | join | string ~ 'x' | indent) }}", "no ref"),
    # What changes the record that others see.
    "append": ("{{ kinds.append(1) }}", "line 6: .*'append'.* is unsafe"),
    "update": ("{{ kinds[0].update(kind='x') }}", "line 6: .*'update'.* is unsafe"),
}


@pytest.mark.parametrize("name", ZOO)
def test_zoo(folder, renderer, patient, tmp_path, name):
    """A hostile template is one error with its file and line, in a short time; nothing is there."""
    body, said = ZOO[name]
    renderer = patient if "MiB" in said else renderer
    found = parse_template("hostile.md.j2", HEAD + body + "\n")
    began = time.monotonic()
    with pytest.raises(TemplateFailed, match=r"^(hostile\.md\.j2|.*\.jinja)(, |: ).*") as caught:
        write(folder, tmp_path / "out", None, Library(templates=(found,), renderer=renderer))
    assert time.monotonic() - began < (10 if renderer is patient else 1) * SECONDS + 30
    assert caught.value.exit_code == 7
    assert re.search(said, caught.value.message), caught.value.message
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_after_a_hostile_one(folder, renderer, tmp_path):
    """A sound template is rendered after one that was stopped."""
    sound = parse_template("sound.md.j2", HEAD + "{{ kinds | length }}\n")
    hostile = parse_template("hostile.md.j2", HEAD + ZOO["loops"][0])
    for _ in range(2):
        with pytest.raises(TemplateFailed):
            write(folder, tmp_path, None, Library(templates=(hostile,), renderer=renderer))
        write(folder, tmp_path, None, Library(templates=(sound,), renderer=renderer))
    assert (tmp_path / "page.md").read_text() == "1\n"


def test_mistake_of_a_part(folder, renderer, tmp_path):
    """Where the mistake stands in what is included, that file and its line are named."""
    found = parse_template("page.md.j2", HEAD + "\n\n{% include 'wrong.jinja' %}\n")
    with pytest.raises(TemplateFailed, match=r"^wrong\.jinja, line 5: 'nothing' is undefined"):
        write(folder, tmp_path, None, Library(templates=(found,), renderer=renderer))


def test_functions_print_the_same_everywhere(folder, renderer, tmp_path):
    """No text holds a place in memory, however a function, method or generator is made a text."""
    body = "{{ cell ~ 'a'.lower ~ table ~ kinds[0].items ~ ([1] | map('string')) ~ range(2) }}"
    found = parse_template("page.md.j2", HEAD + body)
    write(folder, tmp_path, None, Library(templates=(found,), renderer=renderer))
    assert "0x" not in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{% assert kinds, "there must be kinds" %}fine', None),
        ("{% assert kinds | length == 1 %}fine", None),
        (
            '\n{% assert not kinds, "no kinds, but " ~ kinds | length %}',
            "line 7: assert: no kinds, but 1",
        ),
        ("{% assert 1 > 2 %}", "line 6: assert: this does not hold"),
        ('{% assert nothing, "x" %}', "line 6: 'nothing' is undefined"),
        ("{% assert %}", "line 6: "),
    ],
)
def test_assert(folder, renderer, tmp_path, body, said):
    """`assert` ends the rendering with its message, file and line, and prints nothing else."""
    found = parse_template("page.md.j2", HEAD + body)
    library = Library(templates=(found,), renderer=renderer)
    if said is None:
        write(folder, tmp_path, None, library)
        assert (tmp_path / "page.md").read_text() == "fine"
    else:
        with pytest.raises(TemplateFailed, match=rf"^page\.md\.j2, {said}"):
            write(folder, tmp_path, None, library)
        assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_the_process_is_killed(folder, tmp_path):
    """A process that cannot stop itself is killed once its time and some grace are over."""
    renderer = Renderer({}, Limits(seconds=0.2))
    renderer.start()
    child = renderer._child
    child.send_signal(signal.SIGSTOP)
    found = parse_template("page.md.j2", HEAD + "x")
    with pytest.raises(TemplateFailed, match=r"^page\.md\.j2: it took more than 0\.2 s"):
        write(folder, tmp_path, None, Library(templates=(found,), renderer=renderer))
    assert child.poll() is not None
    renderer.stop()


def test_command(folder, tmp_path, capsys, monkeypatch):
    """`ledger render` says it in two lines, ends with 7, and writes nothing."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "documents.yaml").write_text("documents: [page.md.j2]\n")
    (own / "page.md.j2").write_text(HEAD + "\n{{ ''.__class__ }}")
    monkeypatch.setattr("ledger.render.own.read_templates", list)
    words = ["render", "--ledger", str(folder.path), "--templates", str(own)]
    assert run([*words, "--out", str(tmp_path / "out")]) == 7
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("template failed: page.md.j2, line 7: access to attribute")
    assert len(said.err.splitlines()) == 2
    assert not (tmp_path / "out").exists()
