"""`ledger audit`: recompute everything and say what does not hold."""

from typing import TYPE_CHECKING, Any, Final

import click

from ledger.cli.base import json_option, ledger_option, print_table, progress, say, to_json
from ledger.errors import BadArguments, IntegrityError
from ledger.folder import Folder, find_folder
from ledger.queries.base import Table

if TYPE_CHECKING:
    from ledger.audit import Bad, Report
    from ledger.replay import Examined

_COLUMNS: Final = ("severity", "check", "position", "hash", "message")
#: Bad entries, and entries that rest on one, that are named to people; `--json` has more.
_NAMED: Final = 10
#: Entries that a line about a reported statement names; `--json` has all.
_POSITIONS: Final = 6
#: Severities of findings on reported statements that make the exit code 1.
_COUNT: Final = ("fault", "suspect")
_SEVERITIES: Final = (*_COUNT, "undetermined")


@click.command(
    epilog="Examples:\n\n\b\n  ledger audit\n  ledger audit --json | jq '.[] | select(.severity == "
    '"broken")\'\n  ledger audit --chain --processes 4\n  ledger audit --replay\n'
    "  ledger audit --strict"
)
@ledger_option
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Read with N processes (else one a processor, at most 8; a small journal with one).",
)
@click.option("--chain", is_flag=True, help="Verify order, hashes and chain alone: the quick part.")
@click.option("--replay", is_flag=True, help="Print what reported statements contradict, alone.")
@click.option("--strict", is_flag=True, help="Findings on reported statements count as well.")
@json_option
def audit(
    ledger_dir: str | None,
    processes: int | None,
    chain: bool,
    replay: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Audit the whole ledger, from the raw journal.

    Checks the chain, the numbering of streams, the form of every event, citations, blobs, that
    database and state agree with the journal, and that every verdict this ledger gave still
    follows from measured evidence. Names the first bad entry, and what rests on it. Exit code 0
    when all of it holds, 1 when something is unsupported, 6 when the record itself is broken.

    What others reported is no part of that: it was said, whether or not it is so. --replay holds
    reported statements against one another by their numbers, names and edges, and --strict does so
    beside the rest; then the exit code is 1 where one is a fault or suspect. One whose order in
    time nobody stated is undetermined, and does not count.
    """
    from ledger import audit as auditing

    if chain and (replay or strict):
        raise BadArguments(
            "--chain looks at order and hashes alone", hint="leave out --chain, or the other"
        )
    folder = find_folder(ledger_dir)
    with progress("auditing") as report_progress:
        report = auditing.audit(folder, report_progress, processes=processes, chain_only=chain)
    is_broken = report.exit_code == IntegrityError.exit_code
    findings, where = _examine(folder) if (replay or strict) and not is_broken else ([], {})
    if replay:
        _print_replay(report, findings, where, as_json=as_json)
    else:
        _print_audit(report, findings, where, as_json=as_json)
    say(_sentence(report))
    if (replay or strict) and not is_broken:
        counts = [sum(found.severity == each for found in findings) for each in _SEVERITIES]
        words = ", ".join(f"{n} {each}" for n, each in zip(counts, _SEVERITIES, strict=True))
        say(f"reported statements: {words}")
    is_faulty = any(found.severity in _COUNT for found in findings)
    return report.exit_code or int(is_faulty)


def _examine(folder: Folder) -> tuple[list["Examined"], dict[int, dict[str, object]]]:
    """What the replay finds, and where the entries stand that it names."""
    from ledger import replay
    from ledger.store.reader import open_reader

    with progress("reading the journal") as report, open_reader(folder, on_progress=report) as db:
        findings = replay.examine(db)
        return findings, replay.places(db, findings)


def _print_replay(
    report: "Report",
    findings: list["Examined"],
    where: dict[int, dict[str, object]],
    *,
    as_json: bool,
) -> None:
    """Findings on reported statements; where the record is broken, that instead."""
    if as_json:
        click.echo(to_json(_broken(report) + [_object(f, where) for f in findings], indent=1))
        return
    if report.count("broken"):
        _print_audit(report, [], {}, as_json=False)
        return
    groups: dict[str, list[Examined]] = {}
    for found in findings:
        groups.setdefault(found.rule, []).append(found)
    for number, (rule, group) in enumerate(groups.items()):
        if number:
            click.echo()
        click.secho(f"{rule} ({len(group)})", bold=True)
        for one in group:
            click.echo(f"  {one.severity}  {one.subject} [{_named(one.events)}]: {one.message}")


def _named(events: tuple[int, ...]) -> str:
    """Positions of the entries, the first of them."""
    more = ", …" if len(events) > _POSITIONS else ""
    return ", ".join(map(str, events[:_POSITIONS])) + more


def _object(found: "Examined", where: dict[int, dict[str, object]]) -> dict[str, Any]:
    """A finding as `--json` shows it."""
    return {
        "rule": found.rule,
        "severity": found.severity,
        "subject": found.subject,
        "events": [where[position] for position in found.events],
        "numbers": dict(found.numbers),
        "message": found.message,
    }


def _broken(report: "Report") -> list[dict[str, Any]]:
    """What is wrong with the record itself, in the same form."""
    return [
        {
            "rule": f"audit/{found.check}",
            "severity": found.severity,
            "subject": None,
            "events": []
            if found.position is None
            else [{"position": found.position, "hash": found.hash, "line": None}],
            "numbers": {},
            "message": found.message,
        }
        for found in report.findings
        if found.severity == "broken"
    ]


def _print_audit(
    report: "Report",
    findings: list["Examined"],
    where: dict[int, dict[str, object]],
    *,
    as_json: bool,
) -> None:
    """Findings of the checks, and after them those on reported statements."""
    rows = tuple(tuple(getattr(found, name) for name in _COLUMNS) for found in report.findings)
    rows += tuple(
        (f.severity, f"replay/{f.rule}", f.events[0], where[f.events[0]]["hash"], f.message)
        for f in findings
    )
    if as_json:
        dependents = [found.dependents for found in report.findings] + [None] * len(findings)
        more = tuple((*row, rest) for row, rest in zip(rows, dependents, strict=True))
        print_table(Table((*_COLUMNS, "dependents"), more), "json")
    elif rows:
        shown = tuple((s, c, p, h and h[:17] + "…", m) for s, c, p, h, m in rows)
        print_table(Table(_COLUMNS, shown))
        _print_bad(report)


def _print_bad(report: "Report") -> None:
    """Name the first bad entries, and what rests on them."""
    if not report.bad:
        return
    click.echo()
    for number, bad in enumerate(report.bad[:_NAMED]):
        click.echo(("first bad entry: " if number == 0 else "") + _describe(bad))
    if len(report.bad) > _NAMED:
        click.echo(f"and {len(report.bad) - _NAMED} more bad entries")


def _describe(bad: "Bad") -> str:
    """One bad entry in a sentence."""
    entry = f"position {bad.entry.position}" + (f" ({bad.entry.what})" if bad.entry.what else "")
    count = len(bad.dependents)
    if not count:
        return f"{entry}; nothing rests on it"
    named = [f"{found.what} at {found.position}" for found in bad.dependents[:_NAMED]]
    more = f" and {count - _NAMED} more" if count > _NAMED else ""
    rest = "1 entry rests" if count == 1 else f"{count} entries rest"
    return f"{entry}; {rest} on it: {', '.join(named)}{more}"


def _sentence(report: "Report") -> str:
    broken, unsupported = report.count("broken"), report.count("unsupported")
    entries = f"{report.entries} entries"
    if broken:
        return f"{entries}: the record is BROKEN in {broken} places"
    if not report.is_whole:
        return f"{entries}: order, hashes and chain are sound; nothing else was looked at"
    if unsupported:
        return f"{entries}: integrity is sound, {unsupported} findings without support"
    return f"{entries}: integrity is sound, every verdict of this ledger is supported"
