"""Building a corpus: find, filter, split, train a tokenizer, encode, keep apart, write, describe.

Each step is a module; here is their order. The same files and settings give the same bytes, on any
machine with the same version of the `tokenizers` package.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from ml.corpus import describing, vocabulary
from ml.corpus import manifest as manifests
from ml.corpus.base import MOST_DOCUMENT_BYTES, MOST_TOKENS, MOST_WINDOW, Report, Settings
from ml.corpus.cleaning import Kept, Texts, clean
from ml.corpus.encoding import Earlier, Encoded, Result, encode
from ml.corpus.manifest import Manifest, Step, Windows
from ml.corpus.ngrams import baselines
from ml.corpus.reader import Corpus
from ml.corpus.shards import Shard, file_sha256, write_shards
from ml.corpus.sources import Found, Read, check_folders, find_files, read_all
from ml.corpus.split import RULE, check_sides
from ml.corpus.vocabulary import LEAST_TOKENS, CorpusTokenizer
from ml.corpus.windows import overlap
from ml.corpus.workplace import check_place, put_in_place, workplace
from ml.errors import BadCorpus, BadOption, MlError


@frozen(kw_only=True)
class Built:
    """A corpus that is in its place."""

    corpus: Corpus
    manifest_bytes: bytes
    is_unchanged: bool
    """The same inputs had made what was there already: nothing was written."""
    reused: int
    """Documents whose ids were taken from what was there."""


def build(settings: Settings, out: Path, report: Report) -> Built:
    """Build a corpus in the folder `out`, or leave alone what the same inputs made there before.

    Raises `BadCorpus`, `BadOption`, `FileUnreadable`, `FileUnwritable`, `MalformedFile`.
    """
    check(settings, out)
    given = None
    if settings.tokenizer is not None:
        given = vocabulary.load(settings.tokenizer, settings.end_token)
    with workplace(out) as work:
        found = find_files(settings)
        report("reading", 0, len(found.files))
        read = read_all(found.files, settings)
        inputs = _inputs(settings, found, read, given)
        earlier = _earlier(out)
        if earlier is not None and earlier.manifest.inputs == inputs:
            data = manifests.encode(earlier.manifest)
            return Built(corpus=earlier, manifest_bytes=data, is_unchanged=True, reused=0)
        making = _Making(settings, found, read, inputs, work, report)
        reused = making.make(given, earlier)
        put_in_place(work, out)
    corpus = Corpus.open(out)
    data = manifests.encode(corpus.manifest)
    return Built(corpus=corpus, manifest_bytes=data, is_unchanged=False, reused=reused)


def check(settings: Settings, out: Path) -> None:
    """Raise `BadOption` for settings that cannot be.

    And `BadCorpus` or `FileUnreadable` for such folders, `FileUnwritable` for a place that
    something else has taken.
    """
    limits = {
        "--held-out": (0 < settings.held_out < 1, "between 0 and 1"),
        "--near": (0 < settings.near_jaccard <= 1, "above 0, at most 1"),
        "--document-bytes": (
            0 < settings.document_bytes <= MOST_DOCUMENT_BYTES,
            "between 1 and 2^26",
        ),
        "--shard-tokens": (settings.shard_tokens > 0, "of at least 1"),
        "--window": (1 < settings.window <= MOST_WINDOW, f"between 2 and {MOST_WINDOW}"),
        "--training-bytes": (settings.training_bytes > 0, "of at least 1"),
        "--vocab": (
            LEAST_TOKENS <= settings.vocabulary <= MOST_TOKENS,
            f"between {LEAST_TOKENS} (all bytes, and the end of a document) and {MOST_TOKENS}",
        ),
    }
    for name, (is_fit, say) in limits.items():
        if not is_fit:
            raise BadOption(f"{name} is out of its range", hint=f"give a value {say}")
    check_folders(settings)
    check_place(out)


@frozen
class _Making:
    """One build that is under way."""

    settings: Settings
    found: Found
    read: Sequence[Read | None]
    inputs: str
    work: Path
    report: Report

    def make(self, given: CorpusTokenizer | None, earlier: Corpus | None) -> int:
        """Write everything into the folder; returns how many documents were encoded before."""
        texts = Texts.create(self.work / "texts")
        try:
            kept, steps = clean(self.found.files, self.read, self.settings, texts, self.report)
            check_sides((document.package for document in kept), self.settings.held_out)
            tokenizer = given or self._train(kept, texts)
            known = _encoded_before(earlier, tokenizer)
            done = encode(kept, texts, tokenizer, self.work, known, self.report)
        finally:
            texts.file.close()
        steps.append(describing.step("round_trip", len(kept), done.not_restored))
        train, windows = self._keep_apart(done)
        steps.append(
            describing.step(
                "shared_windows",
                len(done.sides["train"].documents),
                len(done.sides["train"].documents) - len(train.documents),
            )
        )
        sides = {"train": train, "held_out": done.sides["held_out"]}
        self._write(sides, steps, windows, tokenizer, is_trained=given is None)
        return done.reused

    def _train(self, kept: Sequence[Kept], texts: Texts) -> CorpusTokenizer:
        """Train on documents of the training side; which ones, their digests decide."""
        self.report("training the tokenizer", 0, 1)
        ours = [document for document in kept if document.side == "train"]
        share = self.settings.training_bytes / max(1, sum(d.size_bytes for d in ours))
        chosen = [d for d in ours if int(d.sha256[:16], 16) / 2.0**64 < share]
        return vocabulary.train(_texts(chosen or ours[:1], texts), self.settings.vocabulary)

    def _keep_apart(self, done: Result) -> tuple[Encoded, Windows]:
        """Take training documents out until no window stands on both sides."""
        train, held_out = done.sides["train"], done.sides["held_out"]
        length = self.settings.window
        for attempt in range(len(train.documents) + 1):
            if not train.documents or not held_out.documents:
                break
            self.report("comparing windows", attempt, attempt + 1)
            shared = overlap(train.stream, held_out.stream, length)
            if not len(shared.places):
                counts = Windows(
                    length=length, train=shared.train, held_out=shared.held_out, shared=0
                )
                return train, counts
            places = train.starts().searchsorted(shared.places, "right") - 1
            train = train.without(set(places.tolist()), self.work / f"train-{attempt}.ids")
        raise BadCorpus(
            "nothing is left to train on or to hold out",
            hint=f"every document shares {length} tokens with the other side, or none came back "
            "from its ids; give other files or a longer --window",
        )

    def _write(
        self,
        sides: dict[str, Encoded],
        steps: Sequence[Step],
        windows: Windows,
        tokenizer: CorpusTokenizer,
        *,
        is_trained: bool,
    ) -> None:
        """Write shards, tokenizer, list of documents, and last the manifest."""
        shards: list[Shard] = []
        for side, encoded in sides.items():
            self.report("writing", len(shards), len(shards) + 1)
            shards += write_shards(self.work, side, encoded.stream, self.settings.shard_tokens)
        listed = manifests.encode_documents(tuple(describing.rows(sides)))
        facts = {side: describing.describe(encoded, tokenizer) for side, encoded in sides.items()}
        losses = baselines(
            sides["train"].stream,
            sides["held_out"].stream,
            tokenizer.tokens,
            facts["held_out"].size_bytes,
            self.report,
        )
        manifest = Manifest(
            format=manifests.FORMAT,
            digest="",
            inputs=self.inputs,
            settings=describing.plain(self.settings),
            versions=describing.versions(),
            sources=tuple(describing.sources(self.settings, self.found, self.read)),
            skipped=describing.skipped(self.found, self.read),
            steps=tuple(steps),
            split_rule=RULE,
            held_out_packages=tuple(sorted({d.package for d, _ in sides["held_out"].documents})),
            tokenizer=describing.tokenizer_facts(tokenizer, is_trained=is_trained),
            documents_sha256=manifests.sha256(listed),
            dtype=tokenizer.dtype.str,
            sides=facts,
            shards=tuple(shards),
            windows=windows,
            baselines=losses,
            findings=tuple(describing.findings(facts, windows)),
        )
        self._finish(manifests.sealed(manifest), tokenizer, listed)

    def _finish(self, manifest: Manifest, tokenizer: CorpusTokenizer, listed: bytes) -> None:
        """Leave nothing in the folder but what belongs to the corpus."""
        for path in self.work.iterdir():
            if path.suffix != ".bin":
                path.unlink()
        (self.work / manifests.TOKENIZER).write_bytes(tokenizer.content)
        (self.work / manifests.DOCUMENTS).write_bytes(listed)
        (self.work / manifests.MANIFEST).write_bytes(manifests.encode(manifest))


def _texts(documents: Sequence[Kept], texts: Texts) -> Iterator[str]:
    for document in documents:
        yield texts.get(document).decode()


def _inputs(
    settings: Settings,
    found: Found,
    read: Sequence[Read | None],
    given: CorpusTokenizer | None,
) -> str:
    """Return the digest of all that decides what comes out."""
    pairs = zip(found.files, read, strict=True)
    decides = {
        "format": manifests.FORMAT,
        "settings": describing.plain(settings),
        "files": [(file.path, known and known.sha256) for file, known in pairs],
        "tokenizer": given and given.sha256,
        "versions": describing.versions(),
    }
    return manifests.sha256(manifests.encode(decides))


def _earlier(out: Path) -> Corpus | None:
    """Return the corpus that is there, if it is whole: its shards have the bytes they should."""
    if not (out / manifests.MANIFEST).exists():
        return None
    try:
        corpus = Corpus.open(out)
        manifests.read_documents(out, corpus.manifest)
        files = [(s.name, s.sha256) for s in corpus.manifest.shards]
        files.append((manifests.TOKENIZER, corpus.manifest.tokenizer.sha256))
        is_whole = all(file_sha256(out / name) == digest for name, digest in files)
    except MlError:
        return None
    return corpus if is_whole else None


def _encoded_before(earlier: Corpus | None, tokenizer: CorpusTokenizer) -> Earlier | None:
    if earlier is None or earlier.manifest.tokenizer.sha256 != tokenizer.sha256:
        return None
    rows = manifests.read_documents(earlier.folder, earlier.manifest)
    return Earlier(earlier.streams, {row.sha256: row for row in rows})
