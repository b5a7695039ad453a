"""The tables of sections folded in plain Python, for `plain_folds.py`."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

Row = tuple[Any, ...]
Fold = Callable[[int, str, dict[str, Any]], Iterable[Row]]


def section_revisions(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Openings and edits."""
    b, kind = entry["body"], entry["kind"]
    if kind == "section.opened":
        more = (b["title"], b["source"], b["slug"], b["section_kind"])
        yield position, hash_, str(b["number"]), 0, *more
    elif kind == "section.edited":
        more = (b["title"], b["source"], None, None)
        yield position, hash_, str(b["number"]), b["revision"], *more


def publications(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Publications."""
    b = entry["body"]
    if entry["kind"] == "section.published":
        at = datetime(1970, 1, 1) + timedelta(microseconds=entry["recorded_at"])
        versions = (b["revision"], b["from_version"], b["to_version"])
        yield position, hash_, str(b["number"]), *versions, at


def supersessions(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Supersessions."""
    b = entry["body"]
    if entry["kind"] == "section.superseded":
        yield position, hash_, str(b["number"]), str(b["by"]), b["reason"]


def next_actions(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Next actions, and their ends."""
    b, kind = entry["body"], entry["kind"]
    if kind == "next_action.stated":
        section = None if b["section"] is None else str(b["section"])
        yield position, hash_, str(b["action"]), False, section, b["text"]
    elif kind == "next_action.done":
        yield position, hash_, str(b["action"]), True, None, b["outcome"]


SECTION_FOLDS: dict[str, Fold] = {
    "section_revisions": section_revisions,
    "publications": publications,
    "supersessions": supersessions,
    "next_actions": next_actions,
}
