"""Floors and bisection on real passes: what is broken is named, and what is not is left alone."""

import json
import subprocess
import sys

import numpy as np
import pytest
import windowed_models
from llamas import VARIANTS, write_gguf
from small_models import INSIDE, small_model

from ml import one_operation
from ml.bisection import DEFAULT_LIMIT, Evidence, Stage, bisect
from ml.errors import BadOption, BadPrompt, FloorNotMeasured
from ml.floor_measuring import measure_floor, seeded_prompts
from ml.floors import LEAST, Floor
from ml.passes import Score, check_alike, open_side, parse_settings
from ml.points import ALL_POINTS, in_order
from ml.reproducer import write_reproducer

IDS = (31, 7, 7, 78, 22, 27, 68, 1, 2)
NUMPY = parse_settings("engine=numpy")


def scale_row(name, row=3, by=1.5):
    """A port that has one row of a tensor wrong."""

    def change(tensors):
        tensors[name][row] *= by

    return change


@pytest.fixture
def sound(tmp_path):
    """A model of two layers, through the reference."""
    return open_side(small_model(tmp_path / "sound.gguf", layers=2), NUMPY)


@pytest.mark.parametrize(
    ("tensor", "place"),
    [
        ("token_embd.weight", ("embedding", None)),
        ("blk.0.attn_norm.weight", ("attn_norm", 0)),
        ("blk.1.attn_k.weight", ("k_matmul", 1)),
        ("blk.1.attn_v.bias", ("v_bias", 1)),
        ("blk.0.attn_output.weight", ("attn_out", 0)),
        ("blk.1.ffn_norm.weight", ("ffn_norm", 1)),
        ("blk.0.ffn_gate.weight", ("ffn_gate", 0)),
        ("blk.1.ffn_up.weight", ("ffn_up", 1)),
        ("blk.1.ffn_down.weight", ("ffn_out", 1)),
        ("output_norm.weight", ("final_norm", None)),
    ],
)
def test_a_wrong_row_is_found_where_it_is_used(sound, tmp_path, tensor, place):
    """One row of a tensor wrong: the culprit is what uses it, and before it all is 0."""
    row = 31 if tensor.startswith("token") else 3
    port = small_model(tmp_path / "port.gguf", layers=2, change=scale_row(tensor, row))
    found, _ = bisect(sound.run(IDS), open_side(port, NUMPY), IDS)
    assert found.culprit is not None
    assert found.culprit.place == place
    before = found.stages[: found.stages.index(found.culprit)]
    assert all(stage.inherited.largest == 0 for stage in before)
    # A tied embedding is wrong twice, in the first operation and in the last.
    also = [s.place for s in found.stages if s.is_over and s.place != place]
    assert also == ([("logits", None)] if place[0] == "embedding" else [])


@pytest.mark.parametrize(
    ("change", "place"), [({"theta": 1.1e4}, "q_rope"), ({"epsilon": 1e-4}, "attn_norm")]
)
def test_a_wrong_number_of_the_config_is_found(sound, tmp_path, change, place):
    """What is no tensor shows in the operation that uses it: RoPE's base, the norm's epsilon."""
    port = small_model(tmp_path / "port.gguf", layers=2, **change)
    found, _ = bisect(sound.run(IDS), open_side(port, NUMPY), IDS)
    assert found.culprit is not None
    assert found.culprit.place == (place, 0)


def test_a_rounded_cache_shows_in_attention_alone(sound):
    """K and V rounded to f16 are a difference of the mix, in each layer, and of nothing else."""
    other = open_side(sound.model.container.path, parse_settings("engine=numpy,kv=f16"))
    found, _ = bisect(sound.run(IDS), other, IDS, threshold=1e-5)
    assert [s.place for s in found.stages if s.is_over] == [("attn_mix", 0), ("attn_mix", 1)]
    assert found.default == 1e-5


def test_another_engine_is_within_three_millionths(sound):
    """Engine a fed the reference's values: no operation is off by more than float32's rounding."""
    other = open_side(sound.model.container.path, parse_settings("engine=a,device=cpu"))
    found, _ = bisect(sound.run(IDS), other, IDS)
    assert found.culprit is None
    assert (found.default, found.needs_floor) == (DEFAULT_LIMIT, True)
    assert max(stage.local.largest for stage in found.stages) <= 3e-6
    assert "no stage differs by itself" in found.sentence()


def test_the_same_path_has_nothing_to_bisect(sound):
    """One model along one path is refused."""
    with pytest.raises(BadOption, match="same model along the same path"):
        bisect(sound.run(IDS), sound, IDS)


