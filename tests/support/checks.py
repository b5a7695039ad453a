"""Checks of an audit that misbehave, each only in a process beside the one that audits."""

import os
import signal
import time

from ledger.audit import Check
from ledger.errors import StoreFailed


class _Elsewhere(Check):
    """A check that does something where ranges are read, from position 100 on."""

    name = "elsewhere"

    def __init__(self, folder):  # noqa: ARG002 - the contract of a check
        self.home = os.getpid()

    def see_block(self, block):
        """Do it, if this is another process than the one that made the check."""
        if os.getpid() != self.home and block.positions[-1] >= 100:
            self.act()
        return ()

    def act(self):
        """What is done."""


class Deadly(_Elsewhere):
    """Its process is killed."""

    def act(self):
        """As the kernel does where there is no memory left."""
        os.kill(os.getpid(), signal.SIGKILL)


class Failing(_Elsewhere):
    """Its process meets an error of the record."""

    def act(self):
        """As where a file cannot be read."""
        raise StoreFailed("the disk said no", hint="ask it nicely")


class Buggy(_Elsewhere):
    """Its process meets a fault of the program."""

    def act(self):
        """As any bug."""
        raise ZeroDivisionError("a bug")


class Slow(_Elsewhere):
    """Its process takes its time."""

    def act(self):
        """Longer than anyone waits."""
        time.sleep(600)
