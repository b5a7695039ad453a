"""Pictures of documents are drawn in a process of their own, which loads matplotlib meanwhile."""

import contextlib
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

from ledger.errors import StoreFailed

if TYPE_CHECKING:
    from ledger.pictures.base import Rows


class Drawer:
    """Draws in a child process, which is started when it is first needed, or before."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the child, if it is not there; it gets ready while others work."""
        if self.child is None:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "ledger.pictures.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )

    def draw(self, name: str, subject: str | None, rows: "Rows") -> str:
        """A picture as SVG, as `draw_svg` gives it for a page. Raises `StoreFailed`."""
        self.start()
        assert self.child is not None
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        try:
            pickle.dump((name, subject, rows), self.child.stdin, protocol=5)
            self.child.stdin.flush()
            outcome, text = pickle.load(self.child.stdout)  # noqa: S301 - our own child
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            self.stop()
            outcome, text = "failed", f"its process ended: {error}"
        if outcome != "drawn":
            raise StoreFailed(
                f"picture {name} of {subject} was not drawn: {text}",
                hint="this is a fault of the program, not of the record",
            )
        return str(text)

    def stop(self) -> None:
        """End the child."""
        if self.child is None:
            return
        self.child.kill()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what it did not read
                    stream.close()
        self.child = None
