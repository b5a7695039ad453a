"""The folder `.ledger/`: where each part of a record lies, and how a command finds it.

ledger.toml          origin and format version, nothing else
journal/<20>.log     segments; notes `batch` and `gap` beside them while one is written or healed
state.sqlite         what a decision needs; rebuildable
ledger.duckdb        every entry with the projections; rebuildable
log/                 checkpoints and tiles (ledger/tlog)
blobs/sha256/ab/…    evidence bytes, content-addressed
"""

import os
import tomllib
from pathlib import Path
from typing import Final

import attrs

from ledger import ids
from ledger.errors import BadArguments, Conflict, IntegrityError, StoreFailed
from ledger.journal.line import FORMAT
from ledger.journal.lock import WriterLock

NAME: Final = ".ledger"
ENVIRONMENT_VARIABLE: Final = "LEDGER_DIR"
_NEW_HINT: Final = "make one with: ledger init"


@attrs.frozen(slots=True)
class Folder:
    """Paths of one ledger and its origin. Construct with `open_folder` or `create_folder`."""

    path: Path
    origin: str

    @property
    def settings(self) -> Path:
        """`ledger.toml`."""
        return self.path / "ledger.toml"

    @property
    def lock(self) -> Path:
        """What writers lock: the folder itself; never a segment, since rotation would race."""
        return self.path

    @property
    def journal(self) -> Path:
        """The folder of segments."""
        return self.path / "journal"

    @property
    def state(self) -> Path:
        """The sqlite file a decision reads."""
        return self.path / "state.sqlite"

    @property
    def database(self) -> Path:
        """The DuckDB file that queries read."""
        return self.path / "ledger.duckdb"

    @property
    def blobs(self) -> Path:
        """The root of content-addressed evidence."""
        return self.path / "blobs" / "sha256"


def find_folder(given: str | None, start: Path | None = None) -> Folder:
    """The ledger a command works on: as given, else `LEDGER_DIR`, else the nearest above.

    `given` names either the folder `.ledger` itself or the folder that holds it.
    Raises `BadArguments` where there is none.
    """
    named = given or os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        path = Path(named)
        for candidate in (path, path / NAME):
            if (candidate / "ledger.toml").is_file():
                return open_folder(candidate)
        raise BadArguments(f"there is no ledger in {path}", hint=_NEW_HINT)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / NAME / "ledger.toml").is_file():
            return open_folder(folder / NAME)
    raise BadArguments(f"there is no ledger in {here} or above it", hint=_NEW_HINT)


def open_folder(path: Path) -> Folder:
    """Read `ledger.toml`. Raises `IntegrityError` where it is damaged or of a newer format."""
    settings = path / "ledger.toml"
    try:
        values = tomllib.loads(settings.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreFailed(f"cannot read {settings}: {error.strerror}", hint=_NEW_HINT) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IntegrityError(
            f"{settings} is damaged: {error}",
            hint="it holds origin and format; the journal's first entry names the origin",
        ) from error
    origin, format_ = values.get("origin"), values.get("format")
    if format_ != FORMAT:
        raise IntegrityError(
            f"{settings} says format {format_!r}; this program reads {FORMAT!r}",
            hint="use a newer research-ledger",
        )
    if not isinstance(origin, str) or not ids.is_origin(origin):
        raise IntegrityError(
            f"{settings} names no valid origin", hint="the journal's first entry names it"
        )
    return Folder(path.resolve(), origin)


def create_folder(directory: Path, origin: str, first_line: bytes = b"") -> Folder:
    """Make `.ledger/` in `directory`, its journal holding `first_line`, the line of position 0.

    `ledger.toml` is written last and renamed into place: a folder without it is no ledger, and
    what an interrupted creation left is begun anew. Raises `Conflict` where there is a ledger
    already, or a journal of more than one line that lost its `ledger.toml`.
    """
    if not ids.is_origin(origin):
        raise BadArguments(
            f"{origin!r} cannot name a ledger",
            hint="letters, digits and . _ / + -, such as example.org/lab/7b",
        )
    path = directory / NAME
    try:
        for part in ("journal", "blobs/sha256", "log"):
            (path / part).mkdir(parents=True, exist_ok=True)
        _begin(path, origin, first_line)
    except OSError as error:
        raise StoreFailed(
            f"cannot make {path}: {error.strerror}", hint="check that the folder can be written"
        ) from error
    return Folder(path.resolve(), origin)


def _begin(path: Path, origin: str, first_line: bytes) -> None:
    """Write the first line and the settings, under the lock: of two at once, one comes second."""
    lock = WriterLock(path)
    try:
        with lock.hold():
            if (path / "ledger.toml").exists():
                raise Conflict(
                    f"there is a ledger in {path} already", hint="use it, or choose another DIR"
                )
            lines = sum(part.read_bytes().count(b"\n") for part in path.glob("journal/*.log"))
            if lines > 1:
                raise Conflict(
                    f"{path} has a journal of {lines} entries and no ledger.toml",
                    hint="put ledger.toml back: the journal's first entry names the origin",
                )
            if first_line:
                draft = path / "first.new"
                draft.write_bytes(first_line)
                draft.rename(path / "journal" / f"{0:020d}.log")
            draft = path / "ledger.toml.new"
            draft.write_text(f'origin = "{origin}"\nformat = "{FORMAT}"\n', encoding="utf-8")
            draft.rename(path / "ledger.toml")
    finally:
        lock.close()
