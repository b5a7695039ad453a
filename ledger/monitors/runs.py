"""Runs as monitors see them, read out of the store one after the other.

One run is in memory at a time, and of a very long one `STEPS_READ` steps: half from its beginning,
half from its end, so that a ledger of ten million steps is no matter. All SQL is in named queries.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ledger.monitors.base import Epoch, Result, RunView, StateHash, Step, Twin
from ledger.monitors.settings import differing, neutral
from ledger.queries import find_query

if TYPE_CHECKING:
    import duckdb

#: A step takes about half a kilobyte here: 100,000 of them 50 MB.
STEPS_READ: Final = 100_000


def read_runs(
    db: "duckdb.DuckDBPyConnection", of: str | None = None, *, reported: bool | None = None
) -> Iterator[RunView]:
    """Runs in the order of their starts, each read when it is asked for; `of` names one alone.

    `reported`: only runs that others reported, or only this ledger's own.
    """
    whose = None if reported is None else "yes" if reported else "no"
    started = _ask(db, "run_settings", run=of, reported=whose)
    twins = _Twins(db, of)
    seen: set[tuple[str, bool]] = set()
    for row in started:
        key = (row["run"], row["reported"])
        if key not in seen:  # a run that others started twice is one run
            seen.add(key)
            yield _read(db, row, twins)


def _read(db: "duckdb.DuckDBPyConnection", row: Mapping[str, Any], twins: "_Twins") -> RunView:
    run, reported = row["run"], bool(row["reported"])
    settings = settings_of(row["body"], reported=reported)
    whose = "yes" if reported else "no"
    since = None if reported else row["position"]
    steps = _ask(db, "run_steps", run=run, reported=whose, since=since, most=STEPS_READ)
    epochs = _ask(db, "run_epochs", run=run) if reported else []
    results = _ask(db, "run_results", run=run, reported=whose)
    hashes = _ask(db, "run_state_hashes", run=run) if reported else []
    body = row["body"]
    return RunView(
        run=run,
        position=row["position"],
        reported=reported,
        device_asked=settings.get("device_asked") if reported else body["device_asked"],
        device_observed=settings.get("device_observed") if reported else body["device_observed"],
        provenance=str(settings.get("provenance", "asserted") if reported else body["provenance"]),
        settings=settings,
        ended=row["end_kind"] is not None,
        failed=row["end_kind"] == "run.failed",
        steps=tuple(_step(step) for step in steps),
        steps_recorded=steps[0]["total"] if steps else 0,
        epochs=tuple(
            Epoch(**{name: value for name, value in epoch.items() if name != "run"})
            for epoch in epochs
        ),
        results=tuple(
            Result(
                position=found["position"],
                name=found["name"],
                value=found["value"],
                provenance=found["provenance"],
            )
            for found in results
        ),
        state_hashes=tuple(
            StateHash(
                position=found["position"],
                digest=found["digest"],
                run=found["run"],
                epoch=found["epoch"],
                losses=(found["train_loss"], found["val_loss"]),
            )
            for found in hashes
        ),
        twins=twins.of(run, reported),
    )


def settings_of(body: Mapping[str, Any], *, reported: bool) -> dict[str, Any]:
    """Settings that the start of a run states, under neutral names."""
    if reported:
        fields = ("model", "device", "seed", "vocabulary", "sequence_length", "batch")
        return neutral(
            {**body["rest"], **{name: body[name] for name in fields if body[name] is not None}},
            reported=True,
        )
    stated = {**body["arguments"], "seed": body["seed"], "device": body["device_observed"]}
    stated["model"] = body["inputs"].get("model") or body["model"].get("name")
    stated["corpus"] = body["inputs"].get("corpus") or stated.get("corpus")
    return neutral(stated, reported=False)


def _step(row: Mapping[str, Any]) -> Step:
    found = zip(row["metrics"] or (), row["numbers"] or (), strict=True)
    metrics = {name: value for name, value in found if value is not None}
    return Step(position=row["position"], step=row["step"], metrics=metrics)


class _Twins:
    """Runs whose first losses are the same; asked once for all of them."""

    def __init__(self, db: "duckdb.DuckDBPyConnection", of: str | None) -> None:
        self._groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in _ask(db, "run_first_losses", run=of):
            self._groups[row["digest"]].append(row)
        self._groups = {key: rows for key, rows in self._groups.items() if len(rows) > 1}
        self._settings: dict[tuple[str, bool], dict[str, Any]] = {}
        if self._groups:
            for row in _ask(db, "run_settings"):
                key = (row["run"], bool(row["reported"]))
                self._settings[key] = settings_of(row["body"], reported=key[1])

    def of(self, run: str, reported: bool) -> tuple[Twin, ...]:
        """The twins of one run, in the order of the record."""
        found = []
        for rows in self._groups.values():
            if not any((row["run"], row["reported"]) == (run, reported) for row in rows):
                continue
            for row in rows:
                if (row["run"], row["reported"]) == (run, reported):
                    continue
                mine = self._settings.get((run, reported), {})
                other = self._settings.get((row["run"], bool(row["reported"])), {})
                found.append(
                    Twin(
                        position=row["position"],
                        run=row["run"],
                        losses=row["losses"],
                        distinct_losses=row["distinct_losses"],
                        differs=differing(mine, other),
                    )
                )
        return tuple(sorted(found, key=lambda twin: twin.position))


def _ask(db: "duckdb.DuckDBPyConnection", name: str, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return find_query(name).run(db, given).objects()
