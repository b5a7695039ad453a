"""The process that draws for documents: `python -m ledger.pictures.child`, see `process.py`.

Loading matplotlib takes longer than most pages. This process does it while the record is asked, on
another core. It reads what to draw from stdin and answers on stdout, until stdin ends.
"""

import contextlib
import importlib
import pickle
import signal
import sys
from typing import Final

from ledger.pictures import find_picture
from ledger.pictures.drawing import draw_svg
from ledger.pictures.measures import text_width
from ledger.pictures.style import BODY

#: What every picture needs.
_LOADED: Final = ("matplotlib.figure", "matplotlib.backends.backend_svg")


def main() -> None:
    """Draw what is asked for; what goes wrong with a picture is an answer, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    for module in _LOADED:
        importlib.import_module(module)
    text_width("m", BODY)
    with contextlib.suppress(EOFError):
        while True:
            name, subject, rows = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
            try:
                answer = ("drawn", draw_svg(find_picture(name), subject, rows, is_page=True))
            except Exception as error:
                answer = ("failed", f"{type(error).__name__}: {error}")
            pickle.dump(answer, sys.stdout.buffer)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
