"""From files to texts: every document passes the filters, and what stays goes to one scratch file.

So a corpus larger than memory can be made: what is held is a record of each document, not its text.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from attrs import define, field, frozen

from ml.corpus import FILTERS
from ml.corpus.base import Document, Judge, Report, Settings
from ml.corpus.manifest import Step
from ml.corpus.sources import Read, SourceFile, read
from ml.corpus.split import side_of
from ml.errors import FileUnreadable


@frozen(kw_only=True)
class Kept:
    """A document that stayed, and where its text lies in the scratch file."""

    path: str
    package: str
    side: str
    sha256: str
    offset: int
    size_bytes: int


@define
class Texts:
    """The scratch file of texts."""

    file: BinaryIO = field(repr=False)
    size: int = 0

    @classmethod
    def create(cls, path: Path) -> "Texts":
        """Make the file; it is closed with `file.close()`."""
        return cls(path.open("wb+"))

    def add(self, text: bytes) -> int:
        """Add a text and return where it lies."""
        offset = self.size
        self.file.seek(offset)
        self.size += self.file.write(text)
        return offset

    def batches(
        self, documents: Sequence[Kept], most_bytes: int
    ) -> Iterator[tuple[list[Kept], list[bytes]]]:
        """Yield documents with their texts, as many at a time as have so many bytes."""
        batch: list[Kept] = []
        size = 0
        for document in documents:
            if batch and size + document.size_bytes > most_bytes:
                yield batch, [self.get(one) for one in batch]
                batch, size = [], 0
            batch.append(document)
            size += document.size_bytes
        if batch:
            yield batch, [self.get(one) for one in batch]

    def get(self, document: Kept) -> bytes:
        """Return the text of a document."""
        self.file.seek(document.offset)
        return self.file.read(document.size_bytes)


def clean(
    files: Sequence[SourceFile],
    found: Sequence[Read | None],
    settings: Settings,
    texts: Texts,
    report: Report,
) -> tuple[list[Kept], list[Step]]:
    """Pass every readable file through the filters; `found` is what was read of them before.

    Returns what stayed, in the order of the files, and what each filter did. Raises
    `FileUnreadable` for a file that is another than it was a moment ago.
    """
    counts = [[0, 0, 0] for _ in FILTERS]
    judges = [row.open(settings) for row in FILTERS]
    kept = []
    for number, document in enumerate(_documents(files, found, settings)):
        if number % 16 == 0:
            report("filtering", number, len(files))
        after = _pass(document, judges, counts)
        if after is not None:
            kept.append(_keep(after, settings, texts))
    steps = [
        Step(name=row.name, documents=n, dropped=dropped, changed=changed)
        for row, (n, dropped, changed) in zip(FILTERS, counts, strict=True)
    ]
    return kept, steps


def _pass(
    document: Document, judges: Sequence[Judge], counts: Sequence[list[int]]
) -> Document | None:
    """Pass one document through the filters, counting what came in, was dropped, was changed."""
    for judge, count in zip(judges, counts, strict=True):
        after = judge(document)
        count[0] += 1
        if after is None:
            count[1] += 1
            return None
        count[2] += bool(document.text) and after is not document
        document = after
    return document


def _documents(
    files: Sequence[SourceFile], found: Iterable[Read | None], settings: Settings
) -> Iterator[Document]:
    for file, before in zip(files, found, strict=True):
        if before is None:
            continue
        data = read(file, settings)
        if data is None or hashlib.sha256(data).hexdigest() != before.sha256:
            raise FileUnreadable(
                f"{file.place} changed while it was read", hint="build again when nobody writes"
            )
        yield Document(path=file.path, package=file.package, licence=file.licence, data=data)


def _keep(document: Document, settings: Settings, texts: Texts) -> Kept:
    text = document.text.encode()
    return Kept(
        path=document.path,
        package=document.package,
        side=side_of(document.package, settings.held_out),
        sha256=hashlib.sha256(text).hexdigest(),
        offset=texts.add(text),
        size_bytes=len(text),
    )
