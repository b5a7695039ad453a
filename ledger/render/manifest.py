"""`manifest.json`: which files were rendered, with digests, and at which checkpoint.

{
  "checkpoint": {"chain": "6c1e…", "position": 911},
  "drawn_by": {"matplotlib": "3.11.2", "programs": "sha256:77ce…"},
  "files": {"board.md": {"as_of": 905, "sha256": "ab12…"}},
  "format": "research-ledger/manifest/1",
  "origin": "example.org/lab"
}

Another matplotlib may draw other bytes; with the same, pictures of the same rows are kept.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import attrs

from ledger.errors import Malformed, StoreFailed
from ledger.render.pages import Page

NAME: Final = "manifest.json"
FORMAT: Final = "research-ledger/manifest/1"


@attrs.frozen(slots=True, kw_only=True)
class Manifest:
    """The manifest of one output folder."""

    origin: str
    position: int
    chain: str
    files: dict[str, dict[str, Any]]
    drawn_by: dict[str, str]

    def format(self) -> str:
        """The file's text."""
        value = {
            "checkpoint": {"chain": self.chain, "position": self.position},
            "drawn_by": self.drawn_by,
            "files": self.files,
            "format": FORMAT,
            "origin": self.origin,
        }
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def describe(pages: list[Page]) -> dict[str, dict[str, Any]]:
    """What the manifest says of these pages."""
    return {
        page.path: {
            "as_of": page.as_of,
            "sha256": hashlib.sha256(page.text.encode()).hexdigest(),
        }
        for page in pages
    }


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in an output folder, or None. Raises `Malformed` where it is damaged."""
    try:
        value = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']!r}")
        checkpoint = value["checkpoint"]
        return Manifest(
            origin=str(value["origin"]),
            position=int(checkpoint["position"]),
            chain=str(checkpoint["chain"]),
            files=dict(value["files"]),
            drawn_by=dict(value.get("drawn_by", {})),  # manifests of before have none
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreFailed(
            f"cannot read {folder / NAME}: {error.strerror}", hint="choose another --out"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(
            f"{folder / NAME} is damaged: {error}", hint="`ledger render` writes it anew"
        ) from error
