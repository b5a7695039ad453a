"""Pictures: what the record says, to be seen. The list; the contract is in `base.py`.

base.py         what a picture is; drawing.py from rows to SVG or PNG
    page.py         pictures in documents; process.py, child.py the process that draws them;
                subjects.py names that were given
style.py        sizes and colours, light and dark; paper.py figure, axes, heading; measures.py text
svg.py          a figure as SVG text
boxes.py        the layout of diagrams
comparison.py   what the pictures of a comparison share
every other     one picture
"""

import difflib
import importlib
from typing import TYPE_CHECKING, Final

from ledger.errors import BadArguments

if TYPE_CHECKING:
    from ledger.pictures.base import Picture

#: Each is a file of this room, loaded when it is asked for.
PICTURES: Final = ("curve", "heat", "ratio", "chain", "evidence", "board")

__all__ = ["PICTURES", "find_picture"]


def find_picture(name: str) -> "Picture":
    """The picture called `name`. Raises `BadArguments` with the nearest names."""
    if name in PICTURES:
        found: Picture = importlib.import_module(f"ledger.pictures.{name}").PICTURE
        return found
    near = difflib.get_close_matches(name, PICTURES, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ledger picture --list` lists them"
    raise BadArguments(f"there is no picture {name!r}", hint=hint)
