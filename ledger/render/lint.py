"""What is wrong with templates, all at once, with file and line; nothing is rendered.

Checked: front matter, syntax, names that are not there, queries and their parameters, columns that
a query does not have, templates that are extended or included, and two documents with one output.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from ledger.errors import LedgerError, TemplateFailed
from ledger.queries import find_query
from ledger.queries.base import Query
from ledger.render.base import TEMPLATES, Template, read_templates
from ledger.render.formats import FUNCTIONS
from ledger.render.own import LIST, parse_own, read_list
from ledger.render.process import OURS, Limits, Renderer, read_parts
from ledger.render.sandbox import MORE_FUNCTIONS

#: What every document sees besides its queries and the functions.
PAGE_NAMES: Final = ("as_of", "item", "cite", "cell", "footnotes", "picture", "prose")
_WHERE: Final = re.compile(r", line (\d+): ")
_FIELD: Final = re.compile(r"\{(\w+)\}")


@attrs.frozen(slots=True, order=True)
class Finding:
    """One thing that is wrong, by file and line (0 where it has none)."""

    file: str
    line: int
    check: str
    text: str


def lint_file(path: Path) -> list[Finding]:
    """Everything wrong with one document, whatever folder it is of."""
    root = _root_of(path)
    name = path.resolve().relative_to(root.resolve()).as_posix()
    renderer = Renderer({**read_parts(), **_parts(root)}, Limits())
    try:
        return sorted(set(_document(root, name, renderer, {})))
    finally:
        renderer.stop()


def lint_folder(root: Path) -> list[Finding]:
    """Everything wrong with the documents that a folder lists, and with its list."""
    try:
        names, instead, ours = _listed(root)
        sources = {**read_parts(), **_parts(root)}
    except TemplateFailed as error:
        return [Finding(LIST, 0, "list", f"{error.message}")]
    outputs = {t.output: OURS + t.name for t in ours if t.name not in instead}
    found = [
        Finding(LIST, 0, "list", f"instead: {name!r} is none of our documents")
        for name in sorted(set(instead) - {template.name for template in ours})
    ]
    renderer = Renderer(sources, Limits())
    try:
        for name in dict.fromkeys(names):
            found += _document(root, name, renderer, outputs)
    finally:
        renderer.stop()
    found += [
        Finding(LIST, 0, "list", f"{name} is listed twice")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    return sorted(set(found))


def _root_of(path: Path) -> Path:
    """The folder of templates that a file is of: the nearest above it with a list, else its own."""
    for parent in path.resolve().parents:
        if (parent / LIST).is_file():
            return parent
    return path.resolve().parent


def _parts(root: Path) -> dict[str, tuple[str, int]]:
    is_ours = root.resolve() == TEMPLATES.resolve()
    return {} if is_ours else read_parts(root, "")


def _listed(root: Path) -> tuple[list[str], Mapping[str, str], list[Template]]:
    """Names of the documents, what they stand for, and ours beside them."""
    documents, instead = read_list(root)
    if root.resolve() == TEMPLATES.resolve():
        return documents, {}, []
    return [*documents, *instead.values()], instead, read_templates()


def _document(
    root: Path, name: str, renderer: Renderer, outputs: dict[str, str]
) -> Iterator[Finding]:
    """What is wrong with one document; `outputs` says who writes what, and is added to."""
    try:
        text = (root / name).read_text(encoding="utf-8")
        template = parse_own(root, name, text)
    except (OSError, UnicodeDecodeError) as error:
        yield Finding(name, 0, "file", f"cannot be read: {getattr(error, 'strerror', error)}")
        return
    except TemplateFailed as error:
        yield _failure(name, "front matter", error)
        return
    other = outputs.setdefault(template.output, name)
    if other != name:
        yield Finding(name, 1, "output", f"{template.output} is what {other} makes, too")
    queries: dict[str, Query] = {}
    for asked_as, asked in template.queries.items():
        yield from _query(template, text, asked_as, asked, queries)
    yield from _fields(template, text, queries)
    try:
        facts = renderer.facts(template)
    except TemplateFailed as error:
        yield _failure(name, "syntax", error)
        return
    yield from _names(template, facts["names"], facts["templates"])
    yield from _as_of(template, facts)
    yield from _columns(template, facts["columns"], queries)
    yield from _templates(template, facts["templates"], renderer)


def _failure(name: str, check: str, error: TemplateFailed) -> Finding:
    match = _WHERE.search(error.message)
    if match is None:
        return Finding(name, 0, check, error.message.removeprefix(f"{name}: "))
    return Finding(name, int(match[1]), check, error.message[match.end() :])


def _line_of(text: str, word: str) -> int:
    """The line of front matter where a name is first told; 1 where it stands elsewhere."""
    match = re.search(rf"^[ \t]*[\"']?{re.escape(word)}[\"']?[ \t]*:", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _query(
    template: Template, text: str, name: str, asked: Mapping[str, Any], queries: dict[str, Query]
) -> Iterator[Finding]:
    """Whether a query is there and takes what it is given; adds it to `queries`."""
    line = _line_of(text, name)
    try:
        query = queries[name] = find_query(str(asked["query"]))
    except LedgerError as error:
        yield Finding(template.name, line, "query", f"{error.message}; {error.hint}")
        return
    given = {key: value for key, value in asked.items() if key != "query"}
    filled = {k: v for k, v in given.items() if isinstance(v, str) and _FIELD.search(v)}
    stand_in = {p.name: "1" for p in query.parameters if p.name in filled and p.type != "yesno"}
    stand_in |= {p.name: "yes" for p in query.parameters if p.name in filled and p.type == "yesno"}
    try:
        query.bind({**given, **stand_in})
    except LedgerError as error:
        yield Finding(template.name, line, "query", error.message)


def _fields(template: Template, text: str, queries: Mapping[str, Query]) -> Iterator[Finding]:
    """Whether what stands in braces is a column of `for_each`."""
    if template.for_each is None or template.for_each not in queries:
        return
    known = [column for column, _ in queries[template.for_each].columns]
    places = [("output", template.output)]
    places += [
        (name, value)
        for name, asked in template.queries.items()
        for key, value in asked.items()
        if key != "query" and isinstance(value, str)
    ]
    places += [("prose", f"{{{template.prose}}}")] if template.prose is not None else []
    for name, value in places:
        for field in _FIELD.findall(value):
            if field not in known:
                said = f"{{{field}}} is no column of {template.for_each}"
                yield Finding(template.name, _line_of(text, name), "column", said)


def _names(
    template: Template, names: Iterable[Mapping[str, Any]], others: Iterable[object]
) -> Iterator[Finding]:
    """Names that nothing defines; queries that nothing uses, where no other template is named."""
    known = {*template.queries, *FUNCTIONS, *MORE_FUNCTIONS, *PAGE_NAMES}
    used = {str(fact["name"]) for fact in names}
    for fact in names:
        if fact["name"] not in known:
            line = int(fact["line"]) + template.body_line
            yield Finding(template.name, line, "name", f"{fact['name']!r} is not defined")
    if not list(others) and "picture" not in used:  # a picture is drawn from all of them
        for name in template.queries:
            if name not in used and name not in (template.for_each, template.unless_empty):
                yield Finding(template.name, 1, "query", f"{name} is asked and not used")


def _as_of(template: Template, facts: Mapping[str, Any]) -> Iterator[Finding]:
    """A document for people says the position that it rests on."""
    is_page = template.output.endswith((".md", ".html"))
    extends = any(fact["tag"] == "extends" for fact in facts["templates"])
    if is_page and not extends and "as_of" not in {fact["name"] for fact in facts["names"]}:
        yield Finding(template.name, template.body_line + 1, "as of", "it does not say {{ as_of }}")


def _columns(
    template: Template, facts: Iterable[Mapping[str, Any]], queries: Mapping[str, Query]
) -> Iterator[Finding]:
    """Columns that a query does not have."""
    for fact in facts:
        name = template.for_each if fact["name"] == "item" else fact["name"]
        query = queries.get(str(name))
        if query is None:
            continue
        known = [column for column, _ in query.columns]
        if fact["column"] not in known and fact["column"] not in ("get", "items", "keys", "values"):
            line = int(fact["line"]) + template.body_line
            said = f"{name} has no column {fact['column']!r}; there are {', '.join(known)}"
            yield Finding(template.name, line, "column", said)


def _templates(
    template: Template, facts: Iterable[Mapping[str, Any]], renderer: Renderer
) -> Iterator[Finding]:
    """Templates that are named and not there."""
    for fact in facts:
        if fact["name"] not in renderer.sources:
            line = int(fact["line"]) + template.body_line
            yield Finding(template.name, line, "template", f"there is no {fact['name']!r}")


def lint(path: Path | None) -> list[Finding]:
    """What is wrong with a folder, a file, or (null) our own templates. Raises `TemplateFailed`."""
    place = TEMPLATES if path is None else path
    if place.is_dir():
        return lint_folder(place)
    return lint_file(place)
