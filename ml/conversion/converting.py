"""A conversion from its start to its end: plan, write, open again, check, name."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from attrs import define, evolve, frozen

from ml.containers import open_container
from ml.containers.checkpoint import ONE_FILE
from ml.containers.gguf_pairs import Pair
from ml.containers.writing import OutgoingTensor, Pieces, check_target, whole_file
from ml.conversion.packing import RoundTrip
from ml.conversion.plan import GGUF_NAMES, Planned, make_pairs, make_plan
from ml.conversion.sameness import differing
from ml.conversion.source import Source, open_source
from ml.conversion.targets import Target, files_of, find_target
from ml.errors import BadConversion, FileUnwritable
from ml.quantise.mixtures import Mixture

Progress = Callable[[int, int], None]
#: Threads that pack numbers, where nobody says otherwise.
THREADS: Final = 2


@frozen(kw_only=True)
class ConvertedTensor:
    """A tensor of the output, and where it came from."""

    name: str
    shape: tuple[int, ...]
    type_before: str
    type_after: str
    wanted: str
    """Type that the mixture asks for; another one where the rows do not fill its blocks."""
    size_bytes: int
    error: RoundTrip | None
    """None where the bytes stayed as they are."""


@frozen(kw_only=True)
class Converted:
    """What came out."""

    path: Path
    format: str
    size_bytes: int
    digest_before: str
    """SHA-256 in hex."""
    digest_after: str
    tensors: tuple[ConvertedTensor, ...]

    @property
    def over(self) -> tuple[ConvertedTensor, ...]:
        """Tensors that lost more than ggml's own test allows."""
        return tuple(one for one in self.tensors if one.error is not None and one.error.is_over)


def convert(
    source: Source,
    path: Path,
    *,
    mixture: Mixture | None = None,
    is_forced: bool = False,
    threads: int = THREADS,
    progress: Progress | None = None,
    digest: str | None = None,
) -> Converted:
    """Write a model to `path`, in the container that its suffix says.

    `digest` is the source's, where it is known: it takes reading the whole file.

    Raises `FileUnwritable`, or `BadConversion` where something has no place in the output; then
    nothing is left under `path` that was not there before.
    """
    target = check_request(source, path, mixture, is_forced=is_forced)
    with ThreadPoolExecutor(threads) as pool:
        plan = make_plan(source, target, mixture, pool if threads > 1 else None)
        outgoing = _counted([planned.outgoing for planned in plan], progress)
        pairs = make_pairs(source, target, plan, mixture)
        if target.has_config:
            _write_folder(source, target, path, pairs, outgoing)
        else:
            with whole_file(path, is_forced=is_forced) as (file, scratch):
                target.write(file, source, pairs, outgoing)
                file.flush()
                _check_same(source, target, scratch)
    written = open_container(path)
    return Converted(
        path=path,
        format=written.format,
        size_bytes=written.size_bytes,
        digest_before=digest or source.container.digest(),
        digest_after=written.digest(),
        tensors=tuple(_told(planned) for planned in plan),
    )


def check_request(
    source: Source, path: Path, mixture: Mixture | None, *, is_forced: bool
) -> Target:
    """Return the target; raise `FileUnwritable` or `BadConversion` for what cannot be done.

    Names and rows are GGUF's or Hugging Face's: who goes across must know the architecture.
    """
    target = find_target(path)
    is_from_gguf = source.container.format.startswith("gguf")
    if (is_from_gguf != target.is_gguf or target.has_config) and source.problem is not None:
        raise BadConversion(
            f"what the model is must be known to convert it to {target.name}: {source.problem}",
            hint=source.problem.hint,
        )
    count = source.container.metadata.get("split.count")
    if isinstance(count, int) and count > 1:
        raise BadConversion(
            f"{source.container.path.name} is one of {count} files of a model",
            hint="join them first, with the program that split them",
        )
    files = getattr(source.container.inner, "files", {})
    inputs = [source.container.path, *(source.container.path / name for name in files)]
    check_target(path, inputs, is_forced=is_forced and not target.has_config)
    for planned in make_plan(source, target, mixture, None):
        kind = planned.outgoing.quant_type
        if not target.accepts(kind):
            raise BadConversion(
                f"{target.name} has no type {kind.name} ({planned.info.name})",
                hint="give --to f32, which keeps every number as it is, or f16 or bf16",
            )
    return target


@define
class _Counted:
    """Makes the bytes of tensors, and tells of each when its turn comes."""

    progress: Progress
    count: int
    done: int = 0

    def wrap(self, tensor: OutgoingTensor) -> OutgoingTensor:
        make = tensor.pieces

        def pieces() -> Pieces:
            self.progress(self.done, self.count)
            self.done += 1
            return make()

        return evolve(tensor, pieces=pieces)


def _counted(
    tensors: Sequence[OutgoingTensor], progress: Progress | None
) -> Sequence[OutgoingTensor]:
    if progress is None:
        return tensors
    counted = _Counted(progress, len(tensors))
    return [counted.wrap(tensor) for tensor in tensors]


def _write_folder(
    source: Source,
    target: Target,
    path: Path,
    pairs: Sequence[Pair],
    tensors: Sequence[OutgoingTensor],
) -> None:
    """Write a new folder: tensors, config, vocabulary; it goes where something goes wrong."""
    texts = files_of(source, tensors)
    try:
        path.mkdir()
    except OSError as error:
        raise FileUnwritable(
            f"cannot make the folder {path}: {error.strerror}", hint="give another name"
        ) from error
    try:
        with whole_file(path / ONE_FILE, is_forced=False) as (file, _):
            target.write(file, source, pairs, tensors)
        for name, text in texts.items():
            with whole_file(path / name, is_forced=False) as (file, _):
                file.write(text.encode())
        _check_same(source, target, path)
    except BaseException:
        for name in (*texts, ONE_FILE):
            (path / name).unlink(missing_ok=True)
        path.rmdir()
        raise


def _check_same(source: Source, target: Target, path: Path) -> None:
    """Raise `BadConversion` where the output says something else of the pass than the input."""
    written = open_source(path)
    if source.config is None:
        return
    if written.config is None:
        raise BadConversion(
            f"the output would not be known for what it is: {written.problem}",
            hint="this is a fault of the conversion: report it with both formats",
        )
    theirs = source.config.architecture
    wanted = evolve(source.config, architecture=GGUF_NAMES.get(theirs, theirs))
    wrong = differing(wanted if target.is_gguf else source.config, written.config)
    if wrong:
        shown = "; ".join(f"{n}: {a} would become {b}" for n, a, b in wrong)
        raise BadConversion(
            f"this container has no place for what the model says of its pass: {shown[:600]}",
            hint="convert to GGUF or APR, which keep every key",
        )


def _told(planned: Planned) -> ConvertedTensor:
    return ConvertedTensor(
        name=planned.info.name,
        shape=planned.info.shape,
        type_before=planned.info.quant_type.name,
        type_after=planned.outgoing.quant_type.name,
        wanted=planned.wanted,
        size_bytes=planned.outgoing.size_bytes,
        error=None if planned.repacking is None else planned.repacking.result(),
    )
