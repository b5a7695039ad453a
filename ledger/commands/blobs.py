"""What lies among the blobs, who names it, and cleaning up what nobody does.

Named is any digest that stands in any entry, in whatever field, of whatever kind. The journal is
read for it, its chain verified, never a view of it: a file is removed only where the whole record
was seen not to name it.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Literal

import attrs

from ledger.blobs import blob_path, list_blobs, list_scratch, remove_blob, removing
from ledger.clock import Clock, SystemClock
from ledger.entry import parse_entry
from ledger.errors import StoreFailed
from ledger.events import KINDS
from ledger.events.form import references
from ledger.events.redaction import MARK
from ledger.exporters.base import journal_end
from ledger.folder import Folder
from ledger.ids import HASH_PREFIX
from ledger.journal.reader import committed_end, scan
from ledger.journal.segments import Cursor, beginning
from ledger.ledger import Ledger
from ledger.store.reader import open_reader

Role = Literal["evidence", "committed", "mentioned", "stray"]
#: How a blob is named, the strongest first.
ROLES: Final[tuple[Role, ...]] = ("evidence", "committed", "mentioned", "stray")
_DIGITS: Final = re.compile(rb"[0-9a-f]{64}")
_REPORT_EVERY: Final = 5_000
Progress = Callable[[int, int], None]


@attrs.frozen(slots=True, kw_only=True)
class Blob:
    """One blob: its size, how it is named, by how many entries, and by which first."""

    digest: str
    size_bytes: int
    role: Role
    entries: int
    position: int | None


@attrs.frozen(slots=True, kw_only=True)
class Cleaned:
    """A file that nobody needs. `blob` is its digest; null for one that was never finished."""

    blob: str | None
    path: str
    size_bytes: int
    age_s: int
    removed: bool


def list_named(folder: Folder, on_progress: Progress | None = None) -> list[Blob]:
    """Every blob with who names it, by digest. Raises `IntegrityError` for a damaged journal."""
    names = _Names(folder, list_blobs(folder))
    names.read(committed_end(folder.journal, folder.lock), on_progress)
    found = []
    for digest in names.digests:
        size = _stat(blob_path(folder, digest))
        if size is not None:
            found.append(names.blob(digest, size[0]))
    return found


def clean(
    folder: Folder,
    *,
    older_than_s: float,
    remove: bool,
    clock: Clock | None = None,
    on_progress: Progress | None = None,
) -> list[Cleaned]:
    """Files older than so many seconds that no entry needs; they are removed if `remove`.

    The journal is read first, and what was appended meanwhile under the writer lock: nobody can
    record an entry between the last look and the removal. Age protects a blob that was kept and
    is to be named soon; keeping it again makes it young. Raises `IntegrityError` for a damaged or
    shortened journal, `StoreFailed`.
    """
    now_us = (clock or SystemClock()).now_us()
    names = _Names(folder, list_blobs(folder))
    names.read(committed_end(folder.journal, folder.lock), on_progress)
    if not remove:
        return _find_needless(folder, names, now_us, older_than_s)
    if folder.database.exists():
        with open_reader(folder):  # a journal that lost entries is shorter than what it knows
            pass
    with Ledger(folder) as ledger, ledger.recorder.caught_up(), removing(folder):
        names.read(None)
        found = _find_needless(folder, names, now_us, older_than_s)
        return [_remove(folder, one) for one in found]


def _find_needless(
    folder: Folder, names: "_Names", now_us: int, older_than_s: float
) -> list[Cleaned]:
    stray = [(digest, blob_path(folder, digest)) for digest in names.unnamed()]
    found = []
    for digest, path in (*stray, *((None, path) for path in list_scratch(folder))):
        known = _stat(path)
        if known is None or now_us - known[1] < older_than_s * 1e6:
            continue
        found.append(
            Cleaned(
                blob=digest,
                path=path.relative_to(folder.path).as_posix(),
                size_bytes=known[0],
                age_s=(now_us - known[1]) // 1_000_000,
                removed=False,
            )
        )
    return found


def _remove(folder: Folder, one: Cleaned) -> Cleaned:
    if one.blob is not None:
        remove_blob(folder, one.blob)
    else:
        try:
            (folder.path / one.path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreFailed(
                f"cannot remove {one.path}: {error.strerror}",
                hint="check the permissions of the ledger's folder",
            ) from error
    return attrs.evolve(one, removed=True)


def _stat(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time of the last change in microseconds; None where the file is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns // 1000


class _Names:
    """Which of some digests the entries of a journal name, read from front to back."""

    def __init__(self, folder: Folder, digests: Iterable[str]) -> None:
        self._folder = folder
        self.digests = list(digests)
        self._wanted = {
            digest.removeprefix(HASH_PREFIX).encode(): digest for digest in self.digests
        }
        self._first: dict[str, int] = {}
        self._entries: dict[str, int] = {}
        self._roles: dict[str, Role] = {}
        self._cursor: Cursor = beginning(folder.origin)

    def read(self, end: tuple[int, int] | None, on_progress: Progress | None = None) -> None:
        """Read on, up to a place or to the end. Raises `IntegrityError` where the chain breaks."""
        if not self._wanted:
            return
        size = journal_end(self._folder) if on_progress is not None else 0
        for line, cursor in scan(self._folder.journal, self._cursor, end):
            self._see(line.position, line.entry)
            self._cursor = cursor
            if on_progress is not None and line.position % _REPORT_EVERY == 0:
                on_progress(line.position, size)

    def _see(self, position: int, data: bytes) -> None:
        found = {digits for digits in _DIGITS.findall(data) if digits in self._wanted}
        if not found:
            return
        entry = parse_entry(data)
        kind = KINDS.get(entry.kind)
        evidence = set(references(kind, entry.body, "blob")) if kind else set()
        for digest in (self._wanted[digits] for digits in found):
            is_committed = (MARK + digest).encode() in data
            role: Role = (
                "evidence" if digest in evidence else "committed" if is_committed else "mentioned"
            )
            self._first.setdefault(digest, position)
            self._entries[digest] = self._entries.get(digest, 0) + 1
            known = self._roles.get(digest, "stray")
            self._roles[digest] = min(role, known, key=ROLES.index)

    def unnamed(self) -> list[str]:
        """Those that no entry read so far names."""
        return [digest for digest in self.digests if digest not in self._roles]

    def blob(self, digest: str, size_bytes: int) -> Blob:
        """What is known of one."""
        return Blob(
            digest=digest,
            size_bytes=size_bytes,
            role=self._roles.get(digest, "stray"),
            entries=self._entries.get(digest, 0),
            position=self._first.get(digest),
        )
