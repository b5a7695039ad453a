"""A site with every kind of page, of a laboratory in which strangers wrote hostile texts."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from labs import build_lab, criterion
from ledgers import HUMAN
from written import published, rewritten

from ledger.folder import Folder, open_folder
from ledger.ledger import Ledger
from ledger.sections.recording import publish_section
from ledger.site.writing import write

#: What would run, load, leave, hide or turn around, were it not escaped.
HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror=window.pwned=1> \"'&amp; "
    "\x1b[31mred\x1b[0m \u202eturned\u202c {{ 7*7 }} {% raw %} </title></pre></svg>"
)
#: The same, as far as Markdown and the sandbox of sections let it come to a page.
PROSE = """<script>window.pwned=1</script> <b onclick="window.pwned=1">bold</b>

[one](javascript:window.pwned=1) [two](file:///etc/passwd) [three](https://example.org/ "kept")
![picture](https://example.org/x.png) [other](0002-the-other.md) <javascript:window.pwned=1>

| a | b |
|---|---|
| `code` | ~~gone~~ |

#### A heading too deep

It is [[loss_final of train-0001 | nats]]. [^7] is no footnote.
"""
#: One page of each kind.
KINDS = (
    "index.html",
    "board.html",
    "criteria/CLOSE.html",
    "criteria/LOSS.html",
    "reported-criteria/FALSIFY-SHIP-009.html",
    "claims.html",
    "claims/H-1.html",
    "claims/H-HOSTILE.html",
    "reported-claims/H-GPU-GQA.html",
    "runs.html",
    "runs/trace-0001.html",
    "runs/train-0001.html",
    "reported-runs/cuda-50step.html",
    "comparisons.html",
    "comparisons/compare-0001.html",
    "comparisons/compare-0002.html",
    "sections.html",
    "sections/0001-the-loss.html",
    "versions.html",
    "versions/2.51.html",
    "next.html",
    "search.html",
    "events/00000800.html",
)


def build_hostile_lab(directory: Path) -> Folder:
    """The laboratory, with texts of strangers, and a section that was published twice."""
    folder = build_lab(directory)
    with Ledger(folder, actor=HUMAN) as lab:
        other = published(lab, "nothing", "The other")
        lab.record("criterion.declared", criterion("HOSTILE", title=HOSTILE))
        claim = {"claim": "H-HOSTILE", "text": HOSTILE}
        lab.record("claim.stated", claim)
        lab.record("note.added", {"text": HOSTILE})
        prose = PROSE.replace("0002-the-other", f"{other:04d}-the-other")
        publish_section(lab, 1, rewritten(lab, 1, prose, "The loss, again"))
    return folder


def shared_site(factory: pytest.TempPathFactory) -> tuple[Folder, Path]:
    """That laboratory and its site, made once for all processes of a test run. Only for looking."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    place = root / "shared-site"
    with (root / "shared-site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "whole").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            write(build_hostile_lab(place / "lab"), place / "site")
            (place / "whole").touch()
    return open_folder(place / "lab" / ".ledger"), place / "site"
