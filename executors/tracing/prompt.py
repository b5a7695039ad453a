"""The prompt of a pass: token ids, given as they are, as text, or as messages of a chat."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from executors import base

if TYPE_CHECKING:
    from ml.tokenizer import Tokenizer

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
        return _numbers(_read(ids_file, "--ids-file"), f"--ids-file {ids_file}")
    with base.bad_input():
        from ml.tokenizer import Tokenizer

        return list(Tokenizer.from_gguf(model).encode(prompt or "", bos=bos))


def read_chat(
    model: Path, chat: str, system: str | None, template: str, date: str | None
) -> list[int]:
    """Token ids of a message of the user's, by the model's own template. Raises `BadArguments`."""
    from ml.chat import Limits, find_template
    from ml.containers import open_container
    from ml.tokenizer import Tokenizer

    messages = [{"role": "system", "content": system}] if system is not None else []
    messages.append({"role": "user", "content": chat})
    with base.bad_input():
        found = find_template(open_container(model).metadata, template)
        text = found.render(messages, limits=Limits(date=date))
        return list(Tokenizer.from_gguf(model).encode(text, special=True))


def open_tokenizer(model: Path, *, needed: bool) -> "Tokenizer | None":
    """The model's vocabulary; None, which is said, where it cannot be read and is not needed."""
    from ml.errors import MlError
    from ml.tokenizer import Tokenizer

    with base.bad_input():
        try:
            return Tokenizer.from_gguf(model)
        except MlError as error:
            if needed:
                raise
            base.say(f"no text: {error}")
            return None


def read_text(file: Path, option: str) -> str:
    """The text of a file, or of stdin for `-`. Raises `BadArguments`."""
    return _read(file, option)


def _numbers(text: str, what: str) -> list[int]:
    """The whole numbers of a list; brackets of JSON around it are no matter."""
    inside = text.strip().removeprefix("[").removesuffix("]")
    parts = [part for part in re.split(r"[,\s]+", inside) if part]
    if not all(part.removeprefix("-").isdecimal() for part in parts) or not parts:
        raise base.BadArguments(f"{what} is not a list of numbers", hint="such as 319,75,75,78")
    return [int(part) for part in parts]


def _read(file: Path, option: str) -> str:
    try:
        if str(file) == "-":
            return sys.stdin.read(_MOST_BYTES)
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise base.BadArguments(f"cannot read {file}: {said}", hint=f"check {option}") from error
