"""Documents with what looks like a key or a token are dropped whole.

What stands beside a secret is seldom worth the risk. Each row has words that every match contains;
a document without them is not searched.
"""

import re
from typing import Final

from attrs import frozen

from ml.corpus.base import Document, Filter, Judge, Settings


@frozen
class Secret:
    """One row: what is looked for."""

    name: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]


def _row(name: str, pattern: str, *needles: str) -> Secret:
    return Secret(name, needles, re.compile(pattern, re.ASCII))


SECRETS: Final = (
    _row("private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----", "PRIVATE KEY-----"),
    _row("AWS key id", r"(?<!\w)(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)", "AKIA", "ASIA"),
    _row("GitHub token", r"(?<!\w)gh[pousr]_\w{36}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _row("GitHub token, fine-grained", r"(?<!\w)github_pat_\w{40,}", "github_pat_"),
    _row("GitLab token", r"(?<!\w)glpat-[\w-]{20}", "glpat-"),
    _row("Slack token", r"(?<!\w)xox[abeprs]-[\w-]{10,}", "xox"),
    _row("Google key", r"(?<!\w)AIza[\w-]{35}(?![\w-])", "AIza"),
    _row("Stripe key", r"(?<!\w)[rs]k_live_\w{16,}", "k_live_"),
    _row("model API key", r"(?<!\w)sk-(?:proj-|ant-)?[\w-]{32,}", "sk-"),
    _row("package index token", r"(?<!\w)pypi-AgEI[\w-]{50,}", "pypi-AgEI"),
    _row("npm token", r"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)", "npm_"),
    _row("Hugging Face token", r"(?<!\w)hf_[A-Za-z]{34}(?!\w)", "hf_"),
    _row("JSON web token", r"(?<!\w)eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}", "eyJ"),
)


def find_secret(text: str) -> str | None:
    """Return the name of the first row that matches somewhere, or None."""
    for row in SECRETS:
        if any(needle in text for needle in row.needles) and row.pattern.search(text):
            return row.name
    return None


def open_filter(_settings: Settings) -> Judge:
    """Return a judge that drops documents with a secret."""

    def judge(document: Document) -> Document | None:
        return None if find_secret(document.text) else document

    return judge


FILTER = Filter(name="secrets", does="drops files with keys or tokens", open=open_filter)
