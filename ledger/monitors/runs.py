"""Runs as monitors see them, read out of the store one after the other.

The steps of one run are in memory at a time, and of a very long one `STEPS_READ` of them: half from
its beginning, half from its end, so that ten million steps are no matter. All SQL is in named
queries.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ledger.monitors.base import Epoch, Result, RunView, StateHash, Step, Twin
from ledger.monitors.settings import differing, neutral
from ledger.queries import find_query

if TYPE_CHECKING:
    import duckdb

#: A step takes about half a kilobyte here: 100,000 of them 50 MB.
STEPS_READ: Final = 100_000
#: So many runs are asked about together: a question costs more than what it brings back.
RUNS_TOGETHER: Final = 500
#: A hundred runs with the same losses say no more than so many.
MOST_TWINS: Final = 20

_Key = tuple[str, bool]


def read_runs(
    db: "duckdb.DuckDBPyConnection", of: str | None = None, *, reported: bool | None = None
) -> Iterator[RunView]:
    """Runs in the order of their starts, each made when it is asked for; `of` names one alone.

    `reported`: only runs that others reported, or only this ledger's own.
    """
    whose = None if reported is None else "yes" if reported else "no"
    started: dict[_Key, dict[str, Any]] = {}
    for row in _ask(db, "run_settings", run=of, reported=whose):
        started.setdefault(_key(row), row)  # a run that others started twice is one run
    twins, hashes = _Twins(db, of), _hashes(db, of)
    counts = {_key(row): row for row in _ask(db, "run_step_counts", run=of)}
    rows = list(started.values())
    for first in range(0, len(rows), RUNS_TOGETHER):
        group = rows[first : first + RUNS_TOGETHER]
        about = {"run": of, "since": group[0]["position"], "until": group[-1]["position"]}
        results = _grouped(_ask(db, "run_results", **about))
        epochs = _grouped([{**row, "reported": True} for row in _ask(db, "run_epochs", **about)])
        for row in group:
            key = _key(row)
            yield _view(
                row,
                steps=_steps(db, key, counts.get(key)),
                epochs=tuple(_epoch(found) for found in epochs.get(key, ())),
                results=tuple(_result(found) for found in results.get(key, ())),
                state_hashes=hashes.get(key, ()),
                twins=twins.of(*key),
            )


def _view(row: Mapping[str, Any], *, steps: "_Steps", **more: Any) -> RunView:  # noqa: ANN401
    reported, body = bool(row["reported"]), row["body"]
    settings = settings_of(body, reported=reported)
    said = settings if reported else body
    return RunView(
        run=row["run"],
        position=row["position"],
        reported=reported,
        # Others name one device; where they also say which one computed, it is the one asked for.
        device_asked=said.get("device_asked") or (settings.get("device") if reported else None),
        device_observed=said.get("device_observed"),
        provenance=str(said.get("provenance") or "asserted"),
        settings=settings,
        ended=row["end_kind"] is not None,
        failed=row["end_kind"] == "run.failed",
        steps=steps[0],
        steps_recorded=steps[1],
        **more,
    )


_Steps = tuple[tuple[Step, ...], int]


def _steps(db: "duckdb.DuckDBPyConnection", key: _Key, count: Mapping[str, Any] | None) -> _Steps:
    """The steps of a run and how many there are; nobody is asked where there are none."""
    if count is None:
        return (), 0
    about = {"since": count["first_position"], "until": count["position"], "most": STEPS_READ}
    whose = "yes" if key[1] else "no"
    steps = _ask(db, "run_steps", run=key[0], reported=whose, **about)
    return tuple(_step(step) for step in steps), steps[0]["total"]


def _hashes(db: "duckdb.DuckDBPyConnection", of: str | None) -> dict[_Key, tuple[StateHash, ...]]:
    """For each reported run every epoch, its own too, with a digest that it states."""
    by_digest: dict[str, list[StateHash]] = defaultdict(list)
    for row in _ask(db, "run_state_hashes", run=of):
        by_digest[row["digest"]].append(_state_hash(row))
    found: dict[_Key, list[StateHash]] = defaultdict(list)
    for group in by_digest.values():
        for run in dict.fromkeys(one.run for one in group):
            found[run, True] += group
    return {key: tuple(group) for key, group in found.items()}


def _key(row: Mapping[str, Any]) -> _Key:
    return row["run"], bool(row["reported"])


def _grouped(rows: Iterable[Mapping[str, Any]]) -> dict[_Key, list[Mapping[str, Any]]]:
    found: dict[_Key, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[_key(row)].append(row)
    return found


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


def _epoch(row: Mapping[str, Any]) -> Epoch:
    return Epoch(**{name: row[name] for name in row if name not in ("run", "reported")})


def _result(row: Mapping[str, Any]) -> Result:
    names = ("position", "name", "value", "provenance")
    return Result(**{name: row[name] for name in names})


def _state_hash(row: Mapping[str, Any]) -> StateHash:
    return StateHash(
        position=row["position"],
        digest=row["digest"],
        run=row["run"],
        epoch=row["epoch"],
        losses=(row["train_loss"], row["val_loss"]),
    )


def _step(row: Mapping[str, Any]) -> Step:
    found = zip(row["metrics"] or (), row["numbers"] or (), strict=True)
    metrics = {name: value for name, value in found if value is not None}
    return Step(position=row["position"], step=row["step"], metrics=metrics)


class _Twins:
    """Runs whose first losses are the same; asked once for all of them."""

    def __init__(self, db: "duckdb.DuckDBPyConnection", of: str | None) -> None:
        groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in _ask(db, "run_first_losses", run=of):
            groups[row["digest"]].append(row)
        self._groups: dict[_Key, list[list[Mapping[str, Any]]]] = defaultdict(list)
        for rows in groups.values():
            for key in dict.fromkeys(_key(row) for row in rows) if len(rows) > 1 else ():
                self._groups[key].append(rows)
        self._settings: dict[_Key, dict[str, Any]] = {}
        if self._groups:
            for row in _ask(db, "run_settings"):
                self._settings[_key(row)] = settings_of(row["body"], reported=bool(row["reported"]))

    def of(self, run: str, reported: bool) -> tuple[Twin, ...]:
        """The twins of one run, in the order of the record; of very many the first ones."""
        found = []
        mine = self._settings.get((run, reported), {})
        for rows in self._groups.get((run, reported), ()):
            for row in [row for row in rows if _key(row) != (run, reported)][:MOST_TWINS]:
                found.append(
                    Twin(
                        position=row["position"],
                        run=row["run"],
                        losses=row["losses"],
                        distinct_losses=row["distinct_losses"],
                        differs=differing(mine, self._settings.get(_key(row), {})),
                    )
                )
        return tuple(sorted(found, key=lambda twin: twin.position))


def _ask(db: "duckdb.DuckDBPyConnection", name: str, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return find_query(name).run(db, given).objects()
