"""The audit: everything is computed again from the raw journal. The list of checks.

base.py        what a check is               segments.py    the ranges of a journal
reading.py     one range, every check        lines.py       order and chain; order.py exact blame
processes.py   several ranges at once        contents.py    what the entries say
merging.py     the ranges together           index.py       where each entry stands
findings.py    what there is to say          dependents.py  what rests on a bad entry
branches.py, standings.py                    what the rules ask, as the audit read it
"""

import contextlib
from collections.abc import Callable
from typing import Final

from ledger.audit.base import Block, Check, Finding, Seen, Severity
from ledger.audit.citations import CitationCheck
from ledger.audit.dependents import Bad
from ledger.audit.evidence import BlobCheck
from ledger.audit.imports import ImportCheck
from ledger.audit.merging import Merging, Report
from ledger.audit.processes import reading
from ledger.audit.sections import SectionCheck
from ledger.audit.segments import RANGE_BYTES, lay_out
from ledger.audit.streams import StreamCheck
from ledger.audit.verdicts import VerdictCheck
from ledger.audit.views import StateCheck, StoreCheck
from ledger.folder import Folder

CHECKS: Final[tuple[type[Check], ...]] = (
    StreamCheck,
    ImportCheck,
    CitationCheck,
    BlobCheck,
    SectionCheck,
    StateCheck,
    StoreCheck,
    VerdictCheck,
)


def audit(
    folder: Folder,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    processes: int | None = None,
    range_bytes: int = RANGE_BYTES,
    chain_only: bool = False,
) -> Report:
    """Audit a ledger. Reads only; heals and rebuilds nothing.

    `processes` read ranges of `range_bytes` of the journal; null means one a processor, and a
    journal of one range is read by this process. `chain_only` leaves the checks out.
    Raises `IntegrityError` where there is no journal, `StoreFailed` where it cannot be read or a
    process dies.
    """
    with contextlib.ExitStack() as stack:
        checks = []
        for check in () if chain_only else CHECKS:
            checks.append(check(folder))
            stack.callback(checks[-1].close)
        # After the checks looked where the views end: a view is never ahead of what is read here.
        layout = lay_out(folder, range_bytes)
        merging = Merging(folder, checks)
        read = stack.enter_context(reading(folder, layout, checks, processes))
        done = 0
        for range_ in layout.ranges:
            merging.take(range_, read(range_, merging.order))
            done += range_.end - range_.start
            if on_progress is not None:
                on_progress(done, layout.size)
        return merging.report(layout, is_whole=not chain_only)


__all__ = ["CHECKS", "Bad", "Block", "Check", "Finding", "Report", "Seen", "Severity", "audit"]
