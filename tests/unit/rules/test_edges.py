"""The rule on edges."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_base import a_lab

NAMES = "ABCDE"


def edge(lab, start, end, relation="causes", claim="H"):
    """State an edge under a name made of its ends."""
    return lab.say(
        "edge.stated", edge=f"{start}-{relation}-{end}-{claim}", from_name=start,
        relation=relation, to_name=end, claim=claim,
    )  # fmt: skip


@pytest.fixture
def named(lab):
    """A bench with claims to draw edges between."""
    for name in (*NAMES, "H", "H-2"):
        lab.claim(name)
    return lab


def test_a_circle(named):
    """The edge that closes a circle is refused, and the circle is told."""
    edge(named, "A", "B")
    edge(named, "B", "C")
    assert named.refusal(lambda: edge(named, "C", "A")) == ("edges: a circle: C causes A → B → C",)
    assert named.refusal(lambda: edge(named, "A", "C")) == ()


def test_relations_are_apart(named):
    """What blocks another may be caused by it."""
    edge(named, "A", "B")
    assert named.refusal(lambda: edge(named, "B", "A", relation="blocks")) == ()


def test_an_edge_whose_claim_fell(named):
    """What was refuted holds no circle together."""
    edge(named, "A", "B")
    named.attack("H", named.measured(9.0))
    assert named.refusal(lambda: edge(named, "B", "A", claim="H-2")) == ()


def test_an_edge_that_was_refuted(named):
    """Nor does the entry of an edge that was refuted itself."""
    wrong = edge(named, "A", "B")
    named.refute(wrong, named.measured(9.0))
    assert named.refusal(lambda: edge(named, "B", "A", claim="H-2")) == ()


@settings(max_examples=10)
@given(
    order=st.permutations(NAMES),
    pairs=st.permutations(list(itertools.combinations(range(5), 2))),
    back=st.data(),
)
def test_an_acyclic_graph_in_any_order(order, pairs, back):
    """Edges along an order are accepted in any order of stating; any one back is refused."""
    with a_lab() as lab:
        for name in (*NAMES, "H"):
            lab.claim(name)
        for a, b in pairs:
            assert lab.refusal(lambda a=a, b=b: edge(lab, order[a], order[b])) == ()
        a, b = back.draw(st.sampled_from(pairs))
        (said,) = lab.refusal(lambda: edge(lab, order[b], order[a]))
        assert said.startswith("edges: a circle: ")
