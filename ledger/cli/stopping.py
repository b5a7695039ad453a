"""Ctrl-C and SIGTERM: they stop a command, even where an exception gets lost.

A signal handler raises wherever the interpreter happens to be. What is raised in a finaliser Python
prints and drops, and a library may do so too. So the word is remembered, and long work asks for it
again at each step that it reports.
"""

import signal
import sys
from types import FrameType
from typing import NoReturn

_told: list[int] = []


def listen() -> None:
    """Stop on SIGINT, unless the caller has it ignored, and on SIGTERM."""
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)


def check() -> None:
    """Stop where a signal said so and nobody heard."""
    if _told:
        _raise(_told[-1])


def _stop(number: int, _frame: FrameType | None) -> None:
    _told.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
