"""The conformance vectors, as the format pages quote them."""

import json
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
VECTORS = REPOSITORY / "tests" / "vectors" / "ledger"


def load(name: str) -> dict:
    """The vectors of one page: entry, chain or journal."""
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
