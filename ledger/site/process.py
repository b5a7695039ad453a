"""The renderer of pages: that of documents, which escapes for HTML here."""

from pathlib import Path
from typing import Final

from ledger.errors import TemplateFailed
from ledger.render.base import Template
from ledger.render.own import open_library
from ledger.render.process import OURS, Limits, Renderer, Sources, read_parts

_FOLDER: Final = "site/"
_ENDING: Final = ".html.jinja"


class HtmlRenderer(Renderer):
    """Renders pages in a child process, which is started when it is first needed."""

    def __init__(self, sources: Sources, limits: Limits | None = None) -> None:
        super().__init__(sources, limits, is_html=True)

    def page(self, name: str) -> Template:
        """The template of a kind of page: a user's own where there is one, else ours."""
        own, ours = f"{_FOLDER}{name}{_ENDING}", f"{OURS}{_FOLDER}{name}{_ENDING}"
        chosen = own if own in self.sources else ours
        return Template(
            name=chosen,
            output="",
            queries={},
            for_each=None,
            unless_empty=None,
            body=f'{{% include "{chosen}" %}}\n',
            body_line=0,
        )

    @property
    def layout(self) -> str:
        """The template that all of ours extend: a user's own where there is one."""
        own = f"{_FOLDER}layout{_ENDING}"
        return own if own in self.sources else OURS + own


def open_renderer(root: Path | None = None, limits: Limits | None = None) -> HtmlRenderer:
    """The renderer of our pages, with those of a user's folder instead where it has some.

    Raises `TemplateFailed` for a page there that is none of ours.
    """
    ours = read_parts()
    sources: Sources = ours if root is None else open_library(root).renderer.sources
    own = [name for name in sorted(sources) if name.startswith(_FOLDER)]
    unknown = [n for n in own if n.endswith(_ENDING) and OURS + n not in ours]
    if unknown:
        names = sorted(
            n.removeprefix(OURS + _FOLDER).removesuffix(_ENDING)
            for n in ours
            if n.startswith(OURS + _FOLDER) and n.endswith(_ENDING)
        )
        raise TemplateFailed(
            f"{root}/{unknown[0]}: it takes the place of no page of ours",
            hint=f"pages are {', '.join(names)}; name parts *.jinja without .html",
        )
    return HtmlRenderer(sources, limits)
