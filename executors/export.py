"""`ledger run export`: a checkpoint of a training as a folder that other programs read."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from executors import base

if TYPE_CHECKING:
    from ml.corpus.reader import Corpus
    from ml.training.checkpoints import Resumption


@click.command(
    epilog="Examples:\n\n\b\n"
    "  ledger run export runs/pretrain-0001/step-00000500.safetensors model/ --corpus corpus/\n"
    "  ledger run convert model/ model.gguf --to q8_0"
)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    required=True,
    help="The corpus that it was trained on: its tokenizer goes along.",
)
@base.ledger_option
@base.json_option
def export(
    checkpoint: Path, folder: Path, corpus: Path, ledger_dir: str | None, as_json: bool
) -> None:
    """Write CHECKPOINT as a Hugging Face folder DIR: config, weights in float32, tokenizer.

    `ledger run convert DIR model.gguf --to q4_k_m` makes a GGUF file of it, and model.apr an APR
    file. The digest of each file is recorded with that of the checkpoint's state.
    """
    with base.bad_input():
        from ml.corpus.reader import Corpus
        from ml.training.checkpoints import read_checkpoint

        opened = Corpus.open(corpus)
        found = read_checkpoint(checkpoint)
    with base.open_ledger(ledger_dir) as ledger:
        rows = record_export(ledger, opened, found, folder)
    table = base.Table(("file", "size_bytes", "sha256"), tuple(rows))
    base.print_table(table, "json" if as_json else "table")


def record_export(
    ledger: base.Ledger, corpus: "Corpus", found: "Resumption", folder: Path
) -> list[tuple[Any, ...]]:
    """Write and record: (file, bytes, digest) each. Raises `BadArguments` for what cannot be."""
    from ml.corpus.manifest import TOKENIZER
    from ml.training.exporting import Vocabulary
    from ml.training.exporting import export as write_folder

    facts = corpus.manifest.tokenizer
    content = _tokenizer(corpus.folder / TOKENIZER, facts.sha256)
    state = f"sha256:{found.state.digest()}"
    begun: base.Facts = {
        "arguments": {"step": found.state.step, "settings": found.settings.record()},
        "inputs": {"state": state, "tokenizer": f"sha256:{facts.sha256}"},
    }
    with base.bad_input():
        vocabulary = Vocabulary(content=content, tokens=facts.tokens, end_id=facts.end_id)
        paths = write_folder(folder, found.settings, found.state, vocabulary)
    with base.start(ledger, "export", begun) as run:
        rows = []
        for path in paths:
            digest, size = _digest(path), path.stat().st_size
            rows.append((path.name, size, digest))
            if digest in begun["inputs"].values():  # the tokenizer is copied, not made
                continue
            made = {
                "artifact": f"{run.name}-{path.name}",
                "digest": digest,
                "size_bytes": size,
                "inputs": {"state": state},
            }
            run.record("artifact.made", made)
    return rows


def _tokenizer(path: Path, sha256: str) -> bytes:
    """tokenizer.json of a corpus. Raises `Malformed` for one that is not the manifest's."""
    try:
        content = path.read_bytes()
        json.loads(content)
    except (OSError, ValueError) as error:
        raise base.Malformed(
            f"cannot read {path}: {error}", hint="`ledger run corpus check` says more"
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise base.Malformed(
            f"{path} is not the tokenizer of the manifest",
            hint="`ledger run corpus check` says more",
        )
    return content


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
