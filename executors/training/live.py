"""The live line of a training on a terminal: step, losses, tokens a second, time left."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from executors import base

if TYPE_CHECKING:
    from ml.training.loop import Happening

#: Told what happens, as it happens.
Watch = Callable[["Happening"], None]


@contextlib.contextmanager
def watching(done: int, steps: int) -> Iterator[Watch]:
    """Show what happens on stderr where that is a terminal; else nothing is said."""
    with base.progress("training") as report:
        if not (sys.stderr and sys.stderr.isatty()):
            yield lambda _happening: report(0, steps)
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        line = _Line(done, steps)
        with Live(console=Console(stderr=True), transient=True, refresh_per_second=4) as live:

            def watch(happening: "Happening") -> None:
                report(line.done, steps)
                live.update(Text(line.after(happening)))

            yield watch


class _Line:
    """What the line says."""

    def __init__(self, done: int, steps: int) -> None:
        self.done = done
        self._steps = steps
        self._loss = self._held_out = self._rate = self._left = ""

    def after(self, happening: "Happening") -> str:
        """The line once this has happened."""
        from ml.training.loop import Evaluated, Took

        if isinstance(happening, Took):
            self.done = happening.result.step + 1
            self._loss = f"loss {happening.result.loss:.4f}"
            self._rate = f"{happening.tokens / happening.seconds:,.0f} tokens/s"
            seconds = happening.seconds * (self._steps - self.done)
            self._left = f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"
        elif isinstance(happening, Evaluated):
            found = happening.evaluation
            self._held_out = f"held-out {found.mean:.4f} ± {found.half_width:.4f}"
        parts = (f"step {self.done}/{self._steps}", self._loss, self._held_out, self._rate)
        return "  ".join(part for part in (*parts, self._left) if part)
