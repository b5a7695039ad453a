"""A figure as SVG text: no size of its own, light and dark, with a text alternative.

What matplotlib writes is taken as it is, but for this: colours become classes, which a style sheet
inside sets for light and dark (they stay as attributes, too, for programs that know no style
sheets); names inside that could meet those of another picture on one page go; title and description
come in.
"""

import io
import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from ledger.pictures.style import FONT, ROLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE: Final = re.compile(r'style="([^"]*)"')
_GROUP: Final = re.compile(r'<g id="[^"]*">')
_UNTURNED: Final = re.compile(r' transform="rotate\(-0 [^"]*"')
_VIEW: Final = re.compile(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', re.DOTALL)
_HEAD: Final = re.compile(
    r"\s*<metadata>.*?</metadata>|\s*<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL
)
_BY_COLOUR: Final = {light: role for role, (light, _) in ROLES.items()}
_FAMILY: Final = f"'{FONT}', Verdana, sans-serif"


def to_svg(
    figure: "Figure", title: str, description: str, *, salt: str, facts: dict[str, str]
) -> str:
    """The figure, drawn in the light palette, as SVG. `facts` become data attributes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    view = _VIEW.search(text)
    if view is None:
        raise AssertionError("matplotlib wrote no viewBox")
    roles: set[str] = set()
    body = _HEAD.sub("", text[view.end() :])
    body = _UNTURNED.sub("", _GROUP.sub("<g>", body))
    body = _STYLE.sub(lambda match: _classed(match[1], roles), body)
    body = "\n".join(line.rstrip() for line in body.splitlines() if line.strip())
    data = "".join(f" data-{name}={quoteattr(value)}" for name, value in sorted(facts.items()))
    name = f"p{salt[:12]}"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{view[1]}" role="img" aria-labelledby="{name}-title {name}-desc" '
        f'stroke-linejoin="round"{data}>\n'
        f'<title id="{name}-title">{escape(title)}</title>\n'
        f'<desc id="{name}-desc">{escape(description)}</desc>\n'
        f"<style>{_sheet(sorted(roles))}</style>\n{body}\n"
    )


def _classed(style: str, roles: set[str]) -> str:
    """A style attribute with its colours as attributes and classes, and with more fonts."""
    kept, attributes, classes = [], [], []
    for part in style.split(";"):
        name, _, value = (word.strip() for word in part.partition(":"))
        role = _BY_COLOUR.get(value.lower())
        if name in ("fill", "stroke") and role is not None:
            attributes.append(f'{name}="{value}"')
            classes.append(f"{name}-{role}")
            roles.add(f"{name}-{role}")
        elif name:
            kept.append(f"{name}: {value}".replace(f"'{FONT}'", _FAMILY))
    words = [f'class="{" ".join(classes)}"', *attributes] if classes else []
    return " ".join([*words, f'style="{"; ".join(kept)}"'] if kept else words)


def _sheet(used: list[str]) -> str:
    """The colours of the classes that are used, on light paper and on dark."""
    light, dark = ("".join(_rule(name, at) for name in used) for at in (0, 1))
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _rule(name: str, at: int) -> str:
    what, _, role = name.partition("-")
    return f".{name}{{{what}:{ROLES[role][at]}}}"
