"""What a picture is about: checking the name that was given against those on record."""

import difflib

from ledger.errors import BadArguments
from ledger.pictures.base import Picture
from ledger.pictures.drawing import Ask

#: So many names are offered where none was given, or none is near.
_NAMED = 5


def check_subject(picture: Picture, subject: str | None, ask: Ask) -> None:
    """Raises `BadArguments` where the subject is missing or not on record, with those that are."""
    if subject is None and not picture.needs_subject:
        return
    if subject is not None and picture.subjects is None:
        return
    names = _names(picture, ask)
    if subject in names:
        return
    if subject is None:
        message = (
            f"--{picture.takes} is missing: {picture.name} is a picture of one {picture.takes}"
        )
    else:
        message = f"there is no {picture.takes} {subject!r} that {picture.name} could show"
    raise BadArguments(message, hint=_hint(picture, subject, names))


def _names(picture: Picture, ask: Ask) -> list[str]:
    """The names on record, each once, the latest first."""
    if picture.subjects is None:
        return []
    query, column = picture.subjects
    given = {name: value for name, value in query.items() if name != "query"}
    rows = ask(str(query["query"]), given)
    return list(dict.fromkeys(str(row[column]) for row in reversed(rows)))


def _hint(picture: Picture, subject: str | None, names: list[str]) -> str:
    near = difflib.get_close_matches(subject or "", names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if not names:
        return picture.hint
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"there is {', '.join(names[:_NAMED])}{more}; {picture.hint}"
