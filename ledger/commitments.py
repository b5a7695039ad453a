"""Committed values: kept in a blob beside the record, so that a secret can be taken away again.

    commit(folder, "hunter2")   ->   "withheld:sha256:9f2c…", which goes into a body

The blob is canonical JSON, `{"salt":"<64 hex digits>","value":…}` (spec/formats/commitment.md). The
salt is fresh each time: once the blob is gone, nobody can confirm a guess.
"""

import re
import secrets
from collections.abc import Iterable
from typing import Any, Final

import attrs
import msgspec

from ledger import canonical
from ledger.blobs import blob_path, read_blob, remove_blob, write_blob
from ledger.errors import BadArguments, Malformed
from ledger.events.redaction import MARK, commitment_digest
from ledger.events.redaction import commitments_in as find
from ledger.folder import Folder

SALT_BYTES: Final = 32
_SALT: Final = re.compile(rf"[0-9a-f]{{{2 * SALT_BYTES}}}")
#: Keys of objects and places in lists, from the body down.
_Keys = tuple[str | int, ...]
_HINT: Final = "spec/formats/commitment.md describes what a commitment is"


def commit(folder: Folder, value: object) -> str:
    """Keep a JSON value with a fresh salt; the text that stands for it in a body.

    Raises `Malformed` for what JSON cannot hold, `StoreFailed`.
    """
    reasons = canonical.problems(value)
    if reasons:
        raise Malformed(
            "the value cannot be committed to", hint="only JSON values can be", reasons=reasons
        )
    salted = {"salt": secrets.token_hex(SALT_BYTES), "value": value}
    return MARK + write_blob(folder, canonical.encode(salted))


def reveal(folder: Folder, text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value behind the text of a commitment, or behind the digest alone.

    Raises `IntegrityError` where its blob is gone or changed, `Malformed` for no commitment.
    """
    digest = commitment_digest(text) or text
    data = read_blob(folder, digest)
    try:
        salted = msgspec.json.decode(data, type=_Salted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        salted = None
    if salted is None or not canonical.is_canonical(data):
        raise Malformed(f"blob {digest} holds no committed value", hint=_HINT)
    return salted.value


def is_kept(folder: Folder, digest: str) -> bool:
    """Whether the blob of a commitment is there."""
    return blob_path(folder, digest).is_file()


class _Salted(msgspec.Struct, forbid_unknown_fields=True):
    salt: str
    value: Any

    def __post_init__(self) -> None:
        if _SALT.fullmatch(self.salt) is None:
            raise ValueError("no salt")


@attrs.frozen(slots=True)
class Withholding:
    """A body in which values were replaced by commitments, and the digests of their blobs."""

    body: dict[str, Any]
    digests: tuple[str, ...]

    def undo(self, folder: Folder) -> None:
        """Take the blobs away again: the body was not recorded, and nothing names them."""
        for digest in self.digests:
            remove_blob(folder, digest)


def withhold(folder: Folder, body: dict[str, Any], places: tuple[str, ...]) -> Withholding:
    """Commit to the values at `places`, dotted paths such as `arguments.token`.

    A key that holds dots is found too: the longest key that fits is taken. Raises `BadArguments`
    with every place that is not there, and what `commit` raises.
    """
    found = {place: _find(body, place) for place in dict.fromkeys(places)}
    missing = [
        place
        for place, keys in found.items()
        if keys is None or _value_at(body, keys) is None or _is_inside(keys, found.values())
    ]
    if missing:
        raise BadArguments(
            f"nothing of its own stands at {', '.join(missing)}",
            hint="a place is a field, or keys below it: --withhold arguments.token",
        )
    texts: list[str] = []
    changed: Any = body
    try:
        for keys in found.values():
            texts.append(commit(folder, _value_at(changed, keys or ())))
            changed = _replaced(changed, keys or (), texts[-1])
    except BaseException:
        Withholding({}, _digests(texts)).undo(folder)
        raise
    return Withholding(changed, _digests(texts))


def _digests(texts: list[str]) -> tuple[str, ...]:
    return tuple(text.removeprefix(MARK) for text in texts)


def _is_inside(keys: _Keys, others: Iterable[_Keys | None]) -> bool:
    """Whether another place leads to something that holds this one, or to this one too."""
    same = [other for other in others if other is not None and keys[: len(other)] == other]
    return len(same) > 1


def _find(value: Any, place: str) -> _Keys | None:  # noqa: ANN401 - any JSON value
    """The keys that lead to `place`; None where nothing stands there."""
    if isinstance(value, dict):
        if place in value:
            return (place,)
        dots = [index for index, letter in enumerate(place) if letter == "."]
        for dot in reversed(dots):
            if place[:dot] in value:
                rest = _find(value[place[:dot]], place[dot + 1 :])
                if rest is not None:
                    return (place[:dot], *rest)
    if isinstance(value, (list, tuple)):
        head, _, tail = place.partition(".")
        if head.isascii() and head.isdigit() and int(head) < len(value):
            rest = _find(value[int(head)], tail) if tail else ()
            return None if rest is None else (int(head), *rest)
    return None


def _value_at(value: Any, keys: _Keys) -> Any:  # noqa: ANN401 - any JSON value
    for key in keys:
        value = value[key]
    return value


def _replaced(value: Any, keys: _Keys, text: str) -> Any:  # noqa: ANN401 - any JSON value
    """A copy of `value` with `text` where `keys` lead."""
    if not keys:
        return text
    if isinstance(value, dict):
        return {**value, keys[0]: _replaced(value[keys[0]], keys[1:], text)}
    items = list(value)
    items[int(keys[0])] = _replaced(items[int(keys[0])], keys[1:], text)
    return items


__all__ = ["Withholding", "commit", "find", "is_kept", "reveal", "withhold"]
