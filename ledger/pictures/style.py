"""How pictures look: sizes, and every colour by its role, for light and for dark.

A picture is drawn at the width of a phone, so that its text is as large there as that around it; in
print it is as wide as a column. Colours are named for what they mean. Text and lines have a
contrast of at least 4.5 to 1 on their paper, and no two series are told apart by hue alone: each
carries its name, and its own kind of line.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final, Literal

import attrs

Theme = Literal["light", "dark"]
#: Width of every picture, in points (of which 72 are an inch).
WIDTH: Final = 360
#: Sizes of text, in points.
HEADING, BODY, SMALL = 11.0, 9.0, 8.0
FONT: Final = "DejaVu Sans"

#: Role: colour on light paper, colour on dark paper. No two roles share a light colour.
ROLES: Final[dict[str, tuple[str, str]]] = {
    "paper": ("#ffffff", "#0d1117"),
    "card": ("#f4f6f8", "#171d25"),
    "ink": ("#1f2328", "#e6edf3"),
    "faint": ("#57606a", "#a3adb8"),
    "grid": ("#d5dbe1", "#303841"),
    "missing": ("#c3cad1", "#4a535d"),
    "first": ("#0b64a8", "#62b6f0"),
    "second": ("#a84a00", "#f0a23c"),
    "third": ("#0a7358", "#4fd0a5"),
    "fourth": ("#99306f", "#f09ac6"),
    "good": ("#0e7a5d", "#3dbd93"),
    "half": ("#b57a00", "#d9a021"),
    "bad": ("#b02a37", "#ff8f8a"),
    "gone": ("#6e7781", "#8b949e"),
    "open": ("#868f99", "#626c77"),
    "other": ("#3c6e9f", "#6aa9de"),
    "heat0": ("#fff8e1", "#241a14"),
    "heat1": ("#fee7a3", "#45290f"),
    "heat2": ("#fec44f", "#6d380d"),
    "heat3": ("#fb9a2c", "#994c0c"),
    "heat4": ("#ea7115", "#c9681a"),
    "heat5": ("#c84c04", "#ed9440"),
    "heat6": ("#933306", "#fbc067"),
    "heat7": ("#5a2008", "#fff0b8"),
}
_SETTINGS: Final[dict[str, Any]] = {
    "svg.fonttype": "none",  # text stays text: it can be searched, read out and copied
    "font.family": FONT,
    "font.size": BODY,
    "path.simplify": False,
    "text.parse_math": False,  # a dollar is a dollar
    "axes.unicode_minus": True,
}


@attrs.frozen(slots=True)
class Palette:
    """The colours of one theme, by role."""

    theme: Theme

    def __getitem__(self, role: str) -> str:
        """The colour of a role, as #rrggbb."""
        return ROLES[role][0 if self.theme == "light" else 1]


@contextlib.contextmanager
def settings(salt: str) -> Iterator[None]:
    """Draw and save in here: nobody's own style; names inside an SVG follow from `salt`."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        chosen: Any = {**_SETTINGS, "svg.hashsalt": salt}
        mpl.rcParams.update(chosen)
        yield
