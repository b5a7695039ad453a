"""Markdown of sections as HTML: no HTML of its own, no picture from elsewhere, links that lead on.

What a section says may be a stranger's. Of its links only those to the web and to other sections
stay; footnotes become links to the entries that they name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

_CITED: Final = re.compile(r"\[\^(\d{1,6})\]")
_NOTE: Final = re.compile(r"^\[\^(\d+)\]: position (\d+), `([^`]*)`(.*)$", re.MULTILINE)
_WEB: Final = re.compile(r"https?://", re.IGNORECASE)
#: The headings of a page begin below its title.
_HIGHEST: Final = 2
#: The renderer of Markdown has its own names for tokens.
_OPEN, _CLOSE = "link_open", "link_close"

#: From the name of a section's page, as Markdown names it, to its path; None where there is none.
FindPage = Callable[[str], str | None]


def read_notes(text: str) -> list[dict[str, Any]]:
    """Footnotes as `Footnotes.print` writes them: number, position, hash, and what marks them."""
    return [
        {"number": int(m[1]), "position": int(m[2]), "hash": m[3], "said": m[4].lstrip("; ")}
        for m in _NOTE.finditer(text)
    ]


def to_html(text: str, find_page: FindPage, notes: Sequence[Mapping[str, Any]] = ()) -> Markup:
    """Markdown as HTML. Every text of it is escaped by the library."""
    known = {int(note["number"]) for note in notes}
    markdown = MarkdownIt("commonmark", {"html": False, "typographer": False})
    markdown.enable(["table", "strikethrough"]).disable(["image"])
    markdown.inline.ruler.before("link", "cite", _cite)
    markdown.add_render_rule("cite", _print_cite)
    tokens = markdown.parse(text, {"known": known})
    _lower_headings(tokens)
    _box_tables(tokens)
    for token in tokens:
        _keep_links(token.children or [], find_page)
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704


def _cite(state: StateInline, silent: bool) -> bool:
    """`[^3]`, where there is such a footnote."""
    match = _CITED.match(state.src, state.pos)
    if match is None or int(match[1]) not in state.env["known"]:
        return False
    if not silent:
        state.push("cite", "", 0).content = match[1]
    state.pos = match.end()
    return True


def _print_cite(
    _self: RendererHTML, tokens: Sequence[Token], at: int, _options: object, _env: object
) -> str:
    """The mark, with a link to the footnote."""
    number = escape(tokens[at].content)
    return f'<sup class="cite"><a href="#note-{number}">{number}</a></sup>'


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Headings without gaps, the highest one below the title of the page."""
    stack: list[int] = []
    for at, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        level = int(token.tag[1])
        while stack and stack[-1] >= level:
            stack.pop()
        stack.append(level)
        tag = f"h{min(6, _HIGHEST + len(stack) - 1)}"
        tokens[at].tag = tokens[at + 2].tag = tag


def _box_tables(tokens: list[Token]) -> None:
    """Tables in a box of their own, which scrolls where they are wide."""
    for at in reversed(range(len(tokens))):
        if tokens[at].type == "table_open":
            box = Token("html_block", "", 0)
            box.content = '<div class="scroll" tabindex="0" role="region" aria-label="Table">\n'
            tokens.insert(at, box)
        elif tokens[at].type == "table_close":
            end = Token("html_block", "", 0)
            end.content = "</div>\n"
            tokens.insert(at + 1, end)


def _keep_links(tokens: Sequence[Token], find_page: FindPage) -> None:
    """Links to the web and to sections stay; others become their text."""
    open_links: list[bool] = []
    for token in tokens:
        if token.type == _OPEN:
            href = str(token.attrGet("href") or "")
            path = href if _WEB.match(href) else find_page(href)
            open_links.append(path is not None)
            if path is None:
                token.type, token.tag, token.attrs = "span_open", "span", {"class": "dead"}
            else:
                token.attrs = {"href": path, "rel": "noreferrer"}
        elif token.type == _CLOSE and not open_links.pop():
            token.type, token.tag = "span_close", "span"
