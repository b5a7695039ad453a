"""`ledger run qa`: the eight gates, each PASS, FAIL or SKIP, with its number and its threshold."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from executors import base
from executors.quality.starting import begin, open_file, settings_key, settings_of
from executors.quality.texts import Text, read_text
from executors.tracing.options import pass_options
from executors.tracing.prompt import read_prompt
from executors.tracing.recording import number

if TYPE_CHECKING:
    from ml.quality.gates import Subject, Verdict

CONTRACT: Final = "qa/1"
#: Tokens of the text that gates make up where none is given: one more than the steps they need.
_MADE_UP: Final = 129


@click.command(
    epilog="Examples:\n\n\b\n  ledger run qa model-Q4_K_M.gguf --other model-f16.gguf "
    "--golden golden.json\n"
    "  ledger run qa model.gguf --engine b --activation q8 --least-tokens-per-second 100 --strict\n"
    "  ledger run qa model.gguf --peer-logits logits.npy --peer-ids 319,75,75,78 --json\n"
    "  ledger run qa model.gguf --skip throughput --skip gpu-speed-up"
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--golden", type=click.Path(path_type=Path), metavar="FILE", help="Golden outputs.")
@click.option(
    "--other", type=click.Path(path_type=Path), metavar="MODEL",
    help="The same model in another format or packing.",
)  # fmt: skip
@click.option(
    "--peer-logits", type=click.Path(path_type=Path), metavar="FILE",
    help="Another program's logits of the last token: .npy, or bare float32.",
)  # fmt: skip
@click.option("--peer-ids", metavar="N,N,…", help="The ids that it computed them over.")
@click.option(
    "--text", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Text for what is compared step by step (else made-up ids).",
)  # fmt: skip
@click.option(
    "--require", "required_keys", multiple=True, metavar="KEY",
    help="Metadata that must be there, such as general.license; repeatable.",
)  # fmt: skip
@click.option(
    "--least-tokens-per-second", type=float, default=30.0, show_default=True,
    help="What decoding must reach.",
)  # fmt: skip
@click.option("--decode-tokens", type=click.IntRange(min=1), default=32, show_default=True,
              help="Tokens that are decoded to time it.")  # fmt: skip
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True,
              help="Tries that count.")  # fmt: skip
@click.option("--skip", "skipped", multiple=True, metavar="GATE", help="Leave out; repeatable.")
@click.option("--strict", is_flag=True, help="Exit code 1 for a gate that was skipped too.")
@pass_options
@base.ledger_option
@base.json_option
def qa(
    model: Path,
    text: Path | None,
    peer_ids: str | None,
    skipped: tuple[str, ...],
    strict: bool,
    ledger_dir: str | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - fields of Subject, and what a pass is computed by
) -> int:
    """Run the gates over MODEL: exit code 1 if one fails.

    A gate that has nothing to look at says SKIP and why, never PASS. Every number is recorded, so
    that `ledger judge` can hold criteria against it.
    """
    from ml.quality.gates import GATES

    unknown = sorted(set(skipped) - {gate.name for gate in GATES})
    if unknown:
        raise base.BadArguments(
            f"no gate is named {', '.join(unknown)}",
            hint=f"the gates are: {', '.join(gate.name for gate in GATES)}",
        )
    with base.open_ledger(ledger_dir) as ledger:
        subject = _subject(model, text, peer_ids, frozenset(skipped), asked)
        run, verdicts = record_qa(ledger, subject)
    base.print_table(_table(verdicts), "json" if as_json else "table")
    counts = {result: _count(verdicts, result) for result in ("PASS", "FAIL", "SKIP")}
    told = ", ".join(f"{count} {result}" for result, count in counts.items())
    base.say(f"{run}: {told}")
    return 1 if counts["FAIL"] or (strict and counts["SKIP"]) else 0


def _subject(
    path: Path,
    text: Path | None,
    peer_ids: str | None,
    skipped: frozenset[str],
    asked: dict[str, Any],
) -> "Subject":
    """What the gates look at. Raises `BadArguments` before a run begins."""
    from ml.quality.gates import Subject
    from ml.quality.passages import check_text
    from ml.quality.settings import request_for
    from ml.quality.speed import prompt_of

    settings, opened = settings_of(asked), open_file(path)
    if (asked["peer_logits"] is None) != (peer_ids is None):
        raise base.BadArguments(
            "--peer-logits and --peer-ids belong together",
            hint="give the ids that the other program computed its logits over",
        )
    chosen = {name: asked[name] for name in attrs.fields_dict(Subject) if name in asked}
    with base.bad_input():
        request_for(opened, settings)
        if text is None:
            length = min(_MADE_UP, opened.config.context_length)
            ids = prompt_of(length, opened.config.vocabulary)
        else:
            read: Text = read_text(path, text, None, bos=False)
            ids = check_text(read.ids, opened.config)
    peer = [] if peer_ids is None else read_prompt(path, peer_ids, None, None, bos=False)
    return Subject(
        path=path,
        model=opened,
        settings=settings,
        ids=ids,
        peer_ids=tuple(peer),
        skipped=skipped,
        **chosen,
    )


def record_qa(ledger: base.Ledger, subject: "Subject") -> "tuple[str, list[Verdict]]":
    """Run the gates and record them as they end; returns the run's name and the verdicts."""
    from ml.quality.gates import GATES, run_gate

    arguments = {
        "model": subject.path.name,
        "skipped": sorted(subject.skipped),
        "required_keys": list(subject.required_keys),
        "least_tokens_per_second": subject.least_tokens_per_second,
        "peer_ids": list(subject.peer_ids),
    }
    beginning = begin(
        {"model": subject.model}, subject.settings, arguments=arguments, inputs=_inputs(subject)
    )
    verdicts = []
    with base.progress("gates") as report, base.start(ledger, "qa", beginning.facts) as run:
        beginning.check_device()
        for done, gate in enumerate(GATES):
            report(done, len(GATES))
            verdicts.append(run_gate(gate, subject))
            _measure(run, subject, verdicts[-1], str(beginning.facts["device_observed"]))
        report(len(GATES), len(GATES))
        _measure_counts(run, subject, verdicts)
        return run.name, verdicts


