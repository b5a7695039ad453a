"""Identity records field by field: what differs, and the one-line fix.

The three-week hunt of the seeds was such a difference (all tokens against the last one), and so was
the week before it (before against after the bias). Each field says how to make it equal.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

# Field -> fix, in the order in which differences are told: what changes most of the rest first.
FIXES = {
    "format_version": "trace the older one again with this version",
    "sketch_version": "trace the older one again with this version",
    "tokens_sha256": "trace both with the same token ids (--ids)",
    "positions": "trace both from the same position, with the same number of tokens",
    "rows": "trace both with the same rows (--rows all on both sides, or --rows last)",
    "boundaries": "capture both points between the same operations, in the same layout",
    "points": "trace both with the same points (--points)",
    "boundary": "capture both on the same side of that operation (bias, RoPE, residual, norm)",
    "side": "capture both at the same point: --points {a} on both sides, or --points {b}",
    "layout": "bring both into one layout: heads outermost, rotate-half pairs",
    "width": "trace models of one shape: this point has another number of channels",
}
#: Points of one value on different sides of an operation. Who calls both of them "q" or "attention
#: output" compares a value before the bias with one after it.
SIDES = (
    ("q_matmul", "q_bias", "q_rope"),
    ("k_matmul", "k_bias", "k_rope"),
    ("v_matmul", "v_bias"),
    ("attn_mix", "attn_out", "attn_residual"),
    ("ffn_gate", "ffn_silu", "ffn_swigl"),
    ("ffn_out", "output"),
)
UNKNOWN_FIX = "trace both with the same version of this program"


@frozen(kw_only=True)
class IdentityDifference:
    """One field in which two identities differ."""

    name: str
    """Such as `tokens_sha256`, or `boundaries[qkv].boundary`."""
    a: object
    b: object
    fix: str
    """What to do to make it equal, in one line."""


def identity_differences(
    a: Mapping[str, object], b: Mapping[str, object]
) -> tuple[IdentityDifference, ...]:
    """Return every field that differs, the most telling first; empty where identities are equal."""
    names = [*FIXES, *sorted((a.keys() | b.keys()) - FIXES.keys())]
    found: list[IdentityDifference] = []
    for name in names:
        left, right = a.get(name), b.get(name)
        if left == right:
            continue
        if name == "points":
            found += _side_differences(a, b)
            found += _point_differences(left, right)
        elif name == "boundaries":
            found += _boundary_differences(left, right)
        else:
            fix = FIXES.get(name, UNKNOWN_FIX)
            found.append(IdentityDifference(name=name, a=left, b=right, fix=fix))
    return tuple(found)


def _side_differences(a: Mapping[str, object], b: Mapping[str, object]) -> list[IdentityDifference]:
    """Return where one side has a value before an operation, and the other has it after."""
    left, right = (_boundaries(side) for side in (a, b))
    found = []
    for family in SIDES:
        only_a = [name for name in family if name in left and name not in right]
        only_b = [name for name in family if name in right and name not in left]
        for one, other in zip(only_a, only_b, strict=False):
            found.append(
                IdentityDifference(
                    name=f"boundaries[{one} | {other}].boundary",
                    a=left[one],
                    b=right[other],
                    fix=FIXES["side"].format(a=one, b=other),
                )
            )
    return found


def _boundaries(identity: Mapping[str, object]) -> dict[str, object]:
    """Return between which operations each kind of point lies."""
    stated = identity.get("boundaries")
    if not isinstance(stated, Mapping):
        return {}
    return {
        str(name): said.get("boundary")
        for name, said in stated.items()
        if isinstance(said, Mapping)
    }


def _point_differences(a: object, b: object) -> list[IdentityDifference]:
    left, right = _widths(a), _widths(b)
    if list(left) != list(right):
        only_a = [name for name in left if name not in right]
        only_b = [name for name in right if name not in left]
        return [IdentityDifference(name="points", a=only_a, b=only_b, fix=FIXES["points"])]
    return [
        IdentityDifference(
            name=f"points[{name}].width", a=left[name], b=right[name], fix=FIXES["width"]
        )
        for name in left
        if left[name] != right[name]
    ]


def _boundary_differences(a: object, b: object) -> list[IdentityDifference]:
    """Return what the two sides mean by points that both of them have."""
    left, right = (side if isinstance(side, Mapping) else {} for side in (a, b))
    return [
        IdentityDifference(
            name=f"boundaries[{point}].{part}",
            a=left[point].get(part),
            b=right[point].get(part),
            fix=FIXES.get(part, UNKNOWN_FIX),
        )
        for point in left
        if point in right
        for part in sorted(left[point].keys() | right[point].keys())
        if left[point].get(part) != right[point].get(part)
    ]


def _widths(points: object) -> dict[str, object]:
    """Return widths under names such as `qkv, layer 3` and `logits`, in their order."""
    if not isinstance(points, Sequence) or isinstance(points, str):
        return {}
    named: dict[str, object] = {}
    for point in points:
        if isinstance(point, Sequence) and len(point) == 3:
            name, layer, width = point
            named[f"{name}" + (f", layer {layer}" if layer is not None else "")] = width
    return named
