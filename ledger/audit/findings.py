"""The findings of an audit: in one order whoever read what, counted, and bounded in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from ledger.audit.base import Finding, Severity

#: Worst first.
SEVERITIES: Final[tuple[Severity, ...]] = ("broken", "unsupported", "note", "holds")
#: Findings of one check that are kept of each of the first two: the others are counted.
_KEPT: Final = 10_000
COUNTED: Final = ("broken", "unsupported")


class Findings:
    """Findings as they come in."""

    def __init__(self, checks: Sequence[str]) -> None:
        self._ranks = {name: rank for rank, name in enumerate(checks)}
        self._kept: list[Finding] = []
        self.counts: Counter[Severity] = Counter()
        self._by_check: Counter[tuple[Severity, str]] = Counter()

    def add(self, findings: Iterable[Finding]) -> None:
        """Count these, and keep them while there is room."""
        for finding in findings:
            key = finding.severity, finding.check
            self.counts[finding.severity] += 1
            self._by_check[key] += 1
            if finding.severity not in COUNTED or self._by_check[key] <= _KEPT:
                self._kept.append(finding)

    def listed(self) -> list[Finding]:
        """Worst first, then by position, then by check; and how many were not kept.

        The order says nothing of who read which range first.
        """
        more = [
            Finding(
                severity=severity,
                check=check,
                position=None,
                hash=None,
                message=f"and {count - _KEPT} more of the same",
            )
            for (severity, check), count in self._by_check.items()
            if severity in COUNTED and count > _KEPT
        ]
        return sorted([*self._kept, *more], key=self._rank)

    def _rank(self, finding: Finding) -> tuple[int, bool, int, int, str, str]:
        return (
            SEVERITIES.index(finding.severity),
            finding.position is None,
            finding.position or 0,
            self._ranks.get(finding.check, len(self._ranks)),
            finding.message,
            finding.hash or "",
        )
