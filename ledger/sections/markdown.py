"""Spans of a Markdown text: which are code, Jinja, links or comments, and so are not prose."""

import re
from typing import Final

#: What is taken out first: nothing inside of it is Markdown. The order matters. Lengths are bound,
#: so that a text of opening braces cannot keep a reader busy.
_SPANS: Final = (
    (
        "fence",
        r"^(?P<fence> {0,3}(?:`{3,}|~{3,}))[^\n]*\n.*?(?:^(?P=fence)[`~]*[ \t]*$|\Z)",
    ),
    ("jinja", r"\{%.{0,2000}?%\}|\{\{.{0,2000}?\}\}|\{#.{0,8000}?#\}"),
    ("code", r"(?<!`)(?P<ticks>`+)(?!`).{1,2000}?(?<!`)(?P=ticks)(?!`)"),
    ("comment", r"<!--.{0,8000}?-->"),
    ("link", r"\]\([^)\n]{0,2000}\)|<https?://[^>\s]*>|https?://\S+"),
)
_ANY: Final = re.compile(
    "|".join(f"(?P<{name}_>{pattern})" for name, pattern in _SPANS), re.DOTALL | re.MULTILINE
)
_NOT_NEWLINE: Final = re.compile(r"[^\n]")


def opaque_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of each span that is not prose, in order; they do not overlap."""
    return [match.span() for match in _ANY.finditer(text)]


def blank(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with these spans replaced by spaces, so that places and lines stay the same."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], _NOT_NEWLINE.sub(" ", text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def prose_of(text: str) -> str:
    """The prose alone, everything else blank."""
    return blank(text, opaque_spans(text))


def line_of(text: str, place: int) -> int:
    """The line of a place in a text, 1-based."""
    return text.count("\n", 0, place) + 1
