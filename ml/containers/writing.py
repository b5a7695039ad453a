"""Writing a model file: what a writer is given, and a file that is there whole or not at all.

A writer gets tensors with their sizes known and their bytes made piece by piece, so that memory
does not grow with the model.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from attrs import field, frozen

from ml.containers.base import is_there
from ml.errors import FileUnwritable
from ml.quant_types import QuantType

#: How the name of a file begins that is being written.
SCRATCH: Final = ".new-"
Pieces = Iterable[bytes | memoryview]


@frozen(kw_only=True)
class OutgoingTensor:
    """A tensor to be written."""

    name: str
    """As the file shall have it."""
    shape: tuple[int, ...]
    """Outermost first."""
    quant_type: QuantType
    pieces: Callable[[], Pieces] = field(repr=False)
    """Makes its bytes, `size_bytes` in all; called once, when its turn comes."""

    @property
    def size_bytes(self) -> int:
        """Bytes of the tensor."""
        count = 1
        for extent in self.shape:
            count *= extent
        return self.quant_type.size_bytes(count)


def write_tensor(file: BinaryIO, tensor: OutgoingTensor) -> int:
    """Write a tensor's bytes and return how many; they must be those that were announced."""
    written = 0
    for piece in tensor.pieces():
        written += file.write(piece)
    if written != tensor.size_bytes:
        raise AssertionError(f"{tensor.name}: {written} bytes written, {tensor.size_bytes} wanted")
    return written


def check_target(path: Path, inputs: Iterable[Path], *, is_forced: bool) -> None:
    """Raise `FileUnwritable` where a path is an input, or is there and may not be replaced."""
    if not is_there(path):
        return
    for one in inputs:
        if is_there(one) and path.samefile(one):
            raise FileUnwritable(
                f"{path.name} is the input itself", hint="give the output another name"
            )
    if path.is_dir():
        raise FileUnwritable(f"{path} is a folder", hint="give the name of a file in it")
    if not is_forced:
        raise FileUnwritable(
            f"{path} is there already", hint="give another name, or --force to replace it"
        )


@contextlib.contextmanager
def whole_file(path: Path, *, is_forced: bool) -> Iterator[tuple[BinaryIO, Path]]:
    """A scratch file beside `path`, that gets its name when all went well: (file, its own path).

    It is flushed to the disk before; where `path` appeared meanwhile it is not replaced, unless
    `is_forced`. Whatever happens, no half-written file is left under `path`.
    """
    scratch: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=SCRATCH, suffix=path.suffix, delete=False
        ) as file:
            scratch = Path(file.name)
            yield cast(BinaryIO, file.file), scratch
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o666 & ~_umask())
        _rename(scratch, path, is_forced=is_forced)
    except OSError as error:
        raise FileUnwritable(
            f"cannot write {path}: {error.strerror}",
            hint="look at the folder, its permissions and the space that is left",
        ) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


def _rename(scratch: Path, path: Path, *, is_forced: bool) -> None:
    if is_forced:
        scratch.replace(path)
    else:
        try:
            os.link(scratch, path)  # fails where the name is taken
        except PermissionError:  # a file system without links: look, and rename
            if is_there(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            scratch.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _umask() -> int:
    """The process's mask for new files, which can only be asked by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
