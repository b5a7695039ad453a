"""The prompt of a pass: token ids, given as they are or as text."""

import re
import sys
from pathlib import Path
from typing import Final

from executors import base

#: A list of ids in a file: nobody traces a prompt of this many bytes.
_MOST_BYTES: Final = 16 << 20


def read_prompt(
    model: Path, ids: str | None, ids_file: Path | None, prompt: str | None, *, bos: bool
) -> list[int]:
    """Token ids from one of --ids, --ids-file and --prompt. Raises `BadArguments`."""
    if sum(given is not None for given in (ids, ids_file, prompt)) != 1:
        raise base.BadArguments(
            "give the prompt once: as --ids, --ids-file or --prompt",
            hint="--ids 319,75 or --prompt 'hello'",
        )
    if prompt is None and bos:
        raise base.BadArguments(
            "--bos goes with --prompt", hint="put the id of the BOS token before the other ids"
        )
    if ids is not None:
        return _numbers(ids, f"--ids {ids!r}")
    if ids_file is not None:
        return _numbers(_read(ids_file), f"--ids-file {ids_file}")
    with base.bad_input():
        from ml.tokenizer import Tokenizer

        return list(Tokenizer.from_gguf(model).encode(prompt or "", bos=bos))


def _numbers(text: str, what: str) -> list[int]:
    """The whole numbers of a list; brackets of JSON around it are no matter."""
    inside = text.strip().removeprefix("[").removesuffix("]")
    parts = [part for part in re.split(r"[,\s]+", inside) if part]
    if not all(part.removeprefix("-").isdecimal() for part in parts) or not parts:
        raise base.BadArguments(f"{what} is not a list of numbers", hint="such as 319,75,75,78")
    return [int(part) for part in parts]


def _read(file: Path) -> str:
    try:
        if str(file) == "-":
            return sys.stdin.read(_MOST_BYTES)
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise base.BadArguments(f"cannot read {file}: {said}", hint="check --ids-file") from error
