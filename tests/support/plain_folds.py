"""Every typed table folded in plain Python, entry by entry: slow, and independent of the SQL.

`fold(entries)` takes (position, hash, parsed E) of one ledger and gives the rows of each table.
JSON columns are compared as values, so they come as such.
"""

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from plain_section_folds import SECTION_FOLDS

Row = tuple[Any, ...]
Fold = Callable[[int, str, dict[str, Any]], Iterable[Row]]


def number(value: object) -> float | None:
    """A number as a double; the three spelled ones, too."""
    if isinstance(value, bool) or value is None:
        return None
    return float(value) if isinstance(value, (int, float, str)) else None


def small(value: int | None) -> int | None:
    """A 32-bit integer; null where it is none."""
    return value if value is not None and -(2**31) <= value < 2**31 else None


def runs(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Starts of runs."""
    b = entry["body"]
    if entry["kind"] == "run.started":
        model, inputs = b["model"].get("name"), b["inputs"]
        at = datetime(1970, 1, 1) + timedelta(microseconds=entry["recorded_at"])
        yield (
            *(position, hash_, b["run"], False, b["executor"], b["provenance"], text(model)),
            *(inputs.get("model"), inputs.get("tokens"), text(b["arguments"].get("engine"))),
            *(b["device_asked"], b["device_observed"], b["dtype"], b["seed"], at),
        )
    elif entry["kind"] == "run.reported":
        yield (
            *(position, hash_, b["subject"], True, None, "asserted", b["model"]),
            *(None, None, None, None, b["device"], None, b["seed"], None),
        )


def text(value: object) -> str | None:
    """A value that is text, or nothing; others are left to the strangest tests."""
    return value if isinstance(value, str) else None


def run_ends(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Ends of runs, and where one went on."""
    b, kind = entry["body"], entry["kind"]
    if kind == "run.resumed":
        yield position, hash_, b["run"], False, "open", None, None
    elif kind in ("run.finished", "run.failed"):
        outcome = kind.removeprefix("run.")
        yield position, hash_, b["run"], False, outcome, number(b["wall_ms"]), b.get("reason")
    elif kind == "outcome.reported":
        reason = text(b["rest"].get("reason"))
        yield position, hash_, b["subject"], True, b["status"] or "ended", None, reason


def step_metrics(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Training steps."""
    b = entry["body"]
    if entry["kind"] in ("step.taken", "step.reported"):
        names = list(b["metrics"])
        values = [number(value) for value in b["metrics"].values()]
        yield position, b["run"], entry["kind"] == "step.reported", b["step"], names, values


def epochs(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Epochs that others reported."""
    b = entry["body"]
    if entry["kind"] == "epoch.reported":
        losses = (number(b[name]) for name in ("train_loss", "val_loss", "wall_seconds"))
        rest = (b["tokens_seen"], number(b["grad_norm_max"]), b["optimizer_state_sha"])
        yield position, b["run"], b["epoch"], *losses, *rest


def traces(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Traces."""
    b = entry["body"]
    if entry["kind"] == "trace.captured" and b["part"] == 0:
        yield position, hash_, b["run"], b["provenance"], b["blob"], b["identity"], b["path"]


def trace_points(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Points of traces."""
    b = entry["body"]
    if entry["kind"] != "trace.captured":
        return
    for index, (point, layer, width, rows) in enumerate(b["points"]):
        for scope, table in (("all", b["all_rows"]), ("last", b["last_row"])):
            given = dict(reversed(list(zip(b["columns"], table[index], strict=True))))
            s = {name: number(value) for name, value in given.items()}
            count, m2 = s.get("count"), s.get("m2")
            std = None
            if count is not None and m2 is not None and count > 1 and m2 >= 0:
                std = math.sqrt(m2 / (count - 1))
            infinite = (s.get("pos_inf_count"), s.get("neg_inf_count"))
            yield (
                *(position, b["run"], index + 1, point, small(layer), width, rows, scope),
                *(count, s.get("mean"), std, s.get("min"), s.get("max"), s.get("abs_sum")),
                *(s.get("nan_count"), None if None in infinite else sum(infinite)),
                s.get("zero_count"),
            )


def tensors(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Activations kept whole."""
    b = entry["body"]
    if entry["kind"] == "tensors.kept":
        for index, (point, layer, tokens, width) in enumerate(b["tensors"]):
            blob = b["blobs"][index]
            yield position, b["run"], index + 1, point, small(layer), tokens, width, blob


def comparisons(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Comparisons."""
    b = entry["body"]
    if entry["kind"] == "comparison.made" and b["part"] == 0:
        first = b["first_divergence"] or {}
        yield (
            *(position, hash_, b["run"], b["run_a"], b["run_b"], b["result"]),
            *(b["identity_differences"], b["path_differences"], number(b["threshold"])),
            *(text(first.get("point")), small(whole(first.get("layer")))),
            number(first.get("distance")),
        )


def whole(value: object) -> int | None:
    """A value that is a whole number, or nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def comparison_points(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Points of comparisons."""
    b = entry["body"]
    if entry["kind"] != "comparison.made":
        return
    for index, (point, layer) in enumerate(b["points"]):
        row = b["rows"][index] if index < len(b["rows"]) else []
        s = dict(reversed(list(zip(b["columns"], row, strict=False))))
        distances = number(s.get("median_distance")), number(s.get("max_distance"))
        rest = whole(s.get("max_row")), number(s.get("std_ratio"))
        yield position, b["run"], index + 1, point, small(layer), *distances, *rest


def measurements(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Numbers."""
    b = entry["body"]
    if entry["kind"] == "measurement.taken":
        value = b["value"]
        try:
            found = number(value)
        except ValueError:
            found = None
        rest = value, b["unit"], b["provenance"], b["key"]
        yield position, hash_, b["run"], b["metric"], found, *rest


def criteria(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Declarations."""
    b, kind = entry["body"], entry["kind"]
    if kind not in ("criterion.declared", "criterion.reported"):
        return
    what = b["model"], b["title"], b["metric"], b["operator"], b["threshold"], b["unit"]
    if kind == "criterion.declared":
        names = b["criterion"], b["criterion"], b.get("family") or "criterion", False
        terms = b.get("contract"), list(b.get("requires") or ()), b.get("seen")
        yield position, hash_, *names, *what, b["blocking"], b["binding"], *terms
    else:
        row = b["subject"] if b["falsifier"] is None else b["falsifier"]
        names = row, b["subject"], b["row_family"], True
        yield position, hash_, *names, *what, b["blocking"], None, None, [], None


def row_names(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Names of rows."""
    b, kind = entry["body"], entry["kind"]
    if kind == "criterion.declared":
        for name in {b["criterion"], *(b.get("aliases") or ())}:
            yield position, name, b["criterion"], False
    elif kind == "criterion.reported":
        row = b["subject"] if b["falsifier"] is None else b["falsifier"]
        for name in {b["subject"], b["falsifier"], b["alias"]} - {None}:
            yield position, name, row, True


def statuses(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Verdicts, tests of claims, moves."""
    b, kind, branch = entry["body"], entry["kind"], entry["branch"]
    if kind == "verdict.given":
        what = b["value"], b["threshold"], b["unit"], b["evidence"], b["declaration"]
        head = b["criterion"], b["status"], "row", False, branch, None
        yield position, hash_, *head, *what, b.get("seen") is not None
    elif kind == "claim.tested" and (b["member"] is None or b["outcome"] == "REFUTED"):
        what = b["value"], b["threshold"], b["unit"], b["evidence"], None
        yield position, hash_, b["claim"], b["outcome"], "claim", False, branch, None, *what, False
    elif kind in ("row.moved", "claim.moved"):
        head = b["subject"], b["to_status"], kind.split(".")[0], False, branch, b["from_status"]
        yield position, hash_, *head, None, None, None, b["evidence"], None, False
    elif kind == "verdict.reported":
        what = b["observed"], b["threshold"], None, b["evidence_class"], None
        head = b["subject"], b["status"], None, True, branch, b["from_status"]
        yield position, hash_, *head, *what, False


def claims(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Claims."""
    b = entry["body"]
    if entry["kind"] == "claim.stated":
        yield position, hash_, b["claim"], False, b["text"], None, b.get("over")
    elif entry["kind"] == "claim.reported":
        yield position, hash_, b["subject"], True, b["text"], b["said_on"], None


def premises(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Until when claims were seen to hold."""
    b = entry["body"]
    if entry["kind"] in ("claim.stated", "claim.tested"):
        yield position, hash_, b["claim"], b.get("commit"), b.get("expires_at")


def sets(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Members of sets."""
    b = entry["body"]
    if entry["kind"] == "member.added":
        yield position, b["set"], b["member"]


def hypotheses(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Edges of this ledger."""
    b = entry["body"]
    if entry["kind"] == "edge.stated":
        names = b["edge"], b["from_name"], b["relation"], b["to_name"], b["claim"]
        yield position, hash_, *names


def refutations(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Entries that fell."""
    b = entry["body"]
    if entry["kind"] == "entry.refuted":
        yield position, hash_, b["entry"], b["evidence"]


def marks(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Marks on runs."""
    b = entry["body"]
    if entry["kind"] == "run.marked":
        yield position, hash_, b["run"], b["mark"], b["monitor"]


def sections(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Sections that others registered."""
    b = entry["body"]
    if entry["kind"] == "section.reported":
        versions = b["from_version"], b["to_version"]
        yield position, b["subject"], b["said_on"], *versions, b["title"]


def boards(position: int, _hash: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Boards that others published."""
    b = entry["body"]
    if entry["kind"] == "board.reported":
        tally = b["partial"], b["discharged"], b["total"], b["restated"]
        yield position, b["subject"], b["said_on"], b["spec_version"], *tally


def edges(position: int, hash_: str, entry: dict[str, Any]) -> Iterable[Row]:
    """Citations, and edges that others stated."""
    for cited in entry["cites"]:
        yield position, hash_, cited, "cites"
    if entry["kind"] == "edge.reported":
        b = entry["body"]
        yield position, b["from_name"], b["to_name"], b["relation"]


FOLDS: dict[str, Fold] = {
    "runs": runs,
    "run_ends": run_ends,
    "step_metrics": step_metrics,
    "epochs": epochs,
    "traces": traces,
    "trace_points": trace_points,
    "tensors": tensors,
    "comparisons": comparisons,
    "comparison_points": comparison_points,
    "measurements": measurements,
    "criteria": criteria,
    "row_names": row_names,
    "statuses": statuses,
    "claims": claims,
    "premises": premises,
    "sets": sets,
    "hypotheses": hypotheses,
    "refutations": refutations,
    "marks": marks,
    "sections": sections,
    **SECTION_FOLDS,
    "boards": boards,
    "edges": edges,
}


def fold(entries: Iterable[tuple[int, str, dict[str, Any]]]) -> dict[str, list[Row]]:
    """The rows of every table, in no order."""
    entries = list(entries)
    return {
        table: [row for one in entries for row in rows_of(*one)] for table, rows_of in FOLDS.items()
    }
