"""What a manifest says of a build: settings, sources, steps, sides, and what is wrong."""

import hashlib
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, Final

from attrs import asdict

from ml.corpus.base import Settings
from ml.corpus.encoding import Encoded, entropy, histogram
from ml.corpus.manifest import Row, Side, Source, Step, TokenizerFacts, Windows
from ml.corpus.sources import Found, Read
from ml.corpus.vocabulary import CorpusTokenizer

#: Entropy of the ids below which something is broken: few ids, or one that fills nearly all.
LEAST_ENTROPY_BITS: Final = 4.0


def step(name: str, documents: int, dropped: int) -> Step:
    """Return the row of a step behind the filters."""
    return Step(name=name, documents=documents, dropped=dropped, changed=0)


def rows(sides: dict[str, Encoded]) -> Iterator[Row]:
    """Yield the documents in the order of the shards."""
    for side, encoded in sides.items():
        for start, (document, count) in zip(
            encoded.starts().tolist(), encoded.documents, strict=True
        ):
            yield Row(
                path=document.path,
                package=document.package,
                side=side,
                start=start,
                tokens=count,
                size_bytes=document.size_bytes,
                sha256=document.sha256,
            )


def tokenizer_facts(tokenizer: CorpusTokenizer, *, is_trained: bool) -> TokenizerFacts:
    """Return what is said of the tokenizer."""
    return TokenizerFacts(
        sha256=tokenizer.sha256,
        tokens=tokenizer.tokens,
        end_id=tokenizer.end_id,
        is_trained=is_trained,
    )


def describe(encoded: Encoded, tokenizer: CorpusTokenizer) -> Side:
    """Return what is counted of one side."""
    counts = histogram(encoded.stream, tokenizer.tokens)
    unknown = 0 if tokenizer.unknown_id is None else int(counts[tokenizer.unknown_id])
    return Side(
        packages=len({document.package for document, _ in encoded.documents}),
        documents=len(encoded.documents),
        tokens=int(counts.sum()),
        size_bytes=sum(document.size_bytes for document, _ in encoded.documents),
        distinct_ids=int((counts > 0).sum()),
        unknown_ids=unknown,
        entropy_bits=entropy(counts),
    )


def findings(sides: dict[str, Side], windows: Windows) -> Iterator[str]:
    """Yield what is wrong with a corpus though it could be built."""
    for name, side in sides.items():
        if side.entropy_bits < LEAST_ENTROPY_BITS:
            yield (
                f"{name}: the ids have an entropy of {side.entropy_bits:.3f} bits, "
                f"less than {LEAST_ENTROPY_BITS:g}"
            )
        if side.unknown_ids:
            yield f"{name}: {side.unknown_ids} ids stand for text that cannot be spelled"
    if not windows.train or not windows.held_out:
        yield f"a side is shorter than one window of {windows.length} tokens: nothing was compared"


def plain(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON has them, without paths of this machine."""
    plain: dict[str, Any] = asdict(
        settings, value_serializer=lambda _i, _f, value: value, recurse=False
    )
    plain["folders"] = [{"name": f.name, "licence": f.licence} for f in settings.folders]
    plain["licences"] = sorted(settings.licences)
    plain["tokenizer"] = None if settings.tokenizer is None else settings.tokenizer.name
    return plain


def versions() -> dict[str, str]:
    """Return the versions of what could change a byte."""
    return {
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "tokenizers": version("tokenizers"),
    }


def sources(settings: Settings, found: Found, read: Sequence[Read | None]) -> Iterator[Source]:
    """Yield each folder with what was read of it."""
    for folder in settings.folders:
        ours = [
            (file.path, known)
            for file, known in zip(found.files, read, strict=True)
            if known is not None and file.path.startswith(f"{folder.name}/")
        ]
        lines = "".join(f"{known.sha256}  {path}\n" for path, known in ours)
        yield Source(
            name=folder.name,
            licence=folder.licence,
            files=len(ours),
            size_bytes=sum(known.size_bytes for _, known in ours),
            sha256=hashlib.sha256(lines.encode()).hexdigest(),
        )


def skipped(found: Found, read: Sequence[Read | None]) -> dict[str, int]:
    """Return how many links and unreadable files were left out."""
    unreadable = found.skipped["unreadable"] + sum(known is None for known in read)
    return {"links": found.skipped["links"], "unreadable": unreadable}
