"""The table of capture points, and its human page."""

from pathlib import Path

import pytest

from ml.errors import UnknownPoint
from ml.points import ALL_POINTS, DEFAULT_POINTS, POINTS, SEED_POINTS, Scope, in_order, select

PAGE = Path(__file__).parents[3] / "spec" / "formats" / "points.md"


def test_the_page_says_what_the_table_says():
    """One row a point, in the table's order, with all its columns."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert rows == [
        [
            f"`{point.id}`",
            point.scope.value,
            point.boundary,
            point.layout,
            "yes" if point.derived else "",
            "yes" if point.seeds else "",
        ]
        for point in POINTS
    ]


def test_the_seeds_ten_in_their_order():
    """As the seed system names them."""
    names = "attn_norm qkv attn_out ffn_norm ffn_gate ffn_up ffn_silu ffn_swigl ffn_out output"
    assert " ".join(point.id for point in POINTS if point.seeds) == names
    assert {"embedding", "final_norm", "logits"} == DEFAULT_POINTS - SEED_POINTS


def test_ids_and_boundaries_are_unique():
    """A boundary that two points share would make them one."""
    assert len(ALL_POINTS) == len(POINTS) == len({point.boundary for point in POINTS})


def test_computation_order():
    """Embedding, the layers one by one, the last norm, the logits."""
    ordered = [(point.id, layer) for point, layer in in_order(ALL_POINTS, 2)]
    inside = [point.id for point in POINTS if point.scope is Scope.LAYER]
    assert ordered == [
        ("embedding", None),
        *((name, 0) for name in inside),
        *((name, 1) for name in inside),
        ("final_norm", None),
        ("logits", None),
    ]


def test_selection():
    """None is the default; unknown names are all named."""
    assert select(None) == DEFAULT_POINTS
    assert select(["qkv"]) == {"qkv"}
    with pytest.raises(UnknownPoint, match="ffn_sillu, nowhere"):
        select(["qkv", "nowhere", "ffn_sillu"])
