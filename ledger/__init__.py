"""The record: append-only events, their journal, and everything derived from them.

Importing this package loads neither duckdb nor tinygrad; `Ledger` is resolved on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.ledger import Ledger

__version__ = "0.1.0"

#: The distribution this package belongs to. PyPI has foreign projects called `ledger`,
#: `executors` and `ml`; `ledger.cli` compares this to tell ours from theirs.
__distribution__ = "research-ledger"

__all__ = ["Ledger", "__distribution__", "__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - module attributes have no narrower type
    """Load the Python interface on first use, so that `import ledger` stays cheap."""
    if name == "Ledger":
        from ledger.ledger import Ledger

        return Ledger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
