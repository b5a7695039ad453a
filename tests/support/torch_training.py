"""The same training in PyTorch, for comparison alone: `python torch_training.py OUT.npz`.

It shares shapes, first weights, batches and the rate of a step with `ml.training`, and nothing that
computes: the layer, the loss, clipping and AdamW are PyTorch's.
"""

import sys
from pathlib import Path

import numpy as np

from ml.training.presets import find_preset
from ml.training.settings import Settings, learning_rate
from ml.training.weights import initial

STEPS = 20
SETTINGS = Settings(
    preset=find_preset("tiny"), vocabulary=256, steps=STEPS, batch=4, sequence=32, warmup=4
)


def batch_of(step: int) -> np.ndarray:
    """Windows of a step, `int32 [batch, sequence + 1]`: common words, and a rule to be learnt."""
    rng = np.random.Generator(np.random.Philox(key=[1337, step]))
    ids = (SETTINGS.vocabulary * rng.random((SETTINGS.batch, SETTINGS.sequence + 1)) ** 4).astype(
        np.int32
    )
    follows = rng.random(ids.shape) < 0.5
    for at in range(1, ids.shape[1]):
        ruled = (ids[:, at - 1] * 7 + 3) % SETTINGS.vocabulary
        ids[:, at] = np.where(follows[:, at], ruled, ids[:, at])
    return ids


def train() -> dict[str, np.ndarray]:
    """Losses and norms of the steps, gradients of the first, and the weights after the last."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    preset = SETTINGS.preset
    first = initial(preset, SETTINGS.vocabulary, SETTINGS.seed)
    weights = {name: torch.nn.Parameter(torch.from_numpy(w.copy())) for name, w in first.items()}
    places = np.arange(SETTINGS.sequence)
    turns = preset.rope_theta ** (-np.arange(0, preset.head_dim, 2) / preset.head_dim)
    angles = np.outer(places, turns)
    cos, sin = (torch.from_numpy(f(angles).astype(np.float32))[:, None] for f in (np.cos, np.sin))

    def norm(x, name):
        return functional.rms_norm(x, x.shape[-1:], weights[name], preset.epsilon)

    def rotate(x):
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def forward(ids):
        x = functional.embedding(ids, weights["token_embd.weight"])
        shape = (*ids.shape, -1, preset.head_dim)
        for n in range(preset.layers):
            at = f"blk.{n}."
            h = norm(x, at + "attn_norm.weight")
            q, k, v = (
                functional.linear(h, weights[f"{at}attn_{name}.weight"]).view(shape)
                for name in "qkv"
            )
            q, k, v = (t.transpose(1, 2) for t in (rotate(q), rotate(k), v))
            mixed = functional.scaled_dot_product_attention(
                q, k, v, is_causal=True, enable_gqa=True
            )
            mixed = mixed.transpose(1, 2).reshape(x.shape)
            x = x + functional.linear(mixed, weights[at + "attn_output.weight"])
            h = norm(x, at + "ffn_norm.weight")
            gate, up = (
                functional.linear(h, weights[f"{at}ffn_{name}.weight"]) for name in ("gate", "up")
            )
            x = x + functional.linear(functional.silu(gate) * up, weights[at + "ffn_down.weight"])
        return functional.linear(norm(x, "output_norm.weight"), weights["token_embd.weight"])

    groups = [
        {"params": [w for w in weights.values() if (w.dim() > 1) == is_matrix],
         "weight_decay": SETTINGS.weight_decay if is_matrix else 0.0}
        for is_matrix in (True, False)
    ]  # fmt: skip
    betas = (SETTINGS.beta1, SETTINGS.beta2)
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=betas, eps=SETTINGS.adam_epsilon)
    losses, norms, gradients = [], [], {}
    for step in range(STEPS):
        ids = torch.from_numpy(batch_of(step).astype(np.int64))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(SETTINGS, step)
        optimizer.zero_grad()
        logits = forward(ids[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        if step == 0:
            gradients = {f"gradient/{n}": w.grad.numpy().copy() for n, w in weights.items()}
        norms.append(torch.nn.utils.clip_grad_norm_(weights.values(), SETTINGS.clip).item())
        losses.append(loss.item())
        optimizer.step()
    after = {f"weight/{n}": w.detach().numpy().copy() for n, w in weights.items()}
    return {"losses": np.array(losses), "norms": np.array(norms), **gradients, **after}


if __name__ == "__main__":
    np.savez_compressed(Path(sys.argv[1]), **train())
