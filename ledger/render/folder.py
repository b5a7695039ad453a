"""Rendering into a folder, and checking that what lies there is what the ledger says."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import attrs

from ledger.blobs import read_blob
from ledger.errors import BadArguments, IntegrityError, Malformed, StoreFailed
from ledger.folder import Folder
from ledger.pictures.drawing import drawn_by
from ledger.pictures.page import open_studio
from ledger.render.answers import Answers
from ledger.render.base import Template, read_templates
from ledger.render.cells import read_marks
from ledger.render.manifest import NAME, Manifest, describe, read_manifest
from ledger.render.own import Library
from ledger.render.pages import Page, render_pages
from ledger.render.places import check_paths, holds, is_inside, refuse_links, replace
from ledger.render.process import shared_renderer
from ledger.store.reader import keep_views, open_reader

Progress = Callable[[int, int], None]
Change = Literal["written", "unchanged", "removed", "differs", "missing", "stray"]


@attrs.frozen(slots=True)
class FileResult:
    """What happened to one file, or what is wrong with it."""

    path: str
    change: Change
    as_of: int | None


def render_all(
    folder: Folder,
    at: int | None = None,
    on_progress: Progress | None = None,
    library: Library | None = None,
    on_opened: Callable[[int], None] | None = None,
) -> tuple[list[Page], int, str]:
    """Every page as of position `at` (null: now), with that position and its chain value.

    `on_opened` is told the position before anything is rendered.
    """
    library = library or _our_library()
    library.renderer.start()  # it gets ready while the record is opened
    templates = library.templates
    pages: list[Page] = []
    with open_reader(folder, at=at) as db:
        row = db.execute("select position, chain from events order by position desc").fetchone()
        if row is None:
            raise BadArguments("the ledger is empty", hint="record something first")
        if on_opened is not None:
            on_opened(int(row[0]))
        keep_views(db)
        marks, answers = read_marks(db), Answers(db)
        for index, template in enumerate(templates):
            blobs = partial(read_blob, folder)
            pages += render_pages(template, db, blobs, marks, library.renderer, answers)
            if on_progress is not None:
                on_progress(index + 1, len(templates))
    check_paths(((page.template, page.path) for page in pages), NAME)
    return sorted(pages, key=lambda page: page.path), int(row[0]), str(row[1])


def _our_library() -> Library:
    return Library(templates=tuple(read_templates()), renderer=shared_renderer())


def write(
    folder: Folder,
    out: Path,
    on_progress: Progress | None = None,
    library: Library | None = None,
) -> list[FileResult]:
    """Render everything into `out`; files that would not change are left alone.

    Files that an earlier rendering made and this one does not are removed. The manifest keeps its
    checkpoint where no file changed.
    """
    before, by = _readable_manifest(out), drawn_by()
    with open_studio(out, before.files if before and before.drawn_by == by else {}) as studio:

        def opened(position: int) -> None:
            if before is None or position != before.position:
                studio.expect_new()

        pages, position, chain = render_all(folder, None, on_progress, library, opened)
    if before is not None and before.origin == folder.origin and before.position > position:
        raise IntegrityError(
            f"{out} was rendered at position {before.position}, the journal ends at {position}",
            hint="the journal lost entries: restore it from a copy; nothing was written",
            position=position,
        )
    results = []
    written = {page.path for page in pages}
    gone = sorted(set(before.files if before else {}) - written)
    gone = [path for path in gone if is_inside(path, NAME)]
    try:
        refuse_links(out, [*sorted(written), *gone])
        for page in pages:
            results.append(_write_page(out, page))
        for path in gone:
            if (out / path).is_file():
                (out / path).unlink()
                results.append(FileResult(path, "removed", None))
        manifest = Manifest(
            origin=folder.origin,
            position=position,
            chain=chain,
            files=describe(pages),
            drawn_by=by,
        )
        if before is not None and (before.files, before.origin) == (manifest.files, folder.origin):
            manifest = attrs.evolve(manifest, position=before.position, chain=before.chain)
        if manifest != before:
            replace(out / NAME, manifest.format().encode())
    except OSError as error:
        raise StoreFailed(
            f"cannot write {error.filename}: {error.strerror}", hint="check the folder and space"
        ) from error
    return results


def _readable_manifest(out: Path) -> Manifest | None:
    try:
        return read_manifest(out)
    except Malformed:
        return None


def _write_page(out: Path, page: Page) -> FileResult:
    data = page.text.encode()
    if holds(out, page.path, data):
        return FileResult(page.path, "unchanged", page.as_of)
    replace(out / page.path, data)
    return FileResult(page.path, "written", page.as_of)


def check(
    folder: Folder,
    out: Path,
    on_progress: Progress | None = None,
    library: Library | None = None,
) -> list[FileResult]:
    """What differs between `out` and the ledger at the manifest's checkpoint; empty if nothing.

    Raises `BadArguments` without a manifest, `IntegrityError` where the ledger is another one.
    """
    manifest = read_manifest(out)
    if manifest is None:
        raise BadArguments(f"there is no {NAME} in {out}", hint="render first: ledger render")
    if manifest.origin != folder.origin:
        raise IntegrityError(
            f"{out} was rendered from the ledger {manifest.origin}, this is {folder.origin}",
            hint="give --ledger, or render anew",
        )
    try:
        pages, _, chain = render_all(folder, manifest.position, on_progress, library)
    except BadArguments as error:
        raise IntegrityError(
            f"{out} was rendered at position {manifest.position}, but {error.message}",
            hint="the journal lost entries: restore it from a copy, or render anew",
            position=manifest.position,
        ) from error
    if chain != manifest.chain:
        raise IntegrityError(
            f"the entry at position {manifest.position} is not the one {out} was rendered from",
            hint="run `ledger audit`",
            position=manifest.position,
        )
    try:
        results = [found for page in pages if (found := _check_page(out, page)) is not None]
        templates = (library or _our_library()).templates
        found_there = set(manifest.files) | _files_in_rooms(out, templates)
        strays = found_there - {page.path for page in pages}
    except OSError as error:
        raise StoreFailed(
            f"cannot read {error.filename}: {error.strerror}", hint="check the permissions"
        ) from error
    results += [FileResult(path, "stray", None) for path in sorted(strays)]
    if manifest.files != describe(pages):
        results.append(FileResult(NAME, "differs", None))
    return results


def _check_page(out: Path, page: Page) -> FileResult | None:
    path = out / page.path
    if not path.is_file():
        return FileResult(page.path, "missing", page.as_of)
    if not holds(out, page.path, page.text.encode()):
        return FileResult(page.path, "differs", page.as_of)
    return None


def _files_in_rooms(out: Path, templates: Sequence[Template]) -> set[str]:
    """Every file in the folders that belong to templates: one put there by hand looks rendered."""
    outputs = [Path(template.output).parts for template in templates]
    rooms = {parts[0] for parts in outputs if len(parts) > 1}
    return {
        path.relative_to(out).as_posix()
        for room in rooms
        for path in (out / room).rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
