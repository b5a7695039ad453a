"""The paths of two traces field by field: how the numbers came about, and where that differs."""

from collections.abc import Mapping

from attrs import frozen

from ml.identity import Record


@frozen(kw_only=True)
class PathDifference:
    """One field of the path in which two traces differ."""

    name: str
    """Dotted where it lies deeper, such as `weight_formats.Q4_K`."""
    a: object
    b: object


def path_differences(a: Record, b: Record) -> tuple[PathDifference, ...]:
    """Return every leaf in which two path records differ; an absent one is None."""
    left, right = _flatten(a), _flatten(b)
    return tuple(
        PathDifference(name=name, a=left.get(name), b=right.get(name))
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    )


def _flatten(record: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    leaves: dict[str, object] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            leaves |= _flatten(value, f"{prefix}{key}.")
        else:
            leaves[prefix + key] = value
    return leaves
