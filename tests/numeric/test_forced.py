"""A pass that goes on with the values of another: local differences, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.architectures import open_model
from ml.engines import ENGINES
from ml.errors import BadOption, UnknownPoint
from ml.points import ALL_POINTS
from ml.tracing import Trace, run

PROMPT = (319, 75, 75, 78, 220, 272, 68)
Tensors = dict[tuple[str, int | None], NDArray[np.float32]]
# Engine b multiplies packed weights alone.
MODELS = {"a": "f16", "b": "Q8_0", "numpy": "f16"}
ENGINE_IDS = [engine.id for engine in ENGINES]


@pytest.fixture(scope="module")
def forced_pass(reference: Path) -> Callable[..., Tensors]:
    """Run a pass with values forced, and return what it computed itself at each point."""

    def compute(engine: str, forced: Tensors, model: str = "") -> Tensors:
        _, result = run(
            open_model(reference / f"tiny4-{model or MODELS[engine]}.gguf"),
            PROMPT,
            engine=engine,
            device="cpu",
            kv="f32",
            points=ALL_POINTS,
            keep_tensors=True,
            forced=forced,
        )
        values = {(c.point.id, c.layer): c.tensor for c in result.captures}
        return {place: value for place, value in values.items() if value is not None}

    return compute


def tensors_of(trace: Trace) -> Tensors:
    """Return the full activations of a trace."""
    assert trace.tensors is not None
    return dict(trace.tensors)


@pytest.mark.parametrize("engine", ENGINE_IDS)
def test_nothing_forced_is_the_pass_itself(
    engine: str, forced_pass: Callable[..., Tensors], traced: Callable[..., Trace]
) -> None:
    """Without a forced value every point is bit-equal to a trace's."""
    plain = tensors_of(traced(MODELS[engine], engine))
    again = forced_pass(engine, {})
    assert plain.keys() == again.keys()
    assert all(plain[place].tobytes() == again[place].tobytes() for place in plain)


@pytest.mark.parametrize("engine", ["a", "b"])
def test_its_own_values_forced_change_nothing(
    engine: str, forced_pass: Callable[..., Tensors], traced: Callable[..., Trace]
) -> None:
    """A float32 pass that is fed its own values at every point computes them again, bit for bit."""
    plain = tensors_of(traced(MODELS[engine], engine))
    again = forced_pass(engine, plain)
    assert {p for p in plain if plain[p].tobytes() != again[p].tobytes()} == set()


def test_a_forced_value_reaches_all_that_comes_behind_it_and_nothing_before(
    forced_pass: Callable[..., Tensors], traced: Callable[..., Trace]
) -> None:
    """The point itself keeps what the pass computed; what uses it differs, what lies before not."""
    plain = tensors_of(traced("f16", "numpy"))
    order = list(plain)
    for place in order[:-1]:
        if place[1] not in (None, 1):
            continue
        again = forced_pass("numpy", {place: plain[place] + np.float32(1)})
        differ = [p for p in order if plain[p].tobytes() != again[p].tobytes()]
        assert differ, place
        assert order.index(differ[0]) > order.index(place)
        assert differ[-1] == ("logits", None)


@pytest.mark.parametrize("engine", ["a", "b"])
def test_every_point_takes_what_is_forced_on_it(
    engine: str, forced_pass: Callable[..., Tensors], traced: Callable[..., Trace]
) -> None:
    """Fed the same disturbed values everywhere, an engine and the reference stay together."""
    plain = tensors_of(traced(MODELS[engine], engine))
    noise = np.random.default_rng(5)
    disturbed = {
        place: (value * noise.uniform(0.5, 2, value.shape)).astype(np.float32)
        for place, value in plain.items()
    }
    mine = forced_pass(engine, disturbed)
    reference = forced_pass("numpy", disturbed, MODELS[engine])
    for place, value in reference.items():
        assert np.abs(mine[place] - value).max() <= 1e-5 * np.abs(value).max(), place


def test_logits_are_never_replaced(
    forced_pass: Callable[..., Tensors], traced: Callable[..., Trace]
) -> None:
    """Nothing comes behind the logits: what is forced there changes nothing."""
    plain = tensors_of(traced("f16", "numpy"))
    again = forced_pass("numpy", {("logits", None): plain[("logits", None)] + np.float32(1)})
    assert plain[("logits", None)].tobytes() == again[("logits", None)].tobytes()


@pytest.mark.parametrize("place", [("ffn_up", 4), ("ffn_up", None), ("logits", 0), ("x", 0)])
def test_a_place_that_is_not_there_is_an_error(
    place: tuple[str, int | None], forced_pass: Callable[..., Tensors]
) -> None:
    """A point or a layer that the model does not have is named."""
    with pytest.raises(UnknownPoint, match=str(place[0])):
        forced_pass("numpy", {place: np.zeros((7, 256), np.float32)})


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((6, 256), np.float32),
        np.zeros((7, 256), np.float64),
        np.zeros((7, 255), np.float32),
        np.zeros(256, np.float32),
    ],
    ids=["tokens", "dtype", "channels", "flat"],
)
@pytest.mark.parametrize("engine", ENGINE_IDS)
def test_a_value_of_another_shape_is_an_error(
    engine: str, value: NDArray[np.float32], forced_pass: Callable[..., Tensors]
) -> None:
    """Tokens, channels and type have to fit."""
    with pytest.raises(BadOption, match="layer 2 attn_norm"):
        forced_pass(engine, {("attn_norm", 2): value})
