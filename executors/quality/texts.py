"""The text that a model is scored on: a file of text, or of token ids."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import click

from executors import base
from executors.tracing.prompt import read_prompt

F = TypeVar("F", bound=Callable[..., Any])

#: Bytes of a text; scoring more than that takes days.
_MOST_BYTES: Final = 64 << 20

_OPTIONS: Final = (
    click.option(
        "--ids-file",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        metavar="FILE|-",
        help="Token ids in place of FILE: numbers between commas or white space, or a JSON list.",
    ),
    click.option("--bos", is_flag=True, help="Put the vocabulary's BOS token before the text."),
    click.option(
        "--context",
        type=click.IntRange(min=2),
        metavar="N",
        help="Tokens that are read at once (else 512, or what the model has if that is less).",
    ),
    click.option(
        "--stride",
        type=click.IntRange(min=1),
        metavar="N",
        help="Tokens from one reading to the next (else half of the context): a scored token has "
        "context - stride before it.",
    ),
)


@attrs.frozen(slots=True, kw_only=True)
class Text:
    """A text as token ids."""

    ids: list[int] = attrs.field(repr=False)
    sha256: str | None
    """Of the file's bytes, in hex; None where ids were given."""
    size_bytes: int | None
    """Bytes of the file; None where ids were given."""

    @property
    def inputs(self) -> dict[str, str]:
        """What the text is, by role, for `run.started` and keys."""
        from ml import identity

        named = {"tokens": f"sha256:{identity.tokens_sha256(self.ids)}"}
        return named if self.sha256 is None else {**named, "text": f"sha256:{self.sha256}"}


def text_options(function: F) -> F:
    """Add --ids-file, --bos, --context, --stride."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def read_text(model: Path, file: Path | None, ids_file: Path | None, *, bos: bool) -> Text:
    """Read a text with the model's own vocabulary, or ids as they are. Raises `BadArguments`."""
    if (file is None) == (ids_file is None):
        raise base.BadArguments(
            "give the text once: as FILE, or as --ids-file",
            hint="ledger run perplexity model.gguf text.txt",
        )
    if file is None:
        ids = read_prompt(model, None, ids_file, None, bos=bos)
        return Text(ids=ids, sha256=None, size_bytes=None)
    data = _read(file)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise base.Malformed(
            f"{file} is not UTF-8", hint="give text, or ids with --ids-file", offset=error.start
        ) from error
    ids = read_prompt(model, None, None, text, bos=bos)
    return Text(ids=ids, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise base.BadArguments(
            f"cannot read {file}: {error.strerror}", hint="give the path of a text file"
        ) from error
    if len(data) > _MOST_BYTES:
        raise base.BadArguments(
            f"{file} has more than {_MOST_BYTES} bytes", hint="score a part of it"
        )
    return data
