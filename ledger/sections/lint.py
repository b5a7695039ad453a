"""What a section lacks: front matter, headings, answers, cells that resolve, and typed numbers."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.errors import BadArguments, TemplateFailed
from ledger.render.answers import Answers
from ledger.render.cells import Footnotes
from ledger.render.pages import Record, render_source
from ledger.sections.kinds import Form, read_form
from ledger.sections.markdown import line_of, prose_of
from ledger.sections.source import Source, parse_source
from ledger.sections.typed import find_typed

if TYPE_CHECKING:
    import duckdb

_HEADING: Final = re.compile(r"^ {0,3}(#+)[ \t]+(.*?)[ \t]*#*$", re.MULTILINE)
_NUMBERED: Final = re.compile(r"^(?:§?\d+(?:\.\d+)*\.?[ \t]+)")
_OPEN: Final = re.compile(r"(?<!\S)\?\?(?!\S)")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:/-]*[A-Za-z0-9]")
#: So many numbers of the steps of one run are looked at.
_MOST_STEPS: Final = 100_000
_WHERE: Final = re.compile(r", line (\d+): ")


@attrs.frozen(slots=True, order=True)
class Finding:
    """One thing that is wrong with a section, by the line of its source; 0 where it has none."""

    line: int
    check: str
    text: str


def lint(name: str, data: bytes | str, db: "duckdb.DuckDBPyConnection") -> list[Finding]:
    """Everything wrong with the source of a section over the record behind `db`, by line."""
    try:
        source = parse_source(name, data)
        form = read_form(source.section_kind)
    except (TemplateFailed, BadArguments) as error:
        return [_failure("form", error)]
    found = [*_heading_findings(source, form), *_answer_findings(source, form)]
    record = Record(answers=Answers(db), marks={}, read_blob=_nothing)
    try:
        render_source(source.template(), record, Footnotes({}, record.ask))
    except TemplateFailed as error:
        found.append(_failure("cell" if "cell" in error.message else "form", error))
    cells = [*record.ask("cells", {}), *_step_cells(source, record)]
    found += [
        Finding(match.typed.line + source.body_line, "number", match.message())
        for match in find_typed(source.body, cells)
    ]
    return sorted(set(found))


def _step_cells(source: Source, record: Record) -> Iterator[dict[str, Any]]:
    """The steps of the runs that a section names, as cells."""
    words = set(_WORD.findall(source.body))
    runs = [row["run"] for row in record.ask("runs", {"reported": "no"}) if row["run"] in words]
    for run in dict.fromkeys(runs):
        for row in record.ask("curve", {"run": run})[:_MOST_STEPS]:
            name = f"{run} at step {row['step']}"
            yield {**row, "name": name, "unit": None, "what": "step"}


def _nothing(_digest: str) -> bytes:
    return b""


def _failure(check: str, error: TemplateFailed | BadArguments) -> Finding:
    """An error of reading or rendering, as a finding at its line."""
    match = _WHERE.search(error.message)
    if match is None:
        return Finding(0, check, f"{error.message}; {error.hint}")
    return Finding(int(match[1]), check, error.message[match.end() :])


def _key(heading: str) -> str:
    """A heading without its number, as it is compared."""
    return _NUMBERED.sub("", heading).strip(" *_:.?").casefold()


def _heading_findings(source: Source, form: Form) -> Iterator[Finding]:
    """Each heading of the form is there, with something below it."""
    prose = prose_of(source.body)
    found = list(_HEADING.finditer(prose))
    texts: dict[str, tuple[re.Match[str], str]] = {}
    for number, match in enumerate(found):
        deeper = (m for m in found[number + 1 :] if len(m[1]) <= len(match[1]))
        end = min((m.start() for m in deeper), default=len(source.body))
        heading = source.body[match.start(2) : match.end(2)]
        texts.setdefault(_key(heading), (match, source.body[match.end() : end]))
    for heading in form.headings:
        known = texts.get(_key(heading))
        if known is None:
            yield Finding(0, "heading", f"there is no heading {heading!r}")
        elif not _HEADING.sub("", known[1]).strip():
            line = line_of(source.body, known[0].start()) + source.body_line
            yield Finding(line, "heading", f"nothing stands below {heading!r}")


def _answer_findings(source: Source, form: Form) -> Iterator[Finding]:
    """Each answer of the form is there, and nothing is left open."""
    for label in form.answers:
        line = re.search(
            rf"^[ \t>]*(?:[-*+][ \t]+|\|[ \t]*)?\**{re.escape(label)}\**[ \t]*[:|]\**[ \t]*(.*)$",
            source.body,
            re.MULTILINE | re.IGNORECASE,
        )
        if line is None:
            yield Finding(0, "answer", f"there is no line '**{label}:** …'")
        elif not line[1].strip(" |*"):
            at = line_of(source.body, line.start()) + source.body_line
            yield Finding(at, "answer", f"{label} has no answer")
    prose = prose_of(source.body)
    for match in _OPEN.finditer(prose):
        at = line_of(prose, match.start())
        asked = source.body.split("\n")[at - 1].strip()
        yield Finding(at + source.body_line, "answer", f"not answered yet: {asked}")
