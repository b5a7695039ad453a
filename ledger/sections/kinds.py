"""The kinds of section and their forms: `templates/sections/<kind>.md.j2`.

A form begins with front matter::

    ---
    summary: What the section is for, in one line.
    queries: {runs: {query: runs}}
    headings: [What landed, What this section is NOT]
    answers: [Host, Command]
    ---

`queries` are what a new section of this kind may see, until its writer names others. `headings`
must be there and have text below them, `answers` are lines `**Host:** …`. What is to be answered
is marked by two question marks, and a section in which any are left is not done.
"""

import difflib
import functools
from collections.abc import Iterator
from typing import Any, Final

import attrs

from ledger.errors import BadArguments, TemplateFailed
from ledger.events.section import SECTION_KINDS
from ledger.render.base import TEMPLATES, key_problems, query_problems, read_front
from ledger.sections.source import format_source

_KEYS: Final = ("summary", "queries", "headings", "answers")
_HINT: Final = "ledger/sections/kinds.py says what the front matter of a form has"


@attrs.frozen(slots=True, kw_only=True)
class Form:
    """The form of one kind of section."""

    section_kind: str
    summary: str
    queries: dict[str, dict[str, Any]]
    headings: tuple[str, ...]
    answers: tuple[str, ...]
    body: str

    def source(self, title: str) -> str:
        """The text that a new section of this kind starts from."""
        return format_source(self.section_kind, title, self.queries, self.body)


@functools.cache
def read_form(section_kind: str) -> Form:
    """The form of a kind. Raises `BadArguments` with all kinds, `TemplateFailed`."""
    if section_kind not in SECTION_KINDS:
        near = difflib.get_close_matches(section_kind, SECTION_KINDS, n=2, cutoff=0.5)
        raise BadArguments(
            f"there is no kind of section {section_kind!r}",
            hint=f"did you mean {' or '.join(near)}?"
            if near
            else f"kinds are {', '.join(SECTION_KINDS)}",
        )
    path = TEMPLATES / "sections" / f"{section_kind}.md.j2"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateFailed(f"cannot read {path}: {error.strerror}", hint=_HINT) from error
    front, body, _ = read_front(path.name, text, _HINT)
    wrong = list(_problems(front))
    if wrong:
        raise TemplateFailed(f"{path.name}: front matter: {'; '.join(wrong)}", hint=_HINT)
    return Form(
        section_kind=section_kind,
        summary=front["summary"],
        queries=front.get("queries") or {},
        headings=tuple(front.get("headings") or ()),
        answers=tuple(front.get("answers") or ()),
        body=body,
    )


def _problems(front: object) -> Iterator[str]:
    yield from key_problems(front, _KEYS)
    if not isinstance(front, dict):
        return
    if not isinstance(front.get("summary"), str):
        yield "summary is missing, or no text"
    for key in ("headings", "answers"):
        value = front.get(key) or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            yield f"{key} is a list of texts"
    yield from query_problems(front.get("queries"))


def all_forms() -> list[Form]:
    """The forms of all kinds, in their order. Raises `TemplateFailed`."""
    return [read_form(section_kind) for section_kind in SECTION_KINDS]
