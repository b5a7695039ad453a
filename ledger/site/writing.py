"""Putting a site into a folder: each file in one step, and only those that changed.

The index is written before the first page, with the files of both the old site and the new one, and
once more at the end: whatever is interrupted, what lies there is listed and can be mended or
removed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from ledger.errors import BadArguments, IntegrityError, StoreFailed
from ledger.folder import Folder
from ledger.pictures.drawing import drawn_by
from ledger.pictures.page import open_studio
from ledger.render.places import check_paths, holds, refuse_links, replace
from ledger.site.build import Built, build
from ledger.site.index import NAME, File, Index, describe, read_index
from ledger.site.process import HtmlRenderer

Progress = Callable[[int, int], None]
Change = Literal["written", "unchanged", "removed"]


@attrs.frozen(slots=True)
class FileResult:
    """What happened to one file."""

    path: str
    change: Change
    as_of: int | None


def write(
    folder: Folder,
    out: Path,
    renderer: HtmlRenderer | None = None,
    *,
    at: int | None = None,
    on_progress: Progress | None = None,
) -> list[FileResult]:
    """Write the site of a record as of position `at` (null: now) into `out`.

    Raises `BadArguments` for a folder that holds other things, `Malformed` where its index is
    damaged, `IntegrityError` where it is of a later record, `StoreFailed`, `TemplateFailed`.
    """
    before = _check_folder(folder, out)
    by = drawn_by()
    with open_studio(out, before.files if before and before.drawn_by == by else {}) as studio:

        def opened(position: int) -> None:
            if before is None or position != before.position:
                studio.expect_new()

        built = build(folder, renderer, at=at, on_progress=on_progress, on_opened=opened)
    check_paths((("templates/site", file.path) for file in built.files), NAME)
    _check_order(out, before, built, is_past=at is not None)
    try:
        return _write_files(folder, out, before, built)
    except OSError as error:
        raise StoreFailed(
            f"cannot write {error.filename}: {error.strerror}", hint="check the folder and space"
        ) from error


def _check_folder(folder: Folder, out: Path) -> Index | None:
    """The index of the site in `out`; None for a folder that is empty or not there."""
    try:
        if out.exists() and not out.is_dir():
            raise BadArguments(f"{out} is a file", hint="name a folder")
        before = read_index(out) if out.exists() else None
        if before is None and out.exists() and any(out.iterdir()):
            raise BadArguments(
                f"{out} is no site of ours, and it is not empty: nothing was written",
                hint="name a new folder, or one that `ledger site` made",
            )
    except OSError as error:
        raise StoreFailed(
            f"cannot read {out}: {error.strerror}", hint="check the permissions"
        ) from error
    if before is not None and before.origin != folder.origin:
        raise BadArguments(
            f"{out} is the site of {before.origin}, this is {folder.origin}: nothing was written",
            hint="give --ledger, or name another folder",
        )
    return before


def _check_order(out: Path, before: Index | None, built: Built, *, is_past: bool) -> None:
    """Raise `IntegrityError` where the site was made from more entries than there are."""
    if before is not None and before.position > built.position and not is_past:
        raise IntegrityError(
            f"{out} was made at position {before.position}, the journal ends at {built.position}",
            hint="the journal lost entries: restore it from a copy; nothing was written",
            position=built.position,
        )


def _write_files(folder: Folder, out: Path, before: Index | None, built: Built) -> list[FileResult]:
    """Write what changed, take away what is gone. Raises `OSError`."""
    old = dict(before.files) if before else {}
    new = describe(built.files)
    gone = sorted(set(old) - set(new))
    out.mkdir(parents=True, exist_ok=True)
    refuse_links(out, [*sorted(new), *gone])
    changed = [file for file in built.files if not holds(out, file.path, file.data)]
    if changed or gone:
        _write_index(folder, out, built, {**old, **new})
    written = {file.path for file in changed}
    for file in changed:
        replace(out / file.path, file.data)
    results = [_result(file, written) for file in built.files]
    for path in gone:
        place = out / path
        if place.is_file() or place.is_symlink():
            place.unlink()
            results.append(FileResult(path, "removed", None))
    _remove_empty(out, gone)
    if changed or gone or before is None:
        _write_index(folder, out, built, new)
    return results


def _result(file: File, written: set[str]) -> FileResult:
    return FileResult(file.path, "written" if file.path in written else "unchanged", file.as_of)


def _write_index(
    folder: Folder, out: Path, built: Built, files: Mapping[str, Mapping[str, Any]]
) -> None:
    index = Index(
        origin=folder.origin,
        position=built.position,
        chain=built.chain,
        files=dict(files),
        drawn_by=drawn_by(),
    )
    replace(out / NAME, index.format())


def _remove_empty(out: Path, gone: list[str]) -> None:
    """Folders that nothing is left in."""
    for parent in sorted({(out / path).parent for path in gone} - {out}):
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
