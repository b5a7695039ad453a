"""How fast text is encoded, with the `tokenizers` package alone beside it in the same run.

    python tests/bench/tokenizing.py VOCABULARY.gguf [VOCABULARY.gguf …]

The text is the standard library's modules. Each figure is the median of three passes with a fresh
tokenizer; one core and two cores are processes of their own, with that many processors. Everything
is also decoded and compared.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

PASSES = 3


def library() -> list[str]:
    """The modules of the standard library, those in its top folder."""
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return [path.read_text(encoding="utf-8", errors="replace") for path in paths]


def package_alone(path: str) -> tuple[Callable[[list[str]], Any], str]:
    """The same vocabulary in the package, with nothing of ours around it."""
    from ml.tokenizer import Tokenizer

    backend = getattr(Tokenizer.from_gguf(path).model, "backend", None)
    if backend is None:
        return lambda _texts: None, "no way to say it"
    return (
        lambda texts: [one.ids for one in backend.encode_batch(texts, add_special_tokens=False)],
        "encode_batch",
    )


def ours(path: str) -> tuple[Callable[[list[str]], Any], str]:
    """Our own, opened anew: no word is remembered."""
    from ml.tokenizer import Tokenizer

    return Tokenizer.from_gguf(path).encode_batch, "encode_batch"


def measure(path: str) -> dict[str, float]:
    """Megabytes a second of each way, within this process's processors."""
    from ml.tokenizer import Tokenizer

    texts = library()
    size = sum(len(text.encode()) for text in texts) / 1e6
    found: dict[str, float] = {"megabytes": size}
    for name, opener in (("package", package_alone), ("ours", ours)):
        each = []
        for _ in range(PASSES):
            encode, _ = opener(path)
            began = time.perf_counter()
            result = encode(texts)
            each.append(size / (time.perf_counter() - began))
        found[name] = median(each) if result is not None else 0.0
    tokenizer = Tokenizer.from_gguf(path)
    ids = tokenizer.encode_batch(texts)
    began = time.perf_counter()
    assert [tokenizer.decode(one) for one in ids] == texts
    found["decode"] = size / (time.perf_counter() - began)
    found["tokens"] = sum(map(len, ids))
    return found


def main() -> None:
    """Print the table."""
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(sys.argv[2])))
        return
    print("vocabulary                    cores   MB  tokens  package MB/s  ours MB/s  decode MB/s")
    for path in sys.argv[1:]:
        for cores in (1, 2):
            chosen = sorted(os.sched_getaffinity(0))[:cores]
            done = subprocess.run(
                [sys.executable, __file__, "--measure", path],
                env={**os.environ, "RAYON_NUM_THREADS": str(cores)},
                preexec_fn=lambda chosen=chosen: os.sched_setaffinity(0, chosen),
                capture_output=True,
                text=True,
                check=True,
            )
            f = json.loads(done.stdout)
            print(
                f"{Path(path).stem:30}{cores:5}{f['megabytes']:5.1f}{f['tokens']:8.0f}"
                f"{f['package']:14.2f}{f['ours']:11.2f}{f['decode']:13.1f}"
            )


if __name__ == "__main__":
    main()
