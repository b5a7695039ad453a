"""The real history beside the tests, and lines like its own."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[1] / "data" / "history" / "ship_two_history.jsonl"


def history_bytes() -> bytes:
    """The file as it is."""
    return PATH.read_bytes()


def history_lines() -> list[dict[str, Any]]:
    """Every line, parsed by a reader that shares nothing with the importer."""
    return [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]


def line(kind: str, data: object, **other: object) -> dict[str, Any]:
    """A line of this kind with an envelope around `data`."""
    envelope = {"at": "2026-01-01", "kind": kind, "id": "X-1", "section": None}
    return {**envelope, "spec_version": "1.0", "source": "doc.md", "data": data, **other}


def to_bytes(*lines: object) -> bytes:
    """Lines as a file; text goes in as it stands."""
    texts = (each if isinstance(each, str) else json.dumps(each) for each in lines)
    return "".join(text + "\n" for text in texts).encode()
