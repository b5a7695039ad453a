"""Looking at a corpus again: every digest, every document, every window, from the files alone.

What is written is computed anew: texts out of ids, their digests, the counts, the split, the
windows of both sides. Baselines follow from the rest; they are computed on request.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ml.corpus import vocabulary
from ml.corpus.base import MOST_DOCUMENT_BYTES, Report
from ml.corpus.encoding import entropy, histogram
from ml.corpus.manifest import DOCUMENTS, TOKENIZER, Row, dtype_of, read_documents
from ml.corpus.ngrams import baselines
from ml.corpus.reader import Corpus
from ml.corpus.shards import file_sha256
from ml.corpus.split import RULE, SIDES, side_of
from ml.corpus.vocabulary import CorpusTokenizer
from ml.corpus.windows import overlap
from ml.errors import MlError

#: How far a computed loss may be from the written one: another machine's logarithm.
_TOLERANCE: Final = 1e-9


@frozen
class Finding:
    """What one check said."""

    check: str
    is_met: bool
    detail: str


@frozen
class Look:
    """What the checks look at."""

    corpus: Corpus
    report: Report
    rows: tuple[Row, ...] = field(repr=False)
    tokenizer: CorpusTokenizer = field(repr=False)


def check(folder: Path, report: Report, *, with_baselines: bool = False) -> list[Finding]:
    """Check a corpus; raise `FileUnreadable` or `MalformedFile` where it cannot be opened.

    A check that needs what another found damaged is left out.
    """
    corpus = Corpus.open(folder)
    found = list(_files(corpus, report))
    if not all(finding.is_met for finding in found):
        return found
    rows = read_documents(folder, corpus.manifest)
    tokenizer = vocabulary.load(folder / TOKENIZER, _end_token(folder, corpus))
    look = Look(corpus, report, rows, tokenizer)
    checks = [_ids, _documents, _split, _counts, _windows, *([_losses] if with_baselines else ())]
    for number, one in enumerate(checks):
        report("checking", number, len(checks))
        found += one(look)
        if one is _ids and not found[-1].is_met:
            break  # what is no id cannot be turned into text or counted
    return found


def _end_token(folder: Path, corpus: Corpus) -> str | None:
    """Return the text of the token that ends documents, as the tokenizer spells it."""
    form = json.loads((folder / TOKENIZER).read_bytes())
    wanted = corpus.manifest.tokenizer.end_id
    spelled = {token["id"]: token["content"] for token in form.get("added_tokens") or ()}
    spelled |= {number: text for text, number in form["model"]["vocab"].items()}
    return spelled.get(wanted)


def _files(corpus: Corpus, report: Report) -> Iterator[Finding]:
    """The bytes of all files."""
    manifest = corpus.manifest
    expected = [(TOKENIZER, manifest.tokenizer.sha256), (DOCUMENTS, manifest.documents_sha256)]
    expected += [(shard.name, shard.sha256) for shard in manifest.shards]
    for number, (name, digest) in enumerate(expected):
        report("hashing", number, len(expected))
        try:
            is_met = file_sha256(corpus.folder / name) == digest
        except MlError as error:
            yield Finding(f"sha256 of {name}", False, str(error))
        else:
            yield Finding(f"sha256 of {name}", is_met, digest[:16] if is_met else "another")


def _ids(look: Look) -> Iterator[Finding]:
    """No id is beyond the vocabulary, and the type of an id is the one for it."""
    tokens = look.tokenizer.tokens
    largest = max(
        (int(ids.max()) for s in look.corpus.streams.values() for _, ids in s.chunks()), default=0
    )
    is_met = largest < tokens and dtype_of(look.corpus.manifest) == look.tokenizer.dtype
    is_met = is_met and look.corpus.vocabulary == tokens
    yield Finding("ids", is_met, f"the largest is {largest}, of {tokens} tokens")


def _documents(look: Look) -> Iterator[Finding]:
    """The ids of each document are its text, and the documents are all there is."""
    wrong, places = [], dict.fromkeys(SIDES, 0)
    for row in look.rows:
        stream = look.corpus.streams[row.side]
        ids = stream.read(row.start, row.start + row.tokens)
        if row.start != places[row.side] or not _is_text(look.tokenizer, ids, row):
            wrong.append(row.path)
        places[row.side] += row.tokens
    is_whole = all(places[side] == len(look.corpus.streams[side]) for side in SIDES)
    detail = f"{len(look.rows)} come back from their ids, byte for byte"
    if wrong or not is_whole:
        detail = f"{len(wrong)} do not come back, such as {wrong[0]}" if wrong else "ids are left"
    yield Finding("documents", not wrong and is_whole, detail)


def _is_text(tokenizer: CorpusTokenizer, ids: NDArray[Any], row: Row) -> bool:
    """Whether ids are the text of a row and the end token."""
    size = tokenizer.size_of(ids[:-1])
    if size != row.size_bytes or size > MOST_DOCUMENT_BYTES or int(ids[-1]) != tokenizer.end_id:
        return False
    return hashlib.sha256(tokenizer.bytes_of(ids[:-1])).hexdigest() == row.sha256


def _split(look: Look) -> Iterator[Finding]:
    """Each package is on the side of its name."""
    manifest = look.corpus.manifest
    share = manifest.settings.get("held_out")
    is_known = manifest.split_rule == RULE and isinstance(share, float)
    wrong = [
        row.package
        for row in look.rows
        if not is_known or side_of(row.package, float(share or 0)) != row.side
    ]
    held_out = {row.package for row in look.rows if row.side == "held_out"}
    is_met = not wrong and tuple(sorted(held_out)) == manifest.held_out_packages
    detail = f"{len(held_out)} packages are held out" if is_met else "packages on the wrong side"
    yield Finding("split", is_met, detail)


def _counts(look: Look) -> Iterator[Finding]:
    """Documents, tokens, bytes, ids and entropy are what the manifest says."""
    wrong = []
    for name, side in sorted(look.corpus.manifest.sides.items()):
        ours = [row for row in look.rows if row.side == name]
        ids = histogram(look.corpus.streams[name], look.tokenizer.tokens)
        unknown = look.tokenizer.unknown_id
        found = {
            "packages": len({row.package for row in ours}),
            "documents": len(ours),
            "tokens": int(ids.sum()),
            "size_bytes": sum(row.size_bytes for row in ours),
            "distinct_ids": int((ids > 0).sum()),
            "unknown_ids": 0 if unknown is None else int(ids[unknown]),
        }
        wrong += [f"{name} {key}" for key, value in found.items() if getattr(side, key) != value]
        if not math.isclose(entropy(ids), side.entropy_bits, rel_tol=_TOLERANCE):
            wrong.append(f"{name} entropy_bits")
    yield Finding("counts", not wrong, ", ".join(wrong) or "as the manifest says")


def _windows(look: Look) -> Iterator[Finding]:
    """No window stands on both sides, and something was compared."""
    train, held_out = (look.corpus.streams[side] for side in SIDES)
    found = overlap(train, held_out, look.corpus.manifest.windows.length)
    is_met = not len(found.places) and min(found.train, found.held_out) > 0
    detail = (
        f"{len(found.places)} shared of {found.held_out} held out and {found.train} to train on"
    )
    yield Finding("windows", is_met, detail)


def _losses(look: Look) -> Iterator[Finding]:
    """The baselines are what they are."""
    manifest = look.corpus.manifest
    train, held_out = (look.corpus.streams[side] for side in SIDES)
    size = manifest.sides["held_out"].size_bytes
    found = baselines(train, held_out, look.corpus.vocabulary, size, look.report)
    theirs = [loss.nats_per_token for loss in manifest.baselines]
    ours = [loss.nats_per_token for loss in found]
    is_met = len(ours) == len(theirs) and bool(np.allclose(ours, theirs, rtol=_TOLERANCE, atol=0))
    yield Finding("baselines", is_met, "as the manifest says" if is_met else "others")
