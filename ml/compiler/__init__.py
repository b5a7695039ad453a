"""The C compiler that tinygrad's CPU device calls: which one, and why that one.

This file must stay light: the console script `research-ledger-cc` passes through it for every
kernel, so everything that costs an import is in `ml.compiler.choice`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.compiler.choice import CompilerChoice

__all__ = ["ensure_c_compiler"]


def ensure_c_compiler() -> CompilerChoice:
    """Choose a C compiler and tell tinygrad, through `CC`, before it compiles anything.

    Returns the choice with its reason. Raises `ml.errors.CompilerMissing`.
    """
    from ml.compiler.choice import choose

    return choose()
