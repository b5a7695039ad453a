"""A user's own folder of templates beside ours: `ledger render --templates DIR`.

    DIR/documents.yaml
        documents: [report.md.j2]          their own documents, below DIR
        instead:                           ours that theirs take the place of
          spec/specification/specification.md.j2: short.md.j2

Their templates may extend, include and import ours as `ledger/…`, and their own by path below DIR.
Front matter may say `like: ledger/spec/…`: then it has what that template's says, unless it says
otherwise itself. Nothing of ours is replaced unless `instead` names it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import attrs
import yaml

from ledger.errors import TemplateFailed
from ledger.render.base import (
    TEMPLATES,
    Template,
    parse_template,
    read_front,
    read_templates,
    read_yaml,
    split_front,
)
from ledger.render.process import OURS, Limits, Renderer, Sources, read_parts, shared_renderer

LIST: Final = "documents.yaml"
_HINT: Final = "spec/guides/templates.md shows a folder of templates"
#: A longer template is refused; so are more files.
_MOST_BYTES: Final = 1024**2
_MOST_FILES: Final = 1000


@attrs.frozen(slots=True, kw_only=True)
class Library:
    """The documents to render, and the renderer that knows what they include."""

    templates: tuple[Template, ...]
    renderer: Renderer


def open_library(root: Path | None = None, limits: Limits | None = None) -> Library:
    """Our documents, with those of a user's folder where one is named. Raises `TemplateFailed`."""
    if root is None:
        renderer = shared_renderer() if limits is None else Renderer(limits=limits)
        return Library(templates=tuple(read_templates()), renderer=renderer)
    sources: Sources = {**read_parts(), **_own_parts(root)}
    documents, instead = read_list(root)
    ours = {template.name: template for template in read_templates()}
    unknown = sorted(set(instead) - set(ours))
    if unknown:
        raise TemplateFailed(
            f"{root / LIST}: instead: {unknown[0]!r} is none of our documents",
            hint="`ledger template list` lists them",
        )
    kept = [template for name, template in ours.items() if name not in instead]
    own = [read_own(root, name) for name in dict.fromkeys([*documents, *instead.values()])]
    outputs = {template.output: template.name for template in kept}
    for template in own:
        if template.output in outputs:
            raise TemplateFailed(
                f"{template.name}: {template.output} is what {outputs[template.output]} makes",
                hint=f"choose another output, or name it below `instead` in {LIST}",
            )
        outputs[template.output] = template.name
    return Library(templates=(*kept, *own), renderer=Renderer(sources, limits))


def read_list(root: Path) -> tuple[list[str], dict[str, str]]:
    """`documents` and `instead` of a folder's list. Raises `TemplateFailed`."""
    place = root / LIST
    try:
        listed = read_yaml(_read(root, LIST))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{place}, line {mark.line + 1}" if mark is not None else str(place)
        what = getattr(error, "problem", None) or "cannot be read"
        raise TemplateFailed(f"{where}: it is not YAML: {what}", hint=_HINT) from error
    wrong = list(_list_problems(listed))
    if wrong:
        raise TemplateFailed(f"{place}: {'; '.join(wrong)}", hint=_HINT)
    return listed.get("documents") or [], listed.get("instead") or {}


def _list_problems(listed: object) -> Iterator[str]:
    if not isinstance(listed, dict):
        yield "documents is a list of files"
        return
    unknown = sorted(str(key) for key in set(listed) - {"documents", "instead"})
    if unknown:
        yield f"not known: {', '.join(unknown)}"
    documents, instead = listed.get("documents") or [], listed.get("instead") or {}
    if not isinstance(documents, list) or not all(isinstance(name, str) for name in documents):
        yield "documents is a list of files"
    if not isinstance(instead, dict) or not all(
        isinstance(name, str) for pair in instead.items() for name in pair
    ):
        yield "instead is a mapping from our templates to yours"


def read_own(root: Path, name: str) -> Template:
    """One template of a user's folder, with what its `like` lends it. Raises `TemplateFailed`."""
    return parse_own(root, name, _read(root, name))


def parse_own(root: Path, name: str, text: str) -> Template:
    """Read a user's template. Raises `TemplateFailed` for front matter that is wrong."""
    front, body, body_line = read_front(name, text, _HINT)
    if not isinstance(front, dict) or "like" not in front:
        return parse_template(name, text)
    merged = yaml.safe_dump(_merged(root, name, front))
    found = parse_template(name, f"---\n{merged}---\n{body}")
    return attrs.evolve(found, body_line=body_line)


def _merged(root: Path, name: str, front: Mapping[str, Any]) -> dict[str, Any]:
    """Front matter over that of the template it is like."""
    model = front["like"]
    if not isinstance(model, str):
        raise TemplateFailed(f"{name}: front matter: like names a template", hint=_HINT)
    is_ours = model.startswith(OURS)
    text = _read(TEMPLATES if is_ours else root, model.removeprefix(OURS) if is_ours else model)
    other, _, _ = read_front(model, text, _HINT)
    if not isinstance(other, dict) or "like" in other:
        raise TemplateFailed(f"{name}: {model} cannot be what it is like", hint=_HINT)
    queries = {**(other.get("queries") or {}), **(front.get("queries") or {})}
    merged = {**other, **front, **({"queries": queries} if queries else {})}
    return {key: value for key, value in merged.items() if key != "like"}


def _own_parts(root: Path) -> dict[str, tuple[str, int]]:
    """Templates and parts of a user's folder. Raises `TemplateFailed`."""
    names = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix in (".j2", ".jinja")
    )
    if len(names) > _MOST_FILES:
        raise TemplateFailed(f"{root}: more than {_MOST_FILES} templates", hint=_HINT)
    if any(name.startswith(OURS) for name in names):
        raise TemplateFailed(
            f"{root / OURS}: names below {OURS} are ours", hint="call the folder otherwise"
        )
    return {name: split_front(_read(root, name)) for name in names}


def _read(root: Path, name: str) -> str:
    """The text of a file below `root`. Raises `TemplateFailed`."""
    place = root / name
    outside = PurePosixPath(name).is_absolute() or "\0" in name
    try:
        if outside or not place.resolve().is_relative_to(root.resolve()):
            raise TemplateFailed(f"{name}: it lies outside of {root}", hint=_HINT)
        if place.stat().st_size > _MOST_BYTES:
            raise TemplateFailed(f"{name}: longer than {_MOST_BYTES} bytes", hint="split it in two")
        return place.read_text(encoding="utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise TemplateFailed(f"cannot read {place}: {error.strerror}", hint=_HINT) from error
    except UnicodeDecodeError as error:
        raise TemplateFailed(f"{name}: it is not UTF-8: {error}", hint=_HINT) from error
