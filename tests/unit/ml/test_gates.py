"""The gates: a number against a threshold, and SKIP for what was not looked at."""

import math
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from small_models import small_model

from ml.architectures import open_model
from ml.errors import BadPrompt, MalformedFile
from ml.generation import open_generator
from ml.generation.golden import Golden, case_of, format_golden
from ml.passes import Settings
from ml.quality import gates
from ml.quality.gates import GATES, NotRun, Subject, run_gate
from ml.quality.gates.base import Gate, Measured
from ml.quality.gates.format_parity import FORMAT_PARITY, cosines
from ml.quality.gates.golden_output import GOLDEN_OUTPUT
from ml.quality.gates.kernel_parity import KERNEL_PARITY
from ml.quality.gates.metadata import METADATA
from ml.quality.gates.program_parity import PROGRAM_PARITY, read_logits
from ml.quality.gates.tensor_contracts import TENSOR_CONTRACTS
from ml.quality.gates.throughput import THROUGHPUT
from ml.quality.speed import Plan, measure_speed, prompt_of

NUMPY = Settings(engine="numpy", device="cpu")
IDS = prompt_of(80, 96)


def subject_of(path, **changes):
    """A small model as the gates see it."""
    subject = Subject(path=path, model=open_model(path), settings=NUMPY, ids=IDS, repeats=1)
    return evolve(subject, **changes)


@pytest.fixture
def model(tmp_path):
    """A small sound model."""
    return small_model(tmp_path / "model.gguf")


def gate_of(value=1.0, *, operator="at least", threshold=1.0, raises=None):
    """A gate that says what it is told."""

    def measure(_subject):
        if raises is not None:
            raise raises
        return Measured(value=value, reason="")

    return Gate(
        name="made-up", metric="m", unit="count", operator=operator,
        threshold=lambda _subject: threshold, measure=measure,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "result"),
    [
        (gate_of(1.0), "PASS"),
        (gate_of(0.99), "FAIL"),
        (gate_of(1.0, operator="at most"), "PASS"),
        (gate_of(1.01, operator="at most"), "FAIL"),
        (gate_of(math.nan, operator="at most"), "FAIL"),
        (gate_of(math.inf), "FAIL"),
        (gate_of(-math.inf, operator="at most"), "FAIL"),
        (gate_of(raises=NotRun("no card")), "SKIP"),
        (gate_of(raises=BadPrompt("too long", hint="")), "FAIL"),
    ],
)
def test_verdicts(gate, result, model):
    """What is not finite fails, an error fails with its reason, and what did not run is skipped."""
    verdict = run_gate(gate, subject_of(model))
    assert verdict.result == result
    assert (verdict.value is None) == (result == "SKIP" or "too long" in verdict.reason)


def test_a_bug_is_no_verdict(model):
    """It keeps its own type."""
    with pytest.raises(ZeroDivisionError):
        run_gate(gate_of(raises=ZeroDivisionError()), subject_of(model))


def test_the_list_is_what_the_folder_holds():
    """Eight gates, each in a file of its name; names and metrics are unique."""
    files = {path.stem for path in Path(gates.__file__).parent.glob("*.py")} - {"__init__", "base"}
    assert {gate.name.replace("-", "_") for gate in GATES} == files
    assert len(GATES) == len({gate.metric for gate in GATES}) == 8


def test_what_was_not_given_is_skipped(model):
    """Golden outputs, another file, another program: each says what it would need."""
    subject = subject_of(model)
    for gate, option in zip(
        GATES[2:6:1], ("--golden", "--other", "--engine", "--peer"), strict=True
    ):
        verdict = run_gate(gate, subject)
        assert verdict.result == "SKIP"
        assert option in verdict.reason
    asked = evolve(subject, skipped=frozenset(("throughput",)))
    assert run_gate(THROUGHPUT, asked).result == "SKIP"


def test_format_parity(model, tmp_path):
    """The same weights packed agree; other weights do not, and the first step is named."""
    packed = small_model(tmp_path / "packed.gguf", quant_type="Q8_0")
    other = small_model(tmp_path / "other.gguf", change=_negate)
    sound = run_gate(FORMAT_PARITY, subject_of(model, other=packed))
    assert (sound.result, sound.value, sound.n) == ("PASS", 0.0, 79)
    broken = run_gate(FORMAT_PARITY, subject_of(model, other=other))
    assert broken.result == "FAIL"
    assert "the first at token 1" in broken.reason
    short = run_gate(FORMAT_PARITY, subject_of(model, other=packed, ids=IDS[:64]))
    assert (short.result, short.reason[:8]) == ("SKIP", "63 steps")


def _negate(tensors):
    tensors["output_norm.weight"] *= -1


def test_cosines_of_rows():
    """1 for one direction, 0 across, NaN for a row of zeros."""
    a = np.array([[1, 0], [1, 0], [0, 0]], np.float32)
    b = np.array([[2, 0], [0, 3], [1, 1]], np.float32)
    assert cosines(a, b)[:2].tolist() == [1.0, 0.0]
    assert math.isnan(cosines(a, b)[2])


def test_kernel_parity(model):
    """The tinygrad engine is within a ten-thousandth of the reference; the reference is skipped."""
    verdict = run_gate(KERNEL_PARITY, subject_of(model, settings=Settings(device="cpu")))
    assert verdict.result == "PASS"
    assert 0 < verdict.value < 1e-5


