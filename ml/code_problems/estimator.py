"""pass@k without bias (Chen et al. 2021): from n samples of a problem, of which c are right.

pass@k is the chance that of k samples at least one is right. Of n samples the share of choices of k
without a right one is C(n - c, k) / C(n, k); 1 less that has pass@k as its mean. It needs n ≥ k:
fewer samples say nothing of k tries, and are refused.
"""

from ml.errors import BadOption


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the estimate for one problem; raise `BadOption` for fewer than k samples.

    >>> [round(pass_at_k(5, 2, k), 3) for k in (1, 2, 4)]
    [0.4, 0.7, 1.0]
    """
    if not 1 <= k <= n:
        raise BadOption(
            f"pass@{k} from {n} samples a problem", hint=f"draw at least {k}: --n {k} or more"
        )
    if not 0 <= c <= n:
        raise ValueError(f"{c} right ones of {n} samples")
    missed = 1.0
    for i in range(n - c + 1, n + 1):
        missed *= max(0.0, 1.0 - k / i)
    return 1.0 - missed
