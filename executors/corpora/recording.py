"""What is recorded of a corpus: what was counted, the baselines, the digest of the manifest."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from executors import base

if TYPE_CHECKING:
    from ml.corpus.base import Settings
    from ml.corpus.building import Built
    from ml.corpus.checking import Finding
    from ml.corpus.reader import Corpus

CONTRACT: Final = "corpus/1"


def record_corpus(ledger: base.Ledger, settings: "Settings", out: Path) -> "tuple[str, Built]":
    """Build and record; returns the run's name and what was built.

    Raises `BadArguments` or `Malformed` for settings and files that cannot be, before a run begins,
    and `ExecutorFailed` for a run that failed.
    """
    from ml.corpus import building, describing, vocabulary

    with base.bad_input():
        building.check(settings, out)
        inputs = {}
        if settings.tokenizer is not None:
            given = vocabulary.load(settings.tokenizer, settings.end_token)
            inputs["tokenizer"] = f"sha256:{given.sha256}"
    facts: base.Facts = {"arguments": describing.plain(settings), "inputs": inputs}
    with base.start(ledger, "corpus", facts) as run:
        with base.ml_errors(), step_bars() as report:
            built = building.build(settings, out, report)
        blob = run.keep_file("manifest.json", built.manifest_bytes)
        _measure(run, built.corpus)
        made = {
            "artifact": run.name,
            "digest": blob,
            "size_bytes": len(built.manifest_bytes),
            "inputs": {
                **inputs,
                **{
                    f"source.{source.name}": f"sha256:{source.sha256}"
                    for source in built.corpus.manifest.sources
                },
            },
        }
        run.record("artifact.made", made)
        return run.name, built


def record_check(ledger: base.Ledger, folder: Path, found: "list[Finding]") -> str:
    """Record what the checks said of a corpus; returns the run's name."""
    from ml.corpus.reader import Corpus

    digest = f"sha256:{Corpus.open(folder).digest}"
    facts: base.Facts = {"arguments": {"folder": folder.name}, "inputs": {"corpus": digest}}
    key = {"contract": CONTRACT, "corpus": digest}
    with base.start(ledger, "corpus", facts) as run:
        failed = sum(not finding.is_met for finding in found)
        run.measure("checks_passed", len(found) - failed, "count", key)
        run.measure("checks_failed", failed, "count", key)
        return run.name


def _measure(run: base.Run, built: "Corpus") -> None:
    """Record what was counted, and the baselines under the key that a loss has."""
    manifest = built.manifest
    key = {"contract": CONTRACT, "corpus": f"sha256:{built.digest}"}
    for name, side in manifest.sides.items():
        ours = {**key, "split": name}
        run.measure("packages", side.packages, "count", ours)
        run.measure("documents", side.documents, "count", ours)
        run.measure("tokens", side.tokens, "count", ours)
        run.measure("text_bytes", side.size_bytes, "B", ours)
        run.measure("bytes_per_token", side.size_bytes / side.tokens, "B", ours)
        run.measure("distinct_ids", side.distinct_ids, "count", ours)
        run.measure("entropy", side.entropy_bits, "bits", ours)
        run.measure("unknown_rate", side.unknown_ids / side.tokens, "share", ours)
    for step in manifest.steps:
        run.measure("dropped", step.dropped, "count", {**key, "filter": step.name})
        if step.changed:
            run.measure("changed", step.changed, "count", {**key, "filter": step.name})
    windows = manifest.windows
    run.measure(
        "windows_shared",
        windows.shared,
        "count",
        {
            **key,
            "window": windows.length,
            "compared_train": windows.train,
            "compared_held_out": windows.held_out,
        },
    )
    scored = {
        **key,
        "tokenizer": f"sha256:{manifest.tokenizer.sha256}",
        "data": f"sha256:{built.data_digest('held_out')}",
        "n": manifest.sides["held_out"].tokens,
    }
    for loss in manifest.baselines:
        run.measure(f"{loss.name}_nats_per_token", loss.nats_per_token, "nats", scored)
        run.measure(f"{loss.name}_bits_per_byte", loss.bits_per_byte, "bits", scored)


@contextlib.contextmanager
def step_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each step, one after the other."""
    with contextlib.ExitStack() as stack:
        bars: dict[str, Callable[[int, int], None]] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in bars:
                stack.close()
                bars.clear()
                bars[step] = stack.enter_context(base.progress(step))
            bars[step](done, total)

        yield report