def _inputs(subject: "Subject") -> dict[str, str]:
    """Digests of what the model is held against; a file that cannot be read fails its gate."""
    import hashlib

    from ml.containers import open_container
    from ml.containers.base import map_file
    from ml.errors import MlError

    found = {}
    for role, path in (("golden", subject.golden), ("peer_logits", subject.peer_logits)):
        if path is not None:
            with contextlib.suppress(MlError):
                found[role] = f"sha256:{hashlib.sha256(map_file(path)).hexdigest()}"
    if subject.other is not None:
        with contextlib.suppress(MlError):
            found["other"] = f"sha256:{open_container(subject.other).digest()}"
    return found


def _measure(run: base.Run, subject: "Subject", verdict: "Verdict", device: str) -> None:
    """Record a gate: its number if it has one, and what it said."""
    key = {
        "contract": CONTRACT,
        "model": f"sha256:{subject.model.container.digest()}",
        "gate": verdict.gate.name,
        **settings_key(subject.settings, device),
    }
    if verdict.value is not None:
        own = key if verdict.n is None else {**key, "n": verdict.n}
        run.measure(verdict.gate.metric, number(verdict.value), verdict.gate.unit, own)
    threshold = f"{verdict.gate.operator} {verdict.threshold:g} {verdict.gate.unit}"
    told = {**key, "threshold": threshold, "reason": verdict.reason[:500]}
    run.measure("qa_gate", verdict.result, None, told)


def _measure_counts(run: base.Run, subject: "Subject", verdicts: "list[Verdict]") -> None:
    key = {
        "contract": CONTRACT,
        "model": f"sha256:{subject.model.container.digest()}",
        "n": len(verdicts),
    }
    for result, name in (("PASS", "passed"), ("FAIL", "failed"), ("SKIP", "skipped")):
        run.measure(f"qa_gates_{name}", _count(verdicts, result), "count", key)


def _count(verdicts: "list[Verdict]", result: str) -> int:
    return sum(verdict.result == result for verdict in verdicts)


def _table(verdicts: "list[Verdict]") -> base.Table:
    rows = tuple(
        (
            verdict.gate.name,
            verdict.result,
            verdict.value,
            verdict.gate.operator,
            verdict.threshold,
            verdict.gate.unit,
            verdict.reason,
        )
        for verdict in verdicts
    )
    columns = ("gate", "result", "value", "must_be", "threshold", "unit", "reason")
    return base.Table(columns, rows)
