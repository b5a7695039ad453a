"""Where documents are written: below the output folder, whatever names the data hold.

A path may come from a column. What leads out of the folder, cannot be a name, or goes through a
link is refused before anything is written.
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from ledger.errors import StoreFailed, TemplateFailed

#: The longest name of a file or folder, in bytes; room for what is added while it is written.
_MOST_BYTES: Final = 250


def is_inside(path: str, reserved: str) -> bool:
    """Whether a path is one plain path below a folder, and not the reserved name."""
    pure = PurePosixPath(path)
    return (
        bool(pure.parts)
        and not pure.is_absolute()
        and ".." not in pure.parts
        and pure.as_posix() == path
        and path.partition("/")[0] != reserved
        and path.isprintable()
        and all(len(part.encode()) <= _MOST_BYTES for part in pure.parts)
    )


def check_paths(pages: Iterable[tuple[str, str]], reserved: str) -> None:
    """Raise `TemplateFailed` for pages (template, path) that cannot stand in one folder."""
    found = list(pages)
    count = Counter(path for _, path in found)
    folders = {str(parent) for path in count for parent in PurePosixPath(path).parents}
    for template, path in found:
        shown = path if path.isprintable() else repr(path)[:200]
        if count[path] > 1 or not is_inside(path, reserved):
            raise TemplateFailed(
                f"{template}: {shown}: written twice, or outside the folder",
                hint="mend its output",
            )
        if path in folders:
            raise TemplateFailed(
                f"{template}: {shown}: another document needs a folder of this name",
                hint="mend its output",
            )


def linked(out: Path, path: str) -> Path | None:
    """The link that stands between a folder and a path below it; None where there is none."""
    parents = [parent for parent in PurePosixPath(path).parents if parent.parts]
    for parent in reversed(parents):
        if (out / parent).is_symlink():
            return out / parent
    return None


def refuse_links(out: Path, paths: Iterable[str]) -> None:
    """Raise `StoreFailed` where a file would be written through a link."""
    for path in paths:
        link = linked(out, path)
        if link is not None:
            raise StoreFailed(
                f"{link} is a link: nothing was written",
                hint="documents stay in their folder; take the link away or choose another --out",
            )


def holds(out: Path, path: str, data: bytes) -> bool:
    """Whether a file below `out` is there, itself and not through a link, with these bytes."""
    place = out / path
    if linked(out, path) is not None or place.is_symlink() or not place.is_file():
        return False
    return place.read_bytes() == data


def replace(place: Path, data: bytes) -> None:
    """Write a file in one step, so that a reader sees the old one or the new one.

    Raises `OSError`. A link of its name is replaced, not followed.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(place.name + ".new")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, 0o666), "wb") as file:
        file.write(data)
    draft.rename(place)
