"""What points to a person is masked by a placeholder.

An address in a comment is no reason to lose the code around it. Each row has a pattern that is
quick to search for; the exact one is applied to the lines where that is found. Addresses that
belong to nobody (loopback, private networks, examples of RFC 2606 and 5737) are left alone.
"""

import re
from typing import Final

from attrs import evolve, frozen

from ml.corpus.base import Document, Filter, Judge, Settings


@frozen
class Personal:
    """One row: what is looked for, and what is put in its place."""

    placeholder: str
    needle: re.Pattern[str]
    pattern: re.Pattern[str]


def _row(placeholder: str, needle: str, pattern: str) -> Personal:
    return Personal(placeholder, re.compile(needle, re.ASCII), re.compile(pattern, re.ASCII))


#: `a@b.shape` is a product of matrices, so the last part must be one that addresses end with.
_ENDS: Final = "(?:com|org|net|edu|gov|mil|int|info|name|biz|dev|app|[a-z]{2})"
_NOT_EXAMPLE: Final = r"(?!(?:[\w-]+\.)*example\.(?:com|org|net)\b)"
_NOBODYS: Final = (
    r"(?!0\.|10\.|127\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.0\.2\.|192\.168\."
    r"|198\.51\.100\.|203\.0\.113\.|2[45]\d\.)"
)
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"

PERSONAL: Final = (
    _row(
        "<EMAIL>",
        r"@[A-Za-z0-9-]+\.[A-Za-z]",
        rf"(?<![\w.+%-])[\w.+%-]{{1,64}}@{_NOT_EXAMPLE}(?:[A-Za-z0-9-]{{1,63}}\.){{1,6}}{_ENDS}(?![\w(])",
    ),
    _row(
        "<IPV4>", r"\d\.\d{1,3}\.\d", rf"(?<![\w.]){_NOBODYS}(?:{_OCTET}\.){{3}}{_OCTET}(?![\w.])"
    ),
    _row(
        "<PHONE>",
        r"\+[1-9]|\(\d{3}\) ?\d{3}-\d{4}",
        r"(?<![\w+])(?:\+[1-9]\d{0,2}(?:[ .-]\(?\d{2,4}\)?){2,4}|\(\d{3}\) ?\d{3}-\d{4})(?!\w)",
    ),
    _row("<SSN>", r"-\d\d-\d{4}", r"(?<![\w-])(?!000|666|9)\d{3}-\d\d-\d{4}(?![\w-])"),
    _row(
        "<CARD>",
        r"[ -]\d{4}[ -]\d{4}[ -]\d{4}",
        r"(?<![\w-])[3-6]\d{3}(?:([ -])\d{4})(?:\1\d{4}){2}(?![\w-])",
    ),
)


def mask(text: str) -> str:
    """Return the text with placeholders.

    >>> mask("by ada@lovelace.org at 8.8.4.4, not 127.0.0.1")
    'by <EMAIL> at <IPV4>, not 127.0.0.1'
    """
    for row in PERSONAL:
        parts, done = [], 0
        for found in row.needle.finditer(text):
            if found.start() < done:
                continue
            begin = text.rfind("\n", done, found.start()) + 1 or done
            end = text.find("\n", found.start())
            end = len(text) if end < 0 else end
            parts += [text[done:begin], row.pattern.sub(row.placeholder, text[begin:end])]
            done = end
        if done:
            text = "".join([*parts, text[done:]])
    return text


def open_filter(_settings: Settings) -> Judge:
    """Return a judge that masks."""

    def judge(document: Document) -> Document | None:
        text = mask(document.text)
        return document if text == document.text else evolve(document, text=text)

    return judge


FILTER = Filter(
    name="personal",
    does="masks e-mail and IPv4 addresses, phone, social security and card numbers",
    open=open_filter,
)
