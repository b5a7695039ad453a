"""Making a ledger again from its export: the same entries at the same positions in one chain."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ledger.commands.sources import ExportSource
from ledger.entry import parse_entry
from ledger.errors import BadArguments, Conflict, IntegrityError, StoreFailed
from ledger.exporters.reader import verify_export
from ledger.folder import NAME, Folder, create_folder, open_folder
from ledger.journal.segments import beginning
from ledger.journal.writer import Writer

_CHUNK: Final = 5_000


def restore(
    file: Path, directory: Path, on_progress: Callable[[int, int], None] | None = None
) -> tuple[Folder, int]:
    """Make the ledger that `file` was exported from in `directory`; evidence that is missing.

    The file is verified to its end first, and the ledger appears whole or not at all. Raises
    `BadArguments` for an export that does not begin at position 0, `Conflict` where there is a
    ledger already, `Malformed`, `StoreFailed`.
    """
    if (directory / NAME).exists():
        raise Conflict(f"there is a ledger in {directory} already", hint="choose another DIR")
    verified = verify_export(file)
    if verified.first != 0:
        raise BadArguments(
            f"{file} begins at position {verified.first}",
            hint="export the whole record, or take it over into another ledger: ledger merge",
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".ledger-restored-") as scratch:
            folder = create_folder(Path(scratch), verified.origin)
            source = ExportSource(file)
            missing = _write(source, folder, verified.size, on_progress)
            if source.checkpoint()[1].hex() != verified.chain:
                raise IntegrityError(f"{file} changed while it was read", hint="try again")
            (Path(scratch) / NAME).rename(directory / NAME)
    except OSError as error:
        raise StoreFailed(
            f"cannot restore into {directory}: {error.strerror}", hint="check space and permissions"
        ) from error
    return open_folder(directory / NAME), missing


def _write(
    source: ExportSource,
    folder: Folder,
    size: int,
    on_progress: Callable[[int, int], None] | None,
) -> int:
    missing = 0
    writer = Writer(folder, beginning(folder.origin), durable=False)
    chunk: list[bytes] = []
    writer.enter(lambda _data: None)
    try:
        for position, data in source.read(folder):
            missing += source.keep_blobs(folder, parse_entry(data))
            chunk.append(data)
            if len(chunk) >= _CHUNK:
                writer.append(chunk)
                chunk = []
                if on_progress is not None:
                    on_progress(position + 1, size)
        if chunk:
            writer.append(chunk)
    finally:
        writer.leave()
        writer.close()
    return missing
