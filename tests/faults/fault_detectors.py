"""The detectors: each names the first stage at which it sees something, or is silent.

The band of the seeds is held against all our points, where the seeds had ten. The other four are
the gate of this project: a fault is found where any of them names its site or the stage after it.
"""

from collections.abc import Mapping

from fault_base import Detector, Evidence, Stage, stages
from fault_floors import PATHS

from ml.bisection import bisect
from ml.comparison import compare
from ml.file_comparison import compare_files
from ml.floors import limit
from ml.passes import scores
from ml.statistics import WIDTH, Statistics, pool

#: What the seeds allowed for std of one side over std of the other, all tokens pooled.
BAND = (0.5, 2.0)
#: Points for which they had a narrower one.
NARROWER = {"ffn_gate": (0.7, 1.4)}

#: The point that is made with a tensor, by the last part but one of its name; those that are not
#: here, such as attn_norm, make the point that they are named after.
MADE_WITH = {
    "token_embd": "embedding",
    "attn_q.weight": "q_matmul",
    "attn_k.weight": "k_matmul",
    "attn_v.weight": "v_matmul",
    "attn_q.bias": "q_bias",
    "attn_k.bias": "k_bias",
    "attn_v.bias": "v_bias",
    "attn_output": "attn_out",
    "ffn_down": "ffn_out",
    "output_norm": "final_norm",
    "output": "logits",
}


def by_band(evidence: Evidence) -> Stage | None:
    """The seeds' rule: equal counts of finite values, and std within the band."""
    for stage, rows in evidence.sound.rows.items():
        ours, theirs = pool(rows[:, :WIDTH]), pool(evidence.other.rows[stage][:, :WIDTH])
        if not _is_in_band(ours, theirs, NARROWER.get(stage[0], BAND)):
            return stage
    return None


def by_rows(evidence: Evidence) -> Stage | None:
    """Distances of rows, from full activations."""
    for stage, score in scores(evidence.sound.tensors, evidence.other.tensors).items():
        floor = evidence.floor.points[stage]
        if score.largest > limit(floor.free_max) or score.median > limit(floor.free_median):
            return stage
    return None


def by_sketch(evidence: Evidence) -> Stage | None:
    """What `compare` says of the two traces that a ledger keeps, with the floor on record."""
    sides = (evidence.sound.trace(PATHS["sound"]), evidence.other.trace(PATHS["other"]))
    point = compare(*sides, floors=[evidence.floor]).first_over_floor
    return None if point is None else (point.point, point.layer)


def by_local(evidence: Evidence) -> Stage | None:
    """What `bisect` names: each stage computed from what the sound pass had before it."""
    found, _ = bisect(evidence.reference, evidence.way, evidence.sound.ids, chosen=evidence.floor)
    return None if found.culprit is None else found.culprit.place


def by_bytes(evidence: Evidence) -> Stage | None:
    """The stage that is made with the first tensor that differs between the files."""
    pairs = compare_files(evidence.sound_file, evidence.other_file)
    different = [stage_of(pair.name) for pair in pairs if pair.result != "equal"]
    return min(different, key=stages(evidence.layers).index, default=None)


def stage_of(tensor: str) -> Stage:
    """The stage that is made with a tensor.

    >>> stage_of("blk.3.attn_q.bias"), stage_of("output.weight")
    (('q_bias', 3), ('logits', None))
    """
    *block, name, part = tensor.split(".")
    point = MADE_WITH.get(f"{name}.{part}", MADE_WITH.get(name, name))
    return point, int(block[1]) if block else None


def _is_in_band(ours: Statistics, theirs: Statistics, band: tuple[float, float]) -> bool:
    if ours.count != theirs.count:
        return False
    if ours.std == 0:
        return theirs.std == 0
    return band[0] <= theirs.std / ours.std <= band[1]


BAND_NAME = "std band"
#: The gate of this project.
GATE: Mapping[str, Detector] = {
    "row distance": by_rows,
    "sketch": by_sketch,
    "local scan": by_local,
    "bytes": by_bytes,
}
DETECTORS: Mapping[str, Detector] = {BAND_NAME: by_band, **GATE}
