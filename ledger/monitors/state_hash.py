"""One digest of the optimizer's state for different losses: it is not a digest of the state."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView

#: One digest twice is enough: two states with one SHA-256 do not happen. The losses must differ:
#: a run repeated with the same numbers may end in the same state.
LEAST_DIGESTS: Final = 1


def check(view: RunView) -> Iterable[Mark]:
    """The digests of this run that stand beside other losses elsewhere, too."""
    mine = {
        epoch.position: (epoch.train_loss, epoch.val_loss)
        for epoch in view.epochs
        if epoch.optimizer_state_sha is not None
    }
    by_digest: dict[str, list[int]] = {}
    runs: set[str] = set()
    for epoch in view.epochs:
        for other in view.state_hashes:
            if other.digest != epoch.optimizer_state_sha or other.position == epoch.position:
                continue
            if other.losses != mine[epoch.position]:
                by_digest.setdefault(other.digest, [epoch.position]).append(other.position)
                runs.add(other.run)
    if len(by_digest) < LEAST_DIGESTS:
        return
    events = dict.fromkeys(position for found in by_digest.values() for position in found)
    yield Mark(
        monitor=MONITOR.name,
        mark="SUSPECT",
        why=f"{len(by_digest)} of its optimizer states have the digest of another epoch with other "
        f"losses ({', '.join(sorted(runs))})",
        events=tuple(events),
        numbers={"digests": len(by_digest), "epochs": len(mine), "runs": sorted(runs)},
    )


MONITOR: Final = Monitor(
    name="state-hash",
    sees="One digest of the optimizer's state beside different losses.",
    mark="SUSPECT",
    check=check,
)
