"""Whatever a template says, it is rendered the same twice, or it is one error of its own."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import new_ledger

from ledger.errors import TemplateFailed
from ledger.render.base import parse_template
from ledger.render.folder import render_all
from ledger.render.own import Library
from ledger.render.process import Limits, Renderer

HEAD = "---\noutput: page.md\nqueries:\n  kinds: {query: kinds}\n---\n"
ATOMS = ("kinds", "kinds[0]", "item", "as_of", "cell", "cite", "table", "range", "self", "loop")
ATOMS += ("''", "'{0.x}'", "1", "-7", "10**9", "[]", "{}", "none", "x", "namespace(a=1)", "True")
NAMES = ("x", "kind", "__class__", "format", "items", "_function", "join", "upper", "append")
FILTERS = ("list", "first", "join", "string", "length", "sort", "center(9999)", "map('upper')")
FILTERS += ("tojson", "batch(3)", "format(1)", "random", "attr('x')", "int", "groupby('kind')")


def expressions():
    """Expressions of some depth: attributes, calls, filters, operators."""
    return st.recursive(
        st.sampled_from(ATOMS),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(NAMES)).map(lambda p: f"({p[0]}).{p[1]}"),
            st.tuples(inner, st.sampled_from(FILTERS)).map(lambda p: f"({p[0]} | {p[1]})"),
            st.tuples(inner, inner).map(lambda p: f"{p[0]}({p[1]})"),
            st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
            st.tuples(inner, st.sampled_from("+-*/~%"), inner).map(" ".join),
        ),
        max_leaves=5,
    )


def bodies():
    """Bodies of templates, whole and broken ones."""
    say = expressions().map(lambda e: f"{{{{ {e} }}}}")
    loop = st.tuples(expressions(), say).map(
        lambda p: f"{{% for loop_x in {p[0]} %}}{p[1]}{{% endfor %}}"
    )
    test = st.tuples(expressions(), say).map(lambda p: f"{{% if {p[0]} %}}{p[1]}{{% endif %}}")
    held = expressions().map(lambda e: f'{{% assert {e}, "no" %}}')
    return st.lists(say | loop | test | held | st.text(max_size=8), max_size=3).map("".join)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A ledger with one entry, and a renderer with little time."""
    renderer = Renderer({}, Limits(seconds=2, memory_bytes=400 << 20, characters=10_000))
    with new_ledger(tmp_path_factory.mktemp("lab")) as ledger:
        yield ledger.folder, renderer
    renderer.stop()


def outcome(known, body):
    """The pages of a template, or what it failed with."""
    folder, renderer = known
    library = Library(templates=(parse_template("t.md.j2", HEAD + body),), renderer=renderer)
    try:
        return [
            (page.path, page.text, page.as_of)
            for page in render_all(folder, None, None, library)[0]
        ]
    except TemplateFailed as error:
        return error.message


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bodies())
def test_a_text_or_one_error(known, body):
    """Two renderings agree, no place in memory is printed, and nothing else is raised."""
    first = outcome(known, body)
    assert outcome(known, body) == first
    assert " at 0x" not in str(first)
    if isinstance(first, str):
        assert first.startswith("t.md.j2")
