"""The audit: everything is computed again from the raw journal. The list of checks.

segments.py   order, form and chain of the lines themselves
base.py       what a check is
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs

from ledger.audit.base import Check, Finding, Seen, Severity
from ledger.audit.citations import CitationCheck
from ledger.audit.evidence import BlobCheck
from ledger.audit.segments import read_lines
from ledger.audit.streams import StreamCheck
from ledger.audit.verdicts import VerdictCheck
from ledger.audit.views import StateCheck, StoreCheck
from ledger.folder import Folder

CHECKS: Final[tuple[type[Check], ...]] = (
    StreamCheck,
    CitationCheck,
    BlobCheck,
    StateCheck,
    StoreCheck,
    VerdictCheck,
)


@attrs.frozen(slots=True, kw_only=True)
class Report:
    """What an audit found, worst first, and how much it looked at."""

    entries: int
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings of this severity."""
        return Counter(finding.severity for finding in self.findings)[severity]

    @property
    def exit_code(self) -> int:
        """6 where the record is broken, 1 where something is unsupported, else 0."""
        return 6 if self.count("broken") else 1 if self.count("unsupported") else 0


_ORDER: Final[tuple[Severity, ...]] = ("broken", "unsupported", "note", "holds")


def audit(folder: Folder, on_progress: Callable[[int, int], None] | None = None) -> Report:
    """Audit a ledger. Reads only; heals and rebuilds nothing."""
    checks = [check(folder) for check in CHECKS]
    findings: list[Finding] = []
    entries = read = 0
    total = sum(path.stat().st_size for path in folder.journal.glob("*.log"))
    for item in read_lines(folder):
        if isinstance(item, Finding):
            findings.append(item)
            continue
        entries, read = entries + 1, read + len(item.data)
        for check in checks:
            findings += check.see(item)
        if on_progress is not None and entries % 1000 == 0:
            on_progress(read, total)
    for check in checks:
        findings += check.finish()
    findings.sort(key=lambda finding: _ORDER.index(finding.severity))
    return Report(entries=entries, findings=tuple(findings))


__all__ = ["CHECKS", "Check", "Finding", "Report", "Seen", "audit"]
