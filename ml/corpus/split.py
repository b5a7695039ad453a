"""Which side a package is on: a whole package is held out or none of it.

A package (the top-level folder or module) is held out if the first eight bytes of the SHA-256 of
its name, as a fraction of 2^64, are below the share. So the side depends on nothing but the name:
what is added to a corpus moves no package from one side to the other.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from ml.errors import BadCorpus

SIDES: Final = ("train", "held_out")
RULE: Final = "package: sha256(name)[:8] big-endian / 2^64 < held_out"


def side_of(package: str, held_out: float) -> str:
    """Return the side of a package.

    >>> side_of("asyncio", 1.0), side_of("asyncio", 0.0)
    ('held_out', 'train')
    """
    return "held_out" if place_of(package) < held_out else "train"


def place_of(package: str) -> float:
    """Return where a package lies between 0 and 1."""
    return int.from_bytes(hashlib.sha256(package.encode()).digest()[:8], "big") / 2.0**64


def check_sides(packages: Iterable[str], held_out: float) -> None:
    """Raise `BadCorpus` where a side has no package; the hint has a share that would do."""
    places = sorted(place_of(package) for package in set(packages))
    if len(places) < 2:
        raise BadCorpus(
            f"{len(places)} package cannot stand on two sides",
            hint="a package is a folder or module at the top of a given folder; give more",
        )
    if not places[0] < held_out <= places[-1]:
        what = "held out" if places[0] >= held_out else "left to train on"
        raise BadCorpus(
            f"with a share of {held_out:g}, none of {len(places)} packages is {what}",
            hint=f"--held-out {(places[0] + places[1]) / 2:.4f} holds out one",
        )
