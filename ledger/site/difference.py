"""What changed between two texts, for people: lines, and in changed lines the words."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

#: So many lines around a change are shown.
_AROUND: Final = 2
#: A text of more lines is not compared word by word.
_MOST_LINES: Final = 4_000
_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")
#: The longest pair of passages that is compared word by word, in words.
_MOST_WORDS: Final = 2_000

Parts = list[tuple[str, str]]


def difference(before: str, after: str) -> list[dict[str, Any]]:
    """Blocks in order: `kept` lines, `skipped` ones by their number, `changed` ones in parts.

    A part is (same, gone or new; text).
    """
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > _MOST_LINES)
    codes = matcher.get_opcodes()
    found: list[dict[str, Any]] = []
    for at, (what, a, b, c, d) in enumerate(codes):
        if what == "equal":
            found += _context(old[a:b], is_first=at == 0, is_last=at == len(codes) - 1)
        else:
            parts = _parts("\n".join(old[a:b]), "\n".join(new[c:d]))
            found.append({"what": "changed", "parts": parts})
    return found


def _context(lines: Sequence[str], *, is_first: bool, is_last: bool) -> Iterator[dict[str, Any]]:
    """What stayed: all of it where it is short, else what is near a change."""
    head = 0 if is_first else _AROUND
    tail = 0 if is_last else _AROUND
    if len(lines) <= head + tail + 1:
        yield {"what": "kept", "text": "\n".join(lines)}
        return
    if head:
        yield {"what": "kept", "text": "\n".join(lines[:head])}
    yield {"what": "skipped", "count": len(lines) - head - tail}
    if tail:
        yield {"what": "kept", "text": "\n".join(lines[-tail:])}


def _parts(before: str, after: str) -> Parts:
    """A changed passage word by word; as a whole where little of it stayed."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    whole: Parts = [("gone", before)] * bool(before) + [("new", after)] * bool(after)
    if not old or not new or len(old) + len(new) > _MOST_WORDS:
        return whole
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < 0.4:
        return whole
    found: Parts = []
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            found.append(("same", "".join(old[a:b])))
            continue
        if b > a:
            found.append(("gone", "".join(old[a:b])))
        if d > c:
            found.append(("new", "".join(new[c:d])))
    return found
