"""What is shown of a corpus."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from executors import base
from executors.inspect import visible

if TYPE_CHECKING:
    from ml.corpus.checking import Finding
    from ml.corpus.manifest import Manifest
    from ml.corpus.reader import Corpus


def summary(opened: "Corpus") -> base.Table:
    """One row a side."""
    counts = ("packages", "documents", "tokens", "bytes", "bytes_per_token")
    columns = ("side", *counts, "distinct_ids", "entropy_bits", "unknown_ids")
    return base.Table(
        columns,
        tuple(
            (
                name,
                side.packages,
                side.documents,
                side.tokens,
                side.size_bytes,
                side.size_bytes / side.tokens,
                side.distinct_ids,
                side.entropy_bits,
                side.unknown_ids,
            )
            for name, side in sorted(opened.manifest.sides.items(), reverse=True)
        ),
    )


def details(manifest: "Manifest") -> Iterator[base.Table]:
    """Sources, filters, baselines, and the rest as properties."""
    yield base.Table(
        ("source", "licence", "files", "bytes"),
        tuple((visible(s.name), s.licence, s.files, s.size_bytes) for s in manifest.sources),
    )
    yield base.Table(
        ("filter", "documents", "dropped", "changed"),
        tuple((s.name, s.documents, s.dropped, s.changed) for s in manifest.steps),
    )
    yield base.Table(
        ("baseline", "nats_per_token", "bits_per_byte"),
        tuple((b.name, b.nats_per_token, b.bits_per_byte) for b in manifest.baselines),
    )
    windows, tokenizer = manifest.windows, manifest.tokenizer
    rows = [
        ("held-out packages", visible(", ".join(manifest.held_out_packages))),
        ("split", manifest.split_rule),
        ("tokenizer", f"{tokenizer.tokens} tokens, sha256:{tokenizer.sha256}"),
        ("shards", f"{len(manifest.shards)}, ids as {manifest.dtype}"),
        (
            "windows",
            f"{windows.shared} of {windows.length} tokens on both sides: {windows.held_out} held "
            f"out, {windows.train} to train on",
        ),
        *(("flaw", visible(finding)) for finding in manifest.findings),
    ]
    yield base.Table(("property", "value"), tuple(rows))


def check_table(found: "list[Finding]") -> base.Table:
    """One row a check."""
    rows = tuple(
        (visible(f.check), "PASS" if f.is_met else "FAIL", visible(f.detail)) for f in found
    )
    return base.Table(("check", "result", "detail"), rows)
