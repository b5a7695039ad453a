"""What stands in a template, without rendering it: names, columns, templates, tags.

The lines are those of the body. It runs where templates are rendered (`ledger.render.child`), as
reading a template is not harmless either.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes

#: Filters whose answer has the rows that it was given.
_SAME_ROWS: Final = ("list", "sort", "reverse", "selectattr", "rejectattr", "unique", "select")
_ONE_ROW: Final = ("first", "last", "min", "max")
_ATTRIBUTE: Final = ("selectattr", "rejectattr", "groupby")
_ATTRIBUTE_BY_NAME: Final = ("map", "sort", "unique", "min", "max", "sum")
#: Functions whose second argument is a list of columns of the first.
_COLUMNS: Final = ("table", "csv")
#: Tags that name another template.
_NAMING: Final = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
Fact = dict[str, Any]


def read_facts(environment: jinja2.Environment, body: str) -> dict[str, list[Fact]]:
    """Undeclared names, columns asked of them, and templates named, each with its line."""
    tree = environment.parse(body)
    environment.compile(body)  # names of filters and tests are looked up here
    columns = list(_columns(tree, {}))  # what follows folds constants of the tree
    free = meta.find_undeclared_variables(tree)
    return {
        "names": _names(tree, free),
        "columns": columns,
        "templates": [
            {"name": text, "line": node.lineno, "tag": type(node).__name__.lower()}
            for node in tree.find_all(_NAMING)
            if (text := _text(getattr(node, "template", None))) is not None
        ],
    }


def _names(tree: nodes.Template, free: set[str]) -> list[Fact]:
    """Names that the template does not make itself, where each is first used."""
    first: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.ctx == "load" and node.name in free:
            first.setdefault(node.name, node.lineno)
    return [{"name": name, "line": line} for name, line in sorted(first.items())]


Scope = dict[str, tuple[str, bool] | None]


def _columns(node: nodes.Node, scope: Scope) -> Iterator[Fact]:
    """Columns asked of names: (name, column, line), `one` for a row, else for a list of rows."""
    if isinstance(node, nodes.For):
        yield from _columns(node.iter, scope)
        inner = {**scope, **_bound(node.target, _row_of(_rows(node.iter, scope)))}
        for child in (*node.body, *([node.test] if node.test else [])):
            yield from _columns(child, inner)
        for child in node.else_:
            yield from _columns(child, scope)
        return
    if isinstance(node, (nodes.Macro, nodes.CallBlock)):
        inner = {**scope, **{argument.name: None for argument in node.args}}
        for child in node.iter_child_nodes():
            yield from _columns(child, inner)
        return
    if isinstance(node, nodes.Assign):
        yield from _columns(node.node, scope)
        scope.update(_bound(node.target, _rows(node.node, scope)))
        return
    yield from _asked(node, scope)
    for child in node.iter_child_nodes():
        yield from _columns(child, scope)


def _asked(node: nodes.Node, scope: Scope) -> Iterator[Fact]:
    """Columns that this node itself asks for."""
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        known = _rows(node.node, scope)
        column = node.attr if isinstance(node, nodes.Getattr) else _text(node.arg)
        if known is not None and known[1] and column is not None:
            yield _fact(known, column, node)
    elif isinstance(node, nodes.Filter) and node.node is not None:
        known = _rows(node.node, scope)
        attribute = next((k.value for k in node.kwargs if k.key == "attribute"), None)
        if node.name in _ATTRIBUTE and node.args:
            attribute = node.args[0]
        elif node.name not in _ATTRIBUTE_BY_NAME:
            attribute = None
        column = _text(attribute) if attribute is not None else None
        if known is not None and not known[1] and column is not None:
            for part in column.split(","):
                yield _fact(known, part.partition(".")[0], node)
    elif isinstance(node, nodes.Call):
        yield from _listed(node, scope)


def _listed(node: nodes.Call, scope: Scope) -> Iterator[Fact]:
    """Columns that `table` or `csv` is asked for."""
    name = node.node.name if isinstance(node.node, nodes.Name) else None
    if name not in _COLUMNS or len(node.args) < 2 or not isinstance(node.args[1], nodes.List):
        return
    known = _rows(node.args[0], scope)
    for item in node.args[1].items:
        column = _text(item)
        if known is not None and not known[1] and column is not None:
            yield _fact(known, column, node)


def _fact(known: tuple[str, bool], column: str, node: nodes.Node) -> Fact:
    return {"name": known[0], "column": column, "line": node.lineno}


def _text(node: nodes.Node | None) -> str | None:
    """A constant text; None for anything else."""
    with contextlib.suppress(AttributeError):
        value = node.value  # type: ignore[union-attr]
        return value if isinstance(value, str) else None
    return None


def _rows(node: nodes.Node | None, scope: Scope) -> tuple[str, bool] | None:
    """(name of the query, whether it is one row) of what an expression gives; None: not known."""
    if isinstance(node, nodes.Name):
        return scope.get(node.name, (node.name, node.name == "item"))
    if isinstance(node, nodes.Filter):
        known = _rows(node.node, scope)
        if known is None or known[1]:
            return None
        if node.name in _SAME_ROWS:
            return known
        return (known[0], True) if node.name in _ONE_ROW else None
    if isinstance(node, nodes.Getitem):
        known = _rows(node.node, scope)
        if known is None or known[1]:
            return None
        if isinstance(node.arg, nodes.Slice):
            return known
        is_number = isinstance(node.arg, (nodes.Const, nodes.Neg)) and _text(node.arg) is None
        return (known[0], True) if is_number else None
    return None


def _row_of(known: tuple[str, bool] | None) -> tuple[str, bool] | None:
    """One row of a list of rows; None of anything else."""
    return (known[0], True) if known is not None and not known[1] else None


def _bound(target: nodes.Node, known: tuple[str, bool] | None) -> Scope:
    """The names that a loop or an assignment makes."""
    if isinstance(target, nodes.Name):
        return {target.name: known}
    return {name.name: None for name in target.find_all(nodes.Name)}
