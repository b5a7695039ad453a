"""The ranges together: their parts, taken in the order of the journal, become one report."""

import functools
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from ledger.audit.base import Check, Finding, Severity
from ledger.audit.dependents import Bad, find_bad
from ledger.audit.findings import COUNTED, Findings
from ledger.audit.index import Index
from ledger.audit.order import Break, Order
from ledger.audit.reading import NAME, Part, read_block
from ledger.audit.segments import Layout, Range
from ledger.folder import Folder
from ledger.journal.line import chain_start

#: Places where the chain breaks that are kept, to see what stood there.
_BREAKS: Final = 10_000


@attrs.frozen(slots=True, kw_only=True)
class Report:
    """What an audit found, worst first, and how much it looked at.

    `counts` has the findings that are not listed too. `bad`: the first entries that are not sound,
    with what rests on them. `is_whole`: whether more than the chain was looked at.
    """

    entries: int
    findings: tuple[Finding, ...]
    counts: dict[Severity, int]
    bad: tuple[Bad, ...]
    is_whole: bool

    def count(self, severity: Severity) -> int:
        """How many findings of this severity."""
        return self.counts.get(severity, 0)

    @property
    def exit_code(self) -> int:
        """6 where the record is broken, 1 where something is unsupported, else 0."""
        return 6 if self.count("broken") else 1 if self.count("unsupported") else 0


class Merging:
    """What the ranges gave, taken in their order."""

    def __init__(self, folder: Folder, checks: Sequence[Check]) -> None:
        self._folder = folder
        self._checks = checks
        self._findings = Findings((NAME, *(check.name for check in checks)))
        self._breaks: list[Break] = []
        self._index = Index(folder)
        self._entries = 0
        self.order = Order.after(0, chain_start(folder.origin))

    def take(self, range_: Range, part: Part) -> None:
        """Take the part of the next range."""
        self.order = part.following
        self._entries += part.entries
        self._findings.add(part.findings)
        self._breaks += part.breaks[: _BREAKS - len(self._breaks)]
        block = functools.partial(read_block, self._folder, range_, part.order)
        self._index.add(
            range_,
            prefixes=part.prefixes,
            others=part.others,
            citations=part.citations,
            block=block,
        )
        for event in part.branch_events:
            self._index.branches.take(event)
        for check, collected in zip(self._checks, part.collected, strict=True):
            self._findings.add(check.merge(collected, self._index))

    def report(self, layout: Layout, *, is_whole: bool) -> Report:
        """What can be said at the end."""
        self._index.last = self.order.position - 1
        self._findings.add(self._tail(layout))
        for check in self._checks:
            self._findings.add(check.finish(self._index))
        findings = self._findings.listed()
        bad = find_bad(findings, self._breaks, self._index) if is_whole else ()
        rests = {each.entry.position: tuple(d.position for d in each.dependents) for each in bad}
        return Report(
            entries=self._entries,
            findings=tuple(
                attrs.evolve(finding, dependents=rests[finding.position])
                if finding.severity in COUNTED and finding.position in rests
                else finding
                for finding in findings
            ),
            counts=dict(self._findings.counts),
            bad=bad,
            is_whole=is_whole,
        )

    def _tail(self, layout: Layout) -> Iterator[Finding]:
        if not layout.torn:
            return
        what = "belong to a batch that was cut short" if layout.is_cut else "are no whole line"
        message = f"the last {layout.torn} bytes {what}: a crash; the next append heals it"
        yield Finding(
            severity="note", check=NAME, position=self.order.position, hash=None, message=message
        )
