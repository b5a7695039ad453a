"""`ledger run corpus`: making a corpus out of Python files, showing one, checking one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from executors import base
from executors.corpora.recording import record_check, record_corpus, step_bars
from executors.corpora.tables import check_table, details, summary
from executors.inspect import visible

if TYPE_CHECKING:
    from ml.corpus.base import Folder, Settings

_FOLDER: Final = click.Path(path_type=Path)


@click.group(
    epilog="Examples:\n\n\b\n  ledger run corpus build corpus\n"
    "  ledger run corpus show corpus\n  ledger run corpus check corpus"
)
def corpus() -> None:
    """Make a corpus out of folders of Python files, and look at one.

    A corpus is a folder: shards of token ids, a tokenizer, a list of documents, and a manifest with
    the digest of each (spec/formats/corpus.md).
    """


@corpus.command(
    epilog="Examples:\n\n\b\n  ledger run corpus build corpus\n"
    "  ledger run corpus build corpus src=MIT lib/other=Apache-2.0 --held-out 0.1\n"
    "  ledger run corpus build corpus src=MIT --tokenizer tokenizer.json --window 1025 --json"
)
@click.argument("out", type=_FOLDER)
@click.argument("folders", nargs=-1, metavar="[FOLDER[=SPDX]]...")
@click.option("--license", metavar="SPDX", help="Licence of folders that are given without one.")
@click.option("--tests/--no-tests", "with_tests", default=False, help="Read folders of tests too.")
@click.option("--allow", multiple=True, metavar="SPDX", help="A licence besides those allowed.")
@click.option("--held-out", default=0.02, show_default=True, help="Share of the packages.")
@click.option("--vocab", default=4096, show_default=True, help="Tokens of a tokenizer to train.")
@click.option("--tokenizer", type=_FOLDER, help="A tokenizer.json to use instead of training one.")
@click.option("--end-token", metavar="TOKEN", help="The token of that file that ends a document.")
@click.option(
    "--window",
    default=129,
    show_default=True,
    help="No so many tokens in a row stand on both sides: a trainer's sequence and one.",
)
@click.option("--near", default=0.85, show_default=True, help="Similarity of a near duplicate.")
@click.option(
    "--document-bytes", default=1 << 20, show_default=True, help="Larger files are left out."
)
@click.option(
    "--training-bytes",
    default=8 << 20,
    show_default=True,
    help="A tokenizer is trained on about so much.",
)
@click.option("--shard-tokens", default=1 << 24, show_default=True, help="Tokens of a shard.")
@base.ledger_option
@base.json_option
def build(
    out: Path,
    folders: tuple[str, ...],
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - what the settings are made of
) -> int:
    """Build a corpus in the folder OUT and record it as a run.

    Each FOLDER has one licence, given behind `=` or with --license. Without a FOLDER, the standard
    library of this Python is read. Files are filtered (`show` says what each filter dropped), split
    by package, encoded, and kept apart. The same files and options make the same bytes; what an
    earlier build in OUT has encoded is taken from there. Exit code 1 where the result has a flaw,
    which is said.
    """
    with base.bad_input():
        settings = _settings(folders, asked)
    with base.open_ledger(ledger_dir) as ledger:
        name, built = record_corpus(ledger, settings, out)
    manifest = built.corpus.manifest
    base.print_table(summary(built.corpus), "json" if as_json else "table")
    how = "unchanged" if built.is_unchanged else f"{built.reused} documents encoded before"
    base.say(f"{name}: {out} sha256:{built.corpus.digest} ({how})")
    for finding in manifest.findings:
        base.say(f"flaw: {finding}")
    return 1 if manifest.findings else 0


@corpus.command(
    epilog="Examples:\n\n\b\n  ledger run corpus show corpus\n"
    "  ledger run corpus show corpus --json"
)
@click.argument("folder", type=_FOLDER)
@base.json_option
def show(folder: Path, as_json: bool) -> None:
    """Show what FOLDER says of itself: sources, filters, sides, baselines. Nothing is recorded."""
    with base.bad_input():
        from ml.corpus.manifest import encode
        from ml.corpus.reader import Corpus

        opened = Corpus.open(folder)
    if as_json:
        content = json.loads(encode(opened.manifest))
        click.echo(json.dumps(content, ensure_ascii=False, indent=1))
        return
    for number, table in enumerate((summary(opened), *details(opened.manifest))):
        if number:
            click.echo()
        base.print_table(table)


@corpus.command(
    epilog="Examples:\n\n\b\n  ledger run corpus check corpus\n"
    "  ledger run corpus check corpus --baselines --record --json"
)
@click.argument("folder", type=_FOLDER)
@click.option("--baselines", is_flag=True, help="Compute the baselines again too.")
@click.option(
    "--record/--no-record",
    default=False,
    show_default=True,
    help="Record how many checks passed and failed as a run.",
)
@base.ledger_option
@base.json_option
def check(
    folder: Path, baselines: bool, record: bool, ledger_dir: str | None, as_json: bool
) -> int:
    """Check all of FOLDER: digests, documents, split, counts, and that no window is on both sides.

    Exit code 0 when everything holds, 1 when something does not, 5 when the manifest is none, or a
    shard has another size than it says.
    """
    with base.bad_input(), step_bars() as report:
        from ml.corpus.checking import check as look_again

        found = look_again(folder, report, with_baselines=baselines)
    failed = sum(not finding.is_met for finding in found)
    name = ""
    if record:
        with base.open_ledger(ledger_dir) as ledger:
            name = f"{record_check(ledger, folder, found)}: "
    base.print_table(check_table(found), "json" if as_json else "table")
    base.say(f"{name}{len(found) - failed} PASS" + (f", {failed} FAIL" if failed else ""))
    return 1 if failed else 0


def _settings(folders: tuple[str, ...], asked: dict[str, Any]) -> "Settings":
    from ml.corpus.base import ALLOWED_LICENCES, Settings
    from ml.corpus.sources import standard_library

    return Settings(
        folders=[_folder(text, asked["license"]) for text in folders] or [standard_library()],
        licences=(*ALLOWED_LICENCES, *asked["allow"]),
        with_tests=asked["with_tests"],
        document_bytes=asked["document_bytes"],
        near_jaccard=asked["near"],
        held_out=asked["held_out"],
        vocabulary=asked["vocab"],
        tokenizer=asked["tokenizer"],
        end_token=asked["end_token"],
        training_bytes=asked["training_bytes"],
        window=asked["window"],
        shard_tokens=asked["shard_tokens"],
    )


def _folder(text: str, given: str | None) -> "Folder":
    """A folder with its licence: `src=MIT`, or `src` where one is given for all."""
    from ml.corpus.base import Folder

    path, sign, licence = text.rpartition("=")
    if not sign and given:
        path, licence = text, given
    if not path or not licence:
        raise base.BadArguments(
            f"{text} has no licence",
            hint="write FOLDER=SPDX, such as src=MIT, or give --license for all folders",
        )
    name = Path(path).resolve().name
    if not name.isprintable():
        raise base.BadArguments(f"{visible(name)!r} cannot name a folder", hint="rename it")
    return Folder(path=Path(path), name=name or "root", licence=licence)
