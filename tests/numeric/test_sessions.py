"""Sessions of engines: the same logits as a pass one by one, and nothing left of other prompts."""

import numpy as np
import pytest
from attrs import evolve
from small_models import small_model

from ml import devices
from ml.architectures import open_model
from ml.engines import Request, find_engine
from ml.generation import generate, open_generator

PROMPT = (5, 17, 3, 88, 41)


@pytest.fixture(scope="module", params=["a", "b", "numpy"])
def asked(request, tmp_path_factory):
    """A request for ten positions, and its engine."""
    path = tmp_path_factory.mktemp("small") / "small.gguf"
    model = open_model(small_model(path, layers=2, quant_type="Q8_0"))
    engine = find_engine(request.param)
    resolve = devices.resolve if engine.uses_tinygrad else devices.resolve_host
    return engine, Request(
        model=model,
        ids=PROMPT,
        kv="f16",
        points=frozenset(),
        device=resolve("cpu"),
        batching="one by one",
        statistics=False,
        generate=5,
    )


def test_a_session_is_a_pass_one_by_one(asked):
    """Bit-equal logits behind the same ids, with as many positions."""
    engine, request = asked
    result = engine.run(request)
    session = engine.open(request)
    assert session.capacity == 10
    logits = [session.step(token) for token in (*PROMPT, *result.generated)]
    assert np.array_equal(logits[-1], result.logits)
    assert session.device == result.device == "cpu"
    chosen = tuple(int(np.argmax(one)) for one in logits[4:9])
    assert chosen == result.generated


def test_rewinding_forgets(asked):
    """Other tokens in between leave nothing behind; a larger session takes the weights over."""
    engine, request = asked
    session = engine.open(request)
    once = session.prefill(PROMPT)
    session.step(7)
    session.rewind(0)
    session.prefill((1, 2, 3, 4, 5, 6, 7, 8))
    session.rewind(2)
    session.rewind(9)  # not forwards
    session.rewind(0)
    assert np.array_equal(session.prefill(PROMPT), once)
    session.rewind(3)
    assert np.allclose(session.prefill(PROMPT[3:]), once, atol=1e-5)
    other = engine.open(request, session)
    assert np.allclose(other.prefill(PROMPT), once, atol=1e-5)


LONG = tuple((7 * i * i + 3 * i) % 96 for i in range(75))


@pytest.mark.parametrize("kv", ["f32", "f16"])
def test_chunks_fill_the_cache_as_steps_do(asked, kv):
    """Two chunks and a rest, from a place that is no multiple of a chunk: rounding apart."""
    engine, request = asked
    request = evolve(request, generate=90, kv=kv)
    stepped, chunked = engine.open(request), engine.open(request)
    for token in (*PROMPT, *LONG):
        one_by_one = stepped.step(token)
    chunked.prefill(PROMPT)
    chunked.prefill(LONG[:70])
    at_once = chunked.prefill(LONG[70:])
    bar = {"f32": 1e-4, "f16": 1e-2}[kv]
    assert np.allclose(at_once, one_by_one, atol=bar)
    assert np.allclose(chunked.step(4), stepped.step(4), atol=bar)
    chunked.rewind(40)
    stepped.rewind(40)
    again = chunked.prefill(LONG[35:]), [stepped.step(token) for token in LONG[35:]][-1]
    assert np.allclose(*again, atol=bar)


def test_engines_generate_the_same(tmp_path):
    """Three ways to the same ids, with margins that rounding does not reach."""
    model = open_model(small_model(tmp_path / "small.gguf", layers=2, quant_type="Q8_0"))
    made = [
        generate(model, PROMPT, engine=engine, device="cpu", max_tokens=12)
        for engine in ("a", "b", "numpy")
    ]
    assert made[0].ids == made[1].ids == made[2].ids
    assert np.allclose(made[0].margins, made[2].margins, atol=1e-4)
    assert {one.device for one in made} == {"cpu"}


def test_progress_is_told(tmp_path):
    """Weights, then tokens of the prompt."""
    told = []
    model = open_model(small_model(tmp_path / "small.gguf"))
    with open_generator(
        model, engine="a", device="cpu", progress=lambda *stage: told.append(stage)
    ) as opened:
        opened.generate(PROMPT, max_tokens=1)
    assert told[-1] == ("token", 5, 5)
    assert {stage for stage, _, _ in told} == {"weights", "token"}
