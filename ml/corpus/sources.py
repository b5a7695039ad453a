"""Which files a corpus is made of: regular files called `*.py` below the folders, in one order.

Links are not followed, neither to folders nor to files, so that no loop is walked and nothing from
elsewhere comes in. What cannot be read is counted and left out.
"""

import hashlib
import os
import stat
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from ml.containers.base import is_folder
from ml.corpus.base import Folder, Settings
from ml.errors import BadCorpus, FileUnreadable

#: Folders that hold no source of their own.
_LEFT_OUT: Final = frozenset({"site-packages", "dist-packages", "__pycache__", "node_modules"})
_TESTS: Final = frozenset({"test", "tests", "idle_test"})
STANDARD_LIBRARY: Final = "stdlib"


@frozen(kw_only=True)
class SourceFile:
    """One file, before it is read."""

    place: Path
    path: str
    """Name of its folder and path below it; bytes that are no text are spelled out."""
    package: str
    licence: str


@define
class Found:
    """What lies below the folders."""

    files: list[SourceFile] = field(factory=list)
    skipped: dict[str, int] = field(factory=lambda: dict.fromkeys(("links", "unreadable"), 0))
    """How many links, and how many files and folders that cannot be read, were left out."""


def standard_library() -> Folder:
    """Return the folder of this interpreter's standard library, under Python's licence."""
    return Folder(path=Path(sysconfig.get_path("stdlib")), name=STANDARD_LIBRARY, licence="PSF-2.0")


def check_folders(settings: Settings) -> None:
    """Raise `FileUnreadable` for a folder that is none, `BadCorpus` for two of one name."""
    names = [folder.name for folder in settings.folders]
    for folder in settings.folders:
        if not is_folder(folder.path):
            raise FileUnreadable(
                f"{folder.path} is no folder", hint="give a folder of Python files"
            )
        if names.count(folder.name) > 1:
            raise BadCorpus(
                f"two folders are called {folder.name}", hint="give folders with different names"
            )


def find_files(settings: Settings) -> Found:
    """Return the files in the order of their paths; raise `BadCorpus` where there are none."""
    found = Found()
    for folder in settings.folders:
        _walk(folder, found, _LEFT_OUT if settings.with_tests else _LEFT_OUT | _TESTS)
    found.files.sort(key=lambda file: file.path)
    if not found.files:
        raise BadCorpus(
            f"no Python file lies in {', '.join(folder.name for folder in settings.folders)}",
            hint="files are found by their names: *.py",
        )
    return found


def _walk(folder: Folder, found: Found, left_out: frozenset[str]) -> None:
    def count_unreadable(_error: OSError) -> None:
        found.skipped["unreadable"] += 1

    for here, folders, files in os.walk(folder.path, onerror=count_unreadable):
        for name in [name for name in folders if (Path(here) / name).is_symlink()]:
            found.skipped["links"] += 1
            folders.remove(name)
        folders[:] = [n for n in folders if n not in left_out and not n.startswith(".")]
        for name in files:
            if name.endswith(".py"):
                _take(Path(here) / name, folder, found)


def _take(place: Path, folder: Folder, found: Found) -> None:
    """Add a file, if it is one."""
    try:
        mode = place.lstat().st_mode
    except OSError:
        mode = 0
    if stat.S_ISLNK(mode):
        found.skipped["links"] += 1
    elif not stat.S_ISREG(mode):
        found.skipped["unreadable"] += 1
    else:
        below = os.fsencode(place.relative_to(folder.path)).decode("utf-8", "backslashreplace")
        top = below.split("/", 1)[0]
        found.files.append(
            SourceFile(
                place=place,
                path=f"{folder.name}/{below}",
                package=top.removesuffix(".py"),
                licence=folder.licence,
            )
        )


def read(file: SourceFile, settings: Settings) -> bytes | None:
    """Return a file's bytes, at most one more than is allowed; None if it cannot be read."""
    try:
        with file.place.open("rb") as opened:
            return opened.read(settings.document_bytes + 1)
    except OSError:
        return None


@frozen
class Read:
    """What was read of a file: the SHA-256 in hex, and how many bytes."""

    sha256: str
    size_bytes: int


def read_all(files: Sequence[SourceFile], settings: Settings) -> list[Read | None]:
    """Return what `read` gives of each file, by its digest; None where it cannot be read."""
    contents = (read(file, settings) for file in files)
    return [
        None if data is None else Read(hashlib.sha256(data).hexdigest(), len(data))
        for data in contents
    ]
