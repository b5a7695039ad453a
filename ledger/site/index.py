"""`site.json`: what is in a site, with digests, and which record it was made from.

The file marks a folder as a site of ours: nothing is written into a folder that has other things
and no such file, and nothing is removed that it does not list.

{
  "checkpoint": {"chain": "6c1e…", "position": 911},
  "drawn_by": {"matplotlib": "3.11.2", "programs": "sha256:9f03…"},
  "files": {"board.html": {"as_of": 905, "sha256": "ab12…"}},
  "format": "research-ledger/site/1",
  "origin": "example.org/lab"
}
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from ledger.errors import Malformed, StoreFailed
from ledger.render.places import is_inside

NAME: Final = "site.json"
FORMAT: Final = "research-ledger/site/1"
_MOST_BYTES: Final = 256 * 1024**2


@attrs.frozen(slots=True, kw_only=True)
class File:
    """One file of a site: its bytes, and the greatest position that it rests on."""

    path: str
    data: bytes
    as_of: int


@attrs.frozen(slots=True, kw_only=True)
class Index:
    """What `site.json` says."""

    origin: str
    position: int
    chain: str
    files: Mapping[str, Mapping[str, Any]]
    drawn_by: Mapping[str, str]

    def format(self) -> bytes:
        """The file."""
        value = {
            "checkpoint": {"chain": self.chain, "position": self.position},
            "drawn_by": dict(self.drawn_by),
            "files": self.files,
            "format": FORMAT,
            "origin": self.origin,
        }
        return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def describe(files: list[File]) -> dict[str, dict[str, Any]]:
    """What the index says of these files."""
    return {
        file.path: {"as_of": file.as_of, "sha256": hashlib.sha256(file.data).hexdigest()}
        for file in files
    }


def read_index(folder: Path) -> Index | None:
    """The index in a folder, or None. Raises `Malformed` where it is damaged, `StoreFailed`."""
    place = folder / NAME
    hint = "choose another OUT, or empty the folder yourself"
    try:
        if place.is_symlink() or place.stat().st_size > _MOST_BYTES:
            raise Malformed(f"{place} is no index of a site", hint=hint)
        value = json.loads(place.read_bytes())
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']!r}")
        files = {str(path): dict(facts) for path, facts in value["files"].items()}
        outside = [path for path in files if not is_inside(path, NAME)]
        if outside:
            raise ValueError(f"{outside[0][:200]!r} lies outside of the folder")
        return Index(
            origin=str(value["origin"]),
            position=int(value["checkpoint"]["position"]),
            chain=str(value["checkpoint"]["chain"]),
            files=files,
            drawn_by={str(name): str(what) for name, what in value["drawn_by"].items()},
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreFailed(f"cannot read {place}: {error.strerror}", hint=hint) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed(f"{place} is damaged: {error}", hint=hint) from error