def test_a_reference_with_gaps_names_the_span(sound, tmp_path):
    """Where only outputs of layers are known, the answer says between which of them it is."""
    port = small_model(tmp_path / "port.gguf", layers=2, change=scale_row("blk.1.ffn_up.weight"))
    whole = sound.run(IDS)
    kept = {at: v for at, v in whole.activations.items() if at[0] in ("output", "logits")}
    found, _ = bisect(type(whole)(activations=kept, path=whole.path), open_side(port, NUMPY), IDS)
    assert [stage.place for stage in found.stages] == [
        ("output", 0),
        ("output", 1),
        ("logits", None),
    ]
    assert found.culprit is not None
    assert found.culprit.since == (("output", 0),)
    assert "layer 1 output is the first stage" in found.sentence()
    assert "(somewhere behind layer 0 output)" in found.sentence()
    assert found.stages[0].since == ()


def test_a_nan_is_infinitely_far(sound, tmp_path):
    """A stage that is not finite on one side is over any limit, a floor's too."""
    port = small_model(
        tmp_path / "port.gguf", layers=2, change=scale_row("blk.0.ffn_up.weight", by=np.nan)
    )
    found, _ = bisect(sound.run(IDS), open_side(port, NUMPY), IDS, threshold=1e30)
    assert found.culprit is not None
    assert found.culprit.place == ("ffn_up", 0)
    assert "local infinite" in found.sentence()


@pytest.mark.parametrize("name", ["tiny4", "plain", "biases", "llama3", "linear", "qwen3 window"])
def test_every_operation_is_what_the_reference_computes(reference, tmp_path, name):
    """The reproducer of each stage of a sound pass: numpy from the same input gives its output.

    Qwen2, Llama with rows of q and k that lie permuted in the file, Qwen3 with its normed heads and
    a window.
    """
    path = reference / "tiny4-f16.gguf"
    if name in VARIANTS:
        path = write_gguf(VARIANTS[name], tmp_path / "llama.gguf")
    if name in windowed_models.VARIANTS:
        path = windowed_models.write_gguf(windowed_models.VARIANTS[name], tmp_path / "qwen3.gguf")
    side = open_side(path, parse_settings("engine=numpy,kv=f16"))
    ids = (31, 75, 75, 78, 9, 40, 41, 7)
    whole = side.run(ids)
    evidence = Evidence(
        reference=whole.activations,
        local=whole.activations,
        path_a=whole.path,
        path_b=whole.path,
    )
    none = Score(largest=0.0, median=0.0, row=0, channel=0.0)
    places = in_order(ALL_POINTS, side.model.config.layers)
    for number, (point, layer) in enumerate(places):
        at = (point.id, layer)
        limits = dict.fromkeys(("limit_largest", "limit_median", "limit_channel"), 1e-6)
        stage = Stage(place=at, inherited=none, local=none, **limits)
        write_reproducer(tmp_path / str(number), stage, evidence, ids, side, side)
        case = json.loads((tmp_path / str(number) / "operation.json").read_text())
        inputs, weights = (
            one_operation.load(tmp_path / str(number), files)
            for files in (case["inputs"], {r: w["file"] for r, w in case["weights"]["b"].items()})
        )
        made = one_operation.OPERATIONS[case["operation"]](inputs, weights, case["numbers"]["b"])
        # The heads of the last model are ten times as large: so is what rounding them does.
        allowed = 5e-6 if name in windowed_models.VARIANTS else 2e-7
        apart = one_operation.distance(whole.activations[at].astype(np.float64), made)
        assert apart <= allowed, at


def test_the_reproducer_fails_by_itself_and_says_why(sound, tmp_path):
    """Another process with numpy alone fails on it, and names the side whose weights explain it."""
    change = scale_row("blk.1.ffn_up.weight")
    port = open_side(small_model(tmp_path / "port.gguf", layers=2, change=change), NUMPY)
    found, evidence = bisect(sound.run(IDS), port, IDS)
    assert found.culprit is not None
    write_reproducer(tmp_path / "case", found.culprit, evidence, IDS, sound, port)
    ended = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "case" / "test_reproducer.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    first, with_a, with_b = ended.stdout.splitlines()
    assert first.startswith("layer 1 ffn_up: a and b are ")
    off = [[float(words.split(" from ")[0].split()[-1]) for words in line.split(" and ")]
           for line in (with_a, with_b)]  # fmt: skip
    assert off[0][0] < 1e-6 < off[0][1]
    assert off[1][1] < 1e-6 < off[1][0]
    assert np.load(tmp_path / "case" / "weight_a.npy").shape == (INSIDE, 64)


