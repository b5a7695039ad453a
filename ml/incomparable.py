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
    "rows": "trace both with the same rows (all tokens, or the last, on both sides)",
    "points": "trace both with the same points (--points)",
    "boundary": "capture both on the same side of that operation (bias, RoPE, residual, norm)",
    "layout": "bring both into one layout: heads outermost, rotate-half pairs",
    "width": "trace models of one shape: this point has another number of channels",
}
UNKNOWN_FIX = "trace both with the same version of this program"
_POINT_FIELDS = ("boundary", "layout", "width")


@frozen(kw_only=True)
class IdentityDifference:
    """One field in which two identities differ."""

    name: str
    """Such as `tokens_sha256`, or `points[qkv, layer 3].boundary`."""
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
            found += _point_differences(left, right)
        else:
            fix = FIXES.get(name, UNKNOWN_FIX)
            found.append(IdentityDifference(name=name, a=left, b=right, fix=fix))
    return tuple(found)


def _point_differences(a: object, b: object) -> list[IdentityDifference]:
    left, right = _by_name(a), _by_name(b)
    if list(left) != list(right):
        only_a = [name for name in left if name not in right]
        only_b = [name for name in right if name not in left]
        return [IdentityDifference(name="points", a=only_a, b=only_b, fix=FIXES["points"])]
    return [
        IdentityDifference(
            name=f"points[{name}].{part}",
            a=left[name].get(part),
            b=right[name].get(part),
            fix=FIXES.get(part, UNKNOWN_FIX),
        )
        for name in left
        for part in (*_POINT_FIELDS, *sorted(left[name].keys() - {*_POINT_FIELDS, "id", "layer"}))
        if left[name].get(part) != right[name].get(part)
    ]


def _by_name(points: object) -> dict[str, Mapping[str, object]]:
    """Return points under names such as `qkv, layer 3` and `logits`, in their order."""
    if not isinstance(points, Sequence) or isinstance(points, str):
        return {}
    named = {}
    for point in points:
        if isinstance(point, Mapping):
            layer = point.get("layer")
            name = f"{point.get('id')}" + (f", layer {layer}" if layer is not None else "")
            named[name] = point
    return named
