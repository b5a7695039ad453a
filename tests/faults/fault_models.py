"""Seeded models of the Qwen2 architecture, small in width, for faults to be put into.

`deep` has 24 layers; `shallow` has 4, one of which is loud in one channel before the down
projection; `massive` has 6, a first token whose activation is over 1,000 times the median from
layer 0 on, and three channels that are large for every token. Widths are the same, so that an
engine compiles its kernels once. Embeddings are small (0.02) and biases are not, as in real models.

A trial is what is compared with what: a model with faults against a sound one.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quants

HIDDEN, FEED_FORWARD, HEADS, KV_HEADS, HEAD_DIM, VOCABULARY = 128, 384, 4, 2, 32, 512
Q_WIDTH, KV_WIDTH = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
TOKENS = 64
#: Only ever the first token of a prompt; the massive activation is its own.
FIRST_TOKEN = 0

METADATA: dict[str, str | int | float] = {
    "general.name": "fault zoo",
    "qwen2.context_length": 256,
    "qwen2.embedding_length": HIDDEN,
    "qwen2.feed_forward_length": FEED_FORWARD,
    "qwen2.attention.head_count": HEADS,
    "qwen2.attention.head_count_kv": KV_HEADS,
    "qwen2.attention.layer_norm_rms_epsilon": 1e-6,
    "qwen2.rope.freq_base": 1e6,
}

F32, F16, Q4_0, Q8_0 = (GGMLQuantizationType[name] for name in ("F32", "F16", "Q4_0", "Q8_0"))
#: Bytes of a block, the first two of which are its scale in f16, and the numbers it holds.
BLOCK_BYTES, BLOCK = {Q4_0: 18, Q8_0: 34}, 32


@attrs.frozen
class Stored:
    """One tensor as the file holds it: float32, float16, or `uint8 [rows, bytes]` of blocks."""

    kind: GGMLQuantizationType
    data: np.ndarray


@attrs.frozen
class Parts:
    """All of a model file. Faults make changed copies of it."""

    metadata: dict[str, str | int | float]
    tensors: dict[str, Stored]

    def said(self, key: str, value: str | float) -> "Parts":
        """A copy with another value under a metadata key."""
        return attrs.evolve(self, metadata={**self.metadata, key: value})

    def put(self, name: str, data: np.ndarray) -> "Parts":
        """A copy with other bytes in a tensor of the same type."""
        return self.placed(name, attrs.evolve(self.tensors[name], data=data))

    def placed(self, name: str, stored: Stored) -> "Parts":
        """A copy with another tensor under a name."""
        return attrs.evolve(self, tensors={**self.tensors, name: stored})

    def write(self, path: Path) -> Path:
        """Write the GGUF file and return its path."""
        writer = GGUFWriter(path, "qwen2")
        for key, value in self.metadata.items():
            add = {str: writer.add_string, int: writer.add_uint32, float: writer.add_float32}
            add[type(value)](key, value)
        for name, stored in self.tensors.items():
            writer.add_tensor(name, stored.data, raw_dtype=stored.kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path


@attrs.frozen(kw_only=True, eq=False)
class Model:
    """One of the models."""

    name: str
    layers: int
    kinds: dict[str, GGMLQuantizationType]
    """Types of matrices by the last part but one of their names, `*` for the rest; else F16."""
    seed: int
    shape: Callable[[dict[str, np.ndarray]], None] = lambda _: None
    """Changes the numbers before they are packed."""

    def parts(self) -> Parts:
        """Make the file's parts: the same ones every time."""
        rng = np.random.default_rng(self.seed)
        numbers = dict(_numbers(rng, self.layers))
        self.shape(numbers)
        return Parts(
            metadata={**METADATA, "qwen2.block_count": self.layers},
            tensors={name: self._packed(name, numbers[name]) for name in numbers},
        )

    def _packed(self, name: str, numbers: np.ndarray) -> Stored:
        if numbers.ndim == 1:
            return Stored(F32, numbers.astype(np.float32))
        kind = self.kinds.get(name.split(".")[-2], self.kinds.get("*", F16))
        return Stored(kind, quants.quantize(numbers.astype(np.float32), kind))


def prompt(number: int) -> tuple[int, ...]:
    """Token ids of a seeded prompt. The faults are looked for on number 0."""
    rng = np.random.default_rng(1000 + number)
    return (FIRST_TOKEN, *(int(token) for token in rng.integers(1, VOCABULARY, TOKENS - 1)))