def test_a_reproducer_of_more_than_one_operation_is_refused(sound, tmp_path):
    """Where the input of the operation is not known there is nothing to reproduce."""
    change = scale_row("blk.1.ffn_up.weight")
    port = open_side(small_model(tmp_path / "port.gguf", layers=2, change=change), NUMPY)
    whole = sound.run(IDS)
    kept = {("output", 1): whole.activations["output", 1]}
    found, evidence = bisect(type(whole)(activations=kept, path=whole.path), port, IDS)
    assert found.culprit is not None
    with pytest.raises(BadOption, match="no single operation") as refused:
        write_reproducer(tmp_path / "case", found.culprit, evidence, IDS, None, port)
    assert refused.value.hint == "import attn_residual, ffn_out as well"


def test_a_floor_of_the_cache_is_that_of_attention(sound):
    """Local floors: 1e-6 everywhere but where K and V are read; free ones grow from there on."""
    other = open_side(sound.model.container.path, parse_settings("engine=numpy,kv=f16"))
    measured = measure_floor(sound, other, seeded_prompts(96))
    assert [d.name for d in measured.path_differences] == ["kv_dtype"]
    above = {at for at, floor in measured.floors.items() if floor.local_max > LEAST}
    assert above == {("attn_mix", 0), ("attn_mix", 1)}
    free = {at for at, floor in measured.floors.items() if floor.free_max > LEAST}
    assert ("k_rope", 0) not in free
    assert {("attn_mix", 0), ("output", 1), ("logits", None)} <= free
    for at, floor in measured.floors.items():
        assert floor.free_max >= measured.measured[at].free_max
        assert floor.free_max >= floor.free_median


def test_its_own_floor_explains_the_difference_and_no_larger_one(sound, tmp_path):
    """With the floor of f16 caches a sound pass has no culprit, and one broken row still has."""
    path = sound.model.container.path
    other = open_side(path, parse_settings("engine=numpy,kv=f16"))
    measured = measure_floor(sound, other, seeded_prompts(96))
    floor = Floor(
        cite="sha256:" + "0" * 64,
        run="floor-0001",
        path_a=measured.path_a,
        path_b=measured.path_b,
        points=measured.floors,
    )
    found, _ = bisect(sound.run(IDS), other, IDS, floors=[floor])
    assert found.culprit is None
    assert (found.choice.floor, found.default) == (floor, None)
    change = scale_row("blk.1.ffn_gate.weight", by=1.05)
    port = open_side(small_model(tmp_path / "port.gguf", layers=2, change=change), other.settings)
    found, _ = bisect(sound.run(IDS), port, IDS, floors=[floor])
    assert found.choice.floor is None
    assert found.choice.reasons == ("floor-0001 was measured with another model",)
    found, _ = bisect(sound.run(IDS), port, IDS, chosen=floor)
    assert found.culprit is not None
    assert found.culprit.place == ("ffn_gate", 1)
    assert "floor 1e-06, limit 3e-06" in found.sentence()


def test_a_floor_between_equal_paths_is_refused(sound):
    """Nothing differs, so nothing would be measured."""
    with pytest.raises(FloorNotMeasured, match="the same"):
        measure_floor(sound, open_side(sound.model.container.path, NUMPY), seeded_prompts(96))


def test_a_floor_over_what_is_not_finite_is_refused(sound, tmp_path):
    """A NaN on one side would let everything pass."""
    broken = small_model(
        tmp_path / "nan.gguf", layers=2, change=scale_row("blk.0.ffn_up.weight", by=np.nan)
    )
    with pytest.raises(FloorNotMeasured, match="layer 0 ffn_up"):
        measure_floor(sound, open_side(broken, NUMPY), seeded_prompts(96))


@pytest.mark.parametrize(
    "prompts",
    [
        seeded_prompts(96)[:4],
        tuple(ids[:63] for ids in seeded_prompts(96)),
        (seeded_prompts(96)[0],) * 5,
    ],
    ids=["four", "short", "one prompt five times"],
)
def test_too_little_for_a_floor(sound, prompts):
    """Five different prompts of 64 tokens are the least."""
    other = open_side(sound.model.container.path, parse_settings("engine=numpy,kv=f16"))
    with pytest.raises(BadPrompt, match="at least 5 different prompts of at least 64 tokens"):
        measure_floor(sound, other, prompts)


def test_models_of_two_shapes(sound, tmp_path):
    """A model of another depth is refused, with what differs; so is a reference from one."""
    deeper = open_side(small_model(tmp_path / "three.gguf", layers=3), NUMPY)
    with pytest.raises(BadOption, match="layers 3 and 2"):
        check_alike(deeper.model, sound.model)
    with pytest.raises(BadOption, match="layers 2 and 3"):
        measure_floor(sound, deeper, seeded_prompts(96))
    with pytest.raises(BadOption, match="layer 2 attn_norm"):
        bisect(deeper.run(IDS), sound, IDS)
