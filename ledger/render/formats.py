"""Numbers, tables and JSON as documents show them: the same value, the same text, everywhere."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import StrictUndefined
from jinja2.exceptions import UndefinedError

#: How a table shows that there is nothing.
NOTHING: Final = "\N{EN DASH}"
#: So many significant digits tell any two numbers apart.
_MOST_DIGITS = 17


def number(value: object, digits: int = 4) -> str:
    """A number with so many significant digits; other values as they are, null as a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
        if not isinstance(digits, int) or not 0 < digits <= _MOST_DIGITS:
            raise ValueError(f"a number has 1 to {_MOST_DIGITS} digits")
        return f"{value:.{digits}g}"
    return str(value)


def short(hash_: str | None, digits: int = 10) -> str:
    """The beginning of a hash, for people; the whole one stands in the footnotes."""
    return hash_[: len("sha256:") + digits] if hash_ else NOTHING


def escape(value: object) -> str:
    """Text that Markdown takes literally inside a table cell or a paragraph; null as a dash."""
    text = " ".join(number(value).split())
    for character in "\\|*_`<>[]~":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;")


def code(value: object) -> str:
    """Text as a Markdown code span, whatever it holds."""
    text = " ".join(number(value).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text[:1] in ("", "`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    titles: Mapping[str, str] | None = None,
    digits: int = 4,
) -> str:
    """A Markdown table of these columns. Raises `UndefinedError` for a column that is not there."""
    titles = titles or {}
    lines = [
        "| " + " | ".join(titles.get(name, name.replace("_", " ")) for name in columns) + " |",
        "|" + "|".join("---" for _ in columns) + "|",
    ]
    for row in rows:
        missing = [name for name in columns if name not in row]
        if missing:
            raise UndefinedError(f"no column {missing[0]!r}; there are {', '.join(row)}")
        cells = [number(row[name], digits) for name in columns]
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    return "\n".join(lines)


def csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """CSV lines with a header; numbers in full, so that they can be read back exactly."""
    lines = [",".join(columns)]
    for row in rows:
        lines.append(",".join(_csv_cell(row[name]) for name in columns))
    return "\n".join(lines)


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    if any(character in text for character in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def jsonl(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """One JSON object a line, of these columns, keys sorted; a line ends each of them."""
    return "".join(
        json.dumps(_plain({c: row[c] for c in columns}), ensure_ascii=False, sort_keys=True) + "\n"
        for row in rows
    )


def to_json(value: object) -> str:
    """JSON with sorted keys and two spaces; what is not finite is spelled."""
    return json.dumps(_plain(value), ensure_ascii=False, indent=2, sort_keys=True)


def _plain(value: object) -> object:
    if isinstance(value, StrictUndefined):
        raise UndefinedError("a value of this JSON is undefined")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() + "Z" if hasattr(value, "isoformat") else str(value)


FUNCTIONS = {
    "number": number,
    "short": short,
    "escape": escape,
    "code": code,
    "table": table,
    "csv": csv,
    "jsonl": jsonl,
    "to_json": to_json,
}