def _numbers(rng: np.random.Generator, layers: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every tensor's numbers, outermost dimension first."""

    def matrix(rows: int, columns: int, gain: float) -> np.ndarray:
        return rng.normal(size=(rows, columns)) * gain / np.sqrt(columns)

    def scale() -> np.ndarray:
        return np.exp(rng.normal(size=HIDDEN) * 0.3)

    yield "token_embd.weight", rng.normal(size=(VOCABULARY, HIDDEN)) * 0.02
    for layer in range(layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", scale()
        yield block + "attn_q.weight", matrix(Q_WIDTH, HIDDEN, 1.5)
        yield block + "attn_k.weight", matrix(KV_WIDTH, HIDDEN, 1.5)
        yield block + "attn_v.weight", matrix(KV_WIDTH, HIDDEN, 1.0)
        yield block + "attn_q.bias", rng.normal(size=Q_WIDTH) * 0.5
        # Some channels of k have biases far larger than the rest, as those of Qwen2 have.
        yield block + "attn_k.bias", rng.normal(size=KV_WIDTH) * rng.choice([0.5, 5.0], KV_WIDTH)
        yield block + "attn_v.bias", rng.normal(size=KV_WIDTH) * 0.3
        yield block + "attn_output.weight", matrix(HIDDEN, Q_WIDTH, 0.5)
        yield block + "ffn_norm.weight", scale()
        yield block + "ffn_gate.weight", matrix(FEED_FORWARD, HIDDEN, 1.0)
        yield block + "ffn_up.weight", matrix(FEED_FORWARD, HIDDEN, 1.0)
        yield block + "ffn_down.weight", matrix(HIDDEN, FEED_FORWARD, 0.7)
    yield "output_norm.weight", scale()
    yield "output.weight", matrix(VOCABULARY, HIDDEN, 1.0)


#: In which layer, and in which channel of the feed-forward, the shallow model is loud.
LOUD_LAYER, LOUD_CHANNEL = 2, 9


def _loud(numbers: dict[str, np.ndarray]) -> None:
    """One product of gate and up beyond what f16 can hold, which the down projection turns down."""
    block = f"blk.{LOUD_LAYER}."
    numbers[block + "ffn_gate.weight"][LOUD_CHANNEL] *= 400
    numbers[block + "ffn_up.weight"][LOUD_CHANNEL] *= 400
    numbers[block + "ffn_down.weight"][:, LOUD_CHANNEL] *= 1e-5


#: The channel that only the first token has, what it drives, and where the feed-forward puts it.
MARK, DRIVEN, MASSIVE_CHANNELS, OUTLIERS = 3, 7, (5, 77), (11, 50, 101)


def _massive(numbers: dict[str, np.ndarray]) -> None:
    """The first token's embedding drives layer 0 to write a huge number to two channels."""
    embedding = numbers["token_embd.weight"]
    embedding[:, MARK] *= 0.1
    embedding[FIRST_TOKEN, MARK] = 1.0
    numbers["blk.0.attn_output.weight"][MARK] = 0
    for name, values in numbers.items():
        last = name.split(".")[-2]
        if last in ("attn_output", "ffn_down"):
            values[list(OUTLIERS)] *= 30
        if name.startswith("blk.") and last.endswith("norm"):
            values[list(OUTLIERS)] *= 0.1
    embedding[:, list(OUTLIERS)] *= 30
    for driver in ("ffn_gate", "ffn_up"):
        numbers[f"blk.0.{driver}.weight"][DRIVEN] = 0
        numbers[f"blk.0.{driver}.weight"][DRIVEN, MARK] = 8
    down = numbers["blk.0.ffn_down.weight"]
    down[:, DRIVEN] = 0
    down[list(MASSIVE_CHANNELS), DRIVEN] = 32, -32


DEEP = Model(name="deep", layers=24, kinds={"*": Q8_0}, seed=1)
SHALLOW = Model(
    name="shallow", layers=4, kinds={"ffn_gate": Q8_0, "ffn_up": Q8_0}, seed=2, shape=_loud
)
MASSIVE = Model(name="massive", layers=6, kinds={}, seed=3, shape=_massive)
MIDDLE = Model(name="middle", layers=8, kinds={}, seed=4)


@attrs.frozen(kw_only=True, eq=False)
class Trial:
    """A model that faults are put into, and the sound one that it is held against."""

    name: str
    story: str
    model: Model
    sound: Model
    """The same numbers; possibly in another type."""
    engine: str
    """What computes the sound side; the other is always in float64."""


TRIALS = (
    Trial(
        name="deep",
        story="24 layers in Q8_0, engine `a` against numpy",
        model=DEEP,
        sound=DEEP,
        engine="a",
    ),
    Trial(
        name="shallow",
        story=f"4 layers in f16 and Q8_0, layer {LOUD_LAYER} loud in one channel of its "
        "feed-forward, engine `a` against numpy",
        model=SHALLOW,
        sound=SHALLOW,
        engine="a",
    ),
    Trial(
        name="massive",
        story="6 layers in f16, a first token over 1,000 times the median and three outlier "
        "channels, engine `a` against numpy",
        model=MASSIVE,
        sound=MASSIVE,
        engine="a",
    ),
    Trial(
        name="rounded",
        story="8 layers in Q8_0, against the same numbers in f16",
        model=attrs.evolve(MIDDLE, kinds={"*": Q8_0}),
        sound=MIDDLE,
        engine="numpy",
    ),
    Trial(
        name="coarse",
        story="the 8 layers in Q4_0, against the same numbers in f16",
        model=attrs.evolve(MIDDLE, kinds={"*": Q4_0}),
        sound=MIDDLE,
        engine="numpy",
    ),
)
