"""One operation of a forward pass on which two paths differ, as a test: numpy alone is needed.

    python test_reproducer.py

Beside this file lie `operation.json`, the input (`input_*.npy`), what each path made of it
(`output_a.npy`, `output_b.npy`) and the weights of both, where they are small enough. Both paths
were fed the same input. The test fails while the two outputs are further apart than `limit`, and
says which of them numpy confirms, in float64, with the weights of a and with those of b.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
Array = NDArray[Any]
Arrays = Mapping[str, Array]
Numbers = Mapping[str, Any]


def rows(inputs: Arrays, weights: Arrays, _numbers: Numbers) -> Array:
    """Rows of the embedding, one for each token id."""
    chosen: Array = weights["weight"][inputs["ids"]]
    return chosen


def rms_norm(inputs: Arrays, weights: Arrays, numbers: Numbers) -> Array:
    """Divide each row by its rms, times the weight."""
    x = inputs["x"]
    mean_square = (x * x).mean(axis=1, keepdims=True)
    normed: Array = x / np.sqrt(mean_square + numbers["epsilon"]) * weights["weight"]
    return normed


def product(inputs: Arrays, weights: Arrays, _numbers: Numbers) -> Array:
    """Multiply x by the transposed weight, and add the bias where there is one."""
    multiplied: Array = inputs["x"] @ weights["weight"].T
    return multiplied + weights["bias"] if "bias" in weights else multiplied


def plus_bias(inputs: Arrays, weights: Arrays, _numbers: Numbers) -> Array:
    """Add the bias, where there is one."""
    x = inputs["x"]
    return x + weights["bias"] if "bias" in weights else x


def side_by_side(inputs: Arrays, _weights: Arrays, _numbers: Numbers) -> Array:
    """Put q, k and v side by side."""
    return np.concatenate([inputs["q"], inputs["k"], inputs["v"]], axis=1)


def rotate(inputs: Arrays, weights: Arrays, numbers: Numbers) -> Array:
    """Apply RoPE with given tables `[tokens, head_dim / 2]`; pairs are the halves of a head.

    Where the model norms each head before that, its weight is among the weights.
    """
    x, half = inputs["x"], numbers["head_dim"] // 2
    if "norm" in weights:
        single = {"x": x.reshape(-1, numbers["head_dim"])}
        x = rms_norm(single, {"weight": weights["norm"]}, numbers).reshape(x.shape)
    heads = x.reshape(len(x), -1, 2, half)
    one, other = heads[:, :, 0], heads[:, :, 1]
    cos, sin = weights["cos"][:, None, :], weights["sin"][:, None, :]
    turned = np.stack([one * cos - other * sin, other * cos + one * sin], axis=2)
    return turned.reshape(x.shape)


def attend(inputs: Arrays, _weights: Arrays, numbers: Numbers) -> Array:
    """Mix the values by causal attention; query head h reads head h // (heads / kv heads)."""
    head_dim, cache = numbers["head_dim"], {"f32": np.float32, "f16": np.float16}[numbers["kv"]]
    q = inputs["q"]
    k, v = (inputs[name].astype(cache).astype(np.float64) for name in "kv")
    group = q.shape[1] // k.shape[1]
    causal = np.tril(np.ones((len(q), len(q)), dtype=bool))
    if numbers.get("window"):
        causal &= np.triu(np.ones((len(q), len(q)), dtype=bool), k=1 - numbers["window"])
    mixed = []
    for head in range(q.shape[1] // head_dim):
        mine = slice(head * head_dim, (head + 1) * head_dim)
        theirs = slice(head // group * head_dim, (head // group + 1) * head_dim)
        scores = q[:, mine] @ k[:, theirs].T / np.sqrt(head_dim)
        scores = np.where(causal, scores, -np.inf)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed.append(shares / shares.sum(axis=1, keepdims=True) @ v[:, theirs])
    return np.concatenate(mixed, axis=1)


def plus(inputs: Arrays, _weights: Arrays, _numbers: Numbers) -> Array:
    """Add the branch to the residual stream."""
    added: Array = inputs["x"] + inputs["branch"]
    return added


def silu(inputs: Arrays, _weights: Arrays, _numbers: Numbers) -> Array:
    """Return x · sigmoid(x)."""
    x = inputs["x"]
    with np.errstate(over="ignore"):
        activated: Array = x / (1 + np.exp(-x))
    return activated


def gated(inputs: Arrays, weights: Arrays, numbers: Numbers) -> Array:
    """Return silu(gate) · up."""
    passed: Array = silu({"x": inputs["gate"]}, weights, numbers) * inputs["up"]
    return passed


Operation = Callable[[Arrays, Arrays, Numbers], Array]
OPERATIONS: dict[str, Operation] = {
    function.__name__: function
    for function in (
        rows, rms_norm, product, plus_bias, side_by_side, rotate, attend, plus, silu, gated,
    )
}  # fmt: skip


def distance(a: Array, b: Array) -> float:
    """Return the largest row distance, rms(a - b) / rms(a); infinite where it is not a number."""
    with np.errstate(all="ignore"):
        apart = np.sqrt(((a - b) ** 2).sum(axis=1) / (a**2).sum(axis=1))
    apart[(a == b).all(axis=1)] = 0
    return float(np.where(np.isnan(apart), np.inf, apart).max())


def load(folder: Path, names: Mapping[str, str | None]) -> dict[str, Array] | None:
    """Load arrays, floating-point ones as float64; None where one was too large to be written."""
    loaded = {}
    for role, file in names.items():
        if file is None:
            return None
        array = np.load(folder / file, allow_pickle=False)
        loaded[role] = array.astype(np.float64) if array.dtype.kind == "f" else array
    return loaded


def channel_distance(a: Array, b: Array) -> float:
    """Return the rms over rows of a - b in the channel that is furthest apart, over that of a."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        difference = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, a - b)
        furthest = np.sqrt((difference**2).mean(axis=0)).max()
        found = furthest / np.sqrt((a**2).mean()) if furthest else 0.0
    return float(np.inf if np.isnan(found) else found)


def report(folder: Path = HERE) -> tuple[float, float, str]:
    """Return the distance of the two outputs, the limit, and what numpy makes of it in words."""
    case = json.loads((folder / "operation.json").read_text(encoding="utf-8"))
    outputs = load(folder, case["outputs"]) or {}
    inputs = load(folder, case["inputs"]) or {}
    measure = {"row": distance, "channel": channel_distance}[case["measure"]]
    apart = measure(outputs["a"], outputs["b"])
    lines = [f"{case['place']}: a and b are {apart:.3g} apart, and {case['limit']:.3g} is allowed"]
    for side in "ab":
        if case["weights"][side] is None:
            lines.append(f"{side}'s weights are not known: its values came in files")
            continue
        files = {role: weight["file"] for role, weight in case["weights"][side].items()}
        weights = load(folder, files)
        if weights is None:
            lines.append(f"with {side}'s weights: too large to be here; see operation.json")
            continue
        expected = OPERATIONS[case["operation"]](inputs, weights, case["numbers"][side])
        far = {name: measure(expected, output) for name, output in outputs.items()}
        lines.append(
            f"numpy with {side}'s weights is {far['a']:.3g} from a and {far['b']:.3g} from b"
        )
    return apart, case["limit"], "\n".join(lines)


def test_reproducer() -> None:
    """The two outputs of one operation on one input are within the limit."""
    apart, limit, words = report()
    assert apart <= limit, words


if __name__ == "__main__":
    apart, limit, words = report()
    print(words)
    raise SystemExit(apart > limit)
