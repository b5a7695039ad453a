"""What a document template is: YAML front matter between `---` lines, then Jinja.

    ---
    output: board.md
    queries:
      board: {query: board, reported: "no"}
    ---
    # The board
    {{ table(board, ["row", "status"]) }}

A template sees only the queries its front matter names. With `for_each: NAME` it makes one page
for each row of that query, called `item`; names in braces are filled from it. With
`unless_empty: NAME` a page whose query has no rows is left out. With `prose: COLUMN` the item names
the source of a section there (`ledger.sections.source`), and what it says is `prose`.
"""

import datetime
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from ledger.errors import TemplateFailed

#: The templates lie beside the packages in a clone and inside `ledger` through a symlink, so that
#: an editable install, a wheel and a source archive all find them.
TEMPLATES: Final = Path(__file__).resolve().parents[1] / "_templates"
#: The safe loader; written in C where PyYAML has it so, which is ten times as fast.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FRONT: Final = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
#: What a parameter of a query can be; nothing that is deep.
_PLAIN: Final = (str, int, float, bool, datetime.date, type(None))
_KEYS: Final = {"output", "queries", "for_each", "unless_empty", "prose"}


@attrs.frozen(slots=True, kw_only=True)
class Template:
    """One template file, read but not rendered."""

    name: str
    output: str
    queries: dict[str, dict[str, Any]]
    for_each: str | None
    unless_empty: str | None
    prose: str | None = None
    body: str
    body_line: int


def read_yaml(text: str) -> Any:  # noqa: ANN401 - whatever stands there
    """A YAML text as plain values. Raises `yaml.YAMLError`, `ValueError`, `RecursionError`."""
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - the safe one
    except yaml.YAMLError:
        return yaml.safe_load(text)  # says the same everywhere


def split_front(text: str) -> tuple[str, int]:
    """A text without its front matter, if it has one, and the lines before the rest."""
    match = _FRONT.match(text)
    return (text[match.end() :], match[0].count("\n")) if match else (text, 0)


def read_front(name: str, text: str, hint: str) -> tuple[Any, str, int]:
    """Front matter, body, and the lines before the body. Raises `TemplateFailed`."""
    match = _FRONT.match(text)
    if match is None:
        raise TemplateFailed(f"{name}: no front matter between --- lines", hint=hint)
    try:
        front = read_yaml(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}, line {mark.line + 2}" if mark is not None else name
        what = getattr(error, "problem", None) or "cannot be read"
        raise TemplateFailed(f"{where}: front matter is not YAML: {what}", hint=hint) from error
    return front, text[match.end() :], text[: match.end()].count("\n")


def parse_template(name: str, text: str) -> Template:
    """Read a template. Raises `TemplateFailed` for front matter that is missing or wrong."""
    hint = "see CONTRIBUTING.md, 'A new document'"
    front, body, body_line = read_front(name, text, hint)
    wrong = list(_front_problems(front))
    if wrong:
        raise TemplateFailed(f"{name}: front matter: {'; '.join(wrong)}", hint=hint)
    return Template(
        name=name,
        output=front["output"],
        queries=front.get("queries") or {},
        for_each=front.get("for_each"),
        unless_empty=front.get("unless_empty"),
        prose=front.get("prose"),
        body=body,
        body_line=body_line,
    )


def key_problems(front: object, keys: Collection[str]) -> Iterator[str]:
    """What is wrong with front matter that has only these keys."""
    if not isinstance(front, dict):
        yield "it is no mapping"
    elif unknown := sorted(str(key) for key in front if key not in keys):
        yield f"not known: {', '.join(unknown)}"


def query_problems(queries: object) -> Iterator[str]:
    """What is wrong with the queries that front matter names."""
    if queries is None:
        return
    if not isinstance(queries, dict) or not all(
        isinstance(name, str) and isinstance(query, dict) and isinstance(query.get("query"), str)
        for name, query in queries.items()
    ):
        yield "each of queries is {query: NAME, …}"
        return
    for name, query in queries.items():
        if not all(isinstance(value, _PLAIN) for value in query.values()):
            yield f"parameters of {name} are texts, numbers, yes or no"


def _front_problems(front: object) -> Iterator[str]:
    """What is wrong with front matter as read."""
    yield from key_problems(front, _KEYS)
    if not isinstance(front, dict):
        return
    if not isinstance(front.get("output"), str):
        yield "output is missing, or no text"
    queries = front.get("queries") or {}
    wrong = list(query_problems(queries))
    if wrong:
        yield from wrong
        return
    names = ("for_each", "unless_empty", "prose")
    odd = [key for key in names if not isinstance(front.get(key), (str, type(None)))]
    if odd:
        yield f"{', '.join(odd)}: no name"
        return
    for key in ("for_each", "unless_empty"):
        if front.get(key) is not None and front[key] not in queries:
            yield f"{key} names {front[key]!r}, which is none of queries"
    if front.get("unless_empty") is not None and front["unless_empty"] == front.get("for_each"):
        yield "unless_empty and for_each name one query"
    if front.get("prose") is not None and front.get("for_each") is None:
        yield "prose is a column of for_each"


def read_templates(root: Path = TEMPLATES) -> list[Template]:
    """All templates in the order of `documents.yaml`. Raises `TemplateFailed`."""
    hint = "documents.yaml lists the templates"
    try:
        listed = read_yaml((root / "documents.yaml").read_text(encoding="utf-8"))
        names = listed.get("documents") if isinstance(listed, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TemplateFailed("documents.yaml: documents is a list of files", hint=hint)
        return [parse_template(name, (root / name).read_text(encoding="utf-8")) for name in names]
    except OSError as error:
        raise TemplateFailed(
            f"cannot read {error.filename}: {error.strerror}", hint=hint
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateFailed(f"cannot read a template: {error}", hint=hint) from error