def test_kernel_parity_with_weights_that_are_not_finite(tmp_path):
    """NaN against NaN is no agreement."""
    path = small_model(tmp_path / "model.gguf", change=_spoil)
    verdict = run_gate(KERNEL_PARITY, subject_of(path, settings=Settings(device="cpu")))
    assert verdict.result == "FAIL"
    assert "not finite at attn_norm, layer 0" in verdict.reason


def _spoil(tensors):
    tensors["blk.0.attn_norm.weight"][3] = np.nan


def test_tensor_contracts_and_metadata(model, tmp_path):
    """A NaN fails the first, a key that is missing the second."""
    assert run_gate(TENSOR_CONTRACTS, subject_of(model)).result == "PASS"
    spoiled = run_gate(
        TENSOR_CONTRACTS, subject_of(small_model(tmp_path / "spoiled.gguf", change=_spoil))
    )
    assert spoiled.result == "FAIL"
    assert "blk.0.attn_norm.weight" in spoiled.reason
    assert run_gate(METADATA, subject_of(model)).result == "PASS"
    lacking = run_gate(METADATA, subject_of(model, required_keys=("general.license",)))
    assert (lacking.result, lacking.reason) == ("FAIL", "general.license is missing or empty")


def test_program_parity(model, tmp_path):
    """Our own logits agree; those of another token do not, whatever their cosine is."""
    from ml.quality.settings import open_scorer

    scorer = open_scorer(model, NUMPY).scorer
    scorer.read(IDS[:5])
    logits = scorer.logits(4, 5)[0]
    np.save(tmp_path / "logits.npy", logits)
    subject = subject_of(model, peer_ids=IDS[:5], peer_logits=tmp_path / "logits.npy")
    verdict = run_gate(PROGRAM_PARITY, subject)
    assert (verdict.result, verdict.value) == ("PASS", pytest.approx(1.0))
    changed = logits.copy()
    changed[int(logits.argmin())] = logits.max() + 9
    changed.tofile(tmp_path / "raw.bin")
    verdict = run_gate(PROGRAM_PARITY, evolve(subject, peer_logits=tmp_path / "raw.bin"))
    assert verdict.result == "FAIL"
    assert "decided" in verdict.reason


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x93NUMPY", "no .npy file"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "no .npy file"),
        (b"\x93NUMPY\x09\x00\x00\x00", "no .npy file"),
        (b"\0" * 383, "383 bytes of logits"),
        (b"\0" * 388, "388 bytes of logits"),
    ],
)
def test_logits_that_are_none(data, says, tmp_path):
    """Cut short, of another size, or of another format."""
    path = tmp_path / "logits"
    path.write_bytes(data)
    with pytest.raises(MalformedFile, match=says):
        read_logits(path, 96)


def test_logits_of_another_type(tmp_path):
    """Float64 in a .npy file is refused, and not read as twice as many numbers."""
    np.save(tmp_path / "logits.npy", np.zeros(48))
    with pytest.raises(MalformedFile, match="not float32"):
        read_logits(tmp_path / "logits.npy", 96)


def test_throughput_is_what_the_clock_says(model):
    """With a clock that gains a quarter of a second at each look, every step takes that long."""
    ticks = iter(range(10_000))
    plan = Plan(prompt_tokens=8, decode_tokens=4, repeats=3, warmups=1)
    speed = measure_speed(open_model(model), NUMPY, plan, clock=lambda: next(ticks) / 4)
    assert speed.decode.tries == (4.0, 4.0, 4.0)
    assert speed.prefill.tries == (32.0, 32.0, 32.0)
    assert speed.first_token.tries == (250.0, 250.0, 250.0)
    assert speed.load_seconds == 0.25
    assert speed.device == "cpu"
    assert speed.peak_bytes > 10_000_000


def test_the_throughput_gate(model):
    """Its threshold is the subject's, and the fastest model misses one that is high enough."""
    subject = subject_of(model, decode_tokens=4, least_tokens_per_second=0.1)
    assert run_gate(THROUGHPUT, subject).result == "PASS"
    assert run_gate(THROUGHPUT, evolve(subject, least_tokens_per_second=1e9)).result == "FAIL"


def test_golden_output(model, tmp_path):
    """What the model said stays said; another model differs, and the reason names the step."""
    with open_generator(open_model(model), engine="numpy", device="cpu") as generator:
        cases = tuple(
            case_of(generator.generate(IDS[i : i + 4], max_tokens=6)) for i in range(0, 8, 4)
        )
    digest = open_model(model).container.digest()
    golden = Golden(model=digest, path={}, tolerance=1e-6, cases=cases)
    (tmp_path / "golden.json").write_bytes(format_golden(golden))
    subject = subject_of(model, golden=tmp_path / "golden.json")
    same = run_gate(GOLDEN_OUTPUT, subject)
    assert (same.result, same.value, same.n) == ("PASS", 0.0, 2)
    assert "12 tokens the same" in same.reason
    other = small_model(tmp_path / "other.gguf", change=_negate)
    differing = run_gate(GOLDEN_OUTPUT, evolve(subject, path=other, model=open_model(other)))
    assert (differing.result, differing.value) == ("FAIL", 2.0)
    assert "case 0 differs at token 0; made with another file" in differing.reason
    (tmp_path / "golden.json").write_text("{}")
    assert run_gate(GOLDEN_OUTPUT, subject).result == "FAIL"
