"""The source of a section: front matter between `---` lines, then Markdown with Jinja.

    ---
    kind: investigation
    title: The GQA kernel
    queries:
      runs: {query: runs}
    ---
    ## What landed
    The loss is [[loss_final of train-0001 | nats]].

The source may be a stranger's: it is rendered in the sandbox of the templates, and sees the queries
that its front matter names and nothing else.
"""

from collections.abc import Iterator
from typing import Any, Final

import attrs
import yaml

from ledger.errors import TemplateFailed
from ledger.render.base import Template, key_problems, query_problems, read_front
from ledger.sections.short_form import expand

#: A longer text is no section.
MAX_BYTES: Final = 256 * 1024
_KEYS: Final = ("kind", "title", "queries")
_HINT: Final = "`ledger section new` writes front matter; spec/guides/sections.md explains it"


@attrs.frozen(slots=True, kw_only=True)
class Source:
    """The text of a section, read but not rendered."""

    name: str
    section_kind: str
    title: str
    queries: dict[str, dict[str, Any]]
    body: str
    body_line: int

    def retitled(self, title: str) -> str:
        """The text with another title."""
        return format_source(self.section_kind, title, self.queries, self.body)

    def template(self) -> Template:
        """The section as a template, its short forms written out."""
        return Template(
            name=self.name,
            output="",
            queries=self.queries,
            for_each=None,
            unless_empty=None,
            prose=None,
            body=expand(self.body),
            body_line=self.body_line,
        )


def parse_source(name: str, data: bytes | str) -> Source:
    """Read the source of a section. Raises `TemplateFailed` for what is wrong with its form."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise TemplateFailed(f"{name}: it is not UTF-8: {error}", hint=_HINT) from error
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise TemplateFailed(f"{name}: longer than {MAX_BYTES} bytes", hint="split it in two")
    front, body, body_line = read_front(name, text.replace("\r\n", "\n"), _HINT)
    wrong = list(_front_problems(front))
    if wrong:
        raise TemplateFailed(f"{name}: front matter: {'; '.join(wrong)}", hint=_HINT)
    return Source(
        name=name,
        section_kind=front["kind"],
        title=front["title"].strip(),
        queries=front.get("queries") or {},
        body=body,
        body_line=body_line,
    )


def _front_problems(front: object) -> Iterator[str]:
    yield from key_problems(front, _KEYS)
    if not isinstance(front, dict):
        return
    for key in ("kind", "title"):
        if not isinstance(front.get(key), str) or not front[key].strip():
            yield f"{key} is missing, or no text"
    yield from query_problems(front.get("queries"))


def format_source(section_kind: str, title: str, queries: dict[str, Any], body: str) -> str:
    """The text of a source with this front matter."""
    front: dict[str, Any] = {"kind": section_kind, "title": title}
    if queries:
        front["queries"] = queries
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{head}---\n{body}"
