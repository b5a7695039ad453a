"""Golden outputs: what a model made of some prompts, in a file, and another pass held against it.

spec/formats/golden.md is the format. Decoding is greedy. Where two paths choose another token, the
ids behind it are no evidence any more, so a case ends there; and it matters how decided the choice
was: if the margin was at most twice the tolerance, rounding explains it (a near tie).
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from attrs import field, frozen

from ml.errors import FileUnreadable, MalformedFile
from ml.generation.base import Generation

FORMAT: Final = "golden/1"
#: Logits of two sound paths of one model differ by less: engines a and b at float32 by about 1e-5.
DEFAULT_TOLERANCE: Final = 0.01
_MOST_BYTES: Final = 64 << 20
_MOST_ID: Final = (1 << 31) - 1
_HINT: Final = "make it again with --make; spec/formats/golden.md is the format"

Verdict = Literal["same", "near tie", "differs"]


@frozen(kw_only=True)
class Case:
    """One prompt and what came of it."""

    prompt: tuple[int, ...] = field(repr=False)
    ids: tuple[int, ...]
    margins: tuple[float, ...] = field(repr=False)
    """At each token, the largest logit less the second; infinite for a vocabulary of one."""
    text: str | None


@frozen(kw_only=True)
class Golden:
    """A file of them."""

    model: str
    """SHA-256 of the model file, in hex."""
    path: Mapping[str, str]
    """How it was computed: engine, device, and the like."""
    tolerance: float
    """The largest difference of logits that is put down to rounding."""
    cases: tuple[Case, ...]


@frozen(kw_only=True)
class Outcome:
    """One case held against a generation."""

    verdict: Verdict
    tokens: int
    """How many were compared and are the same."""
    step: int | None
    """The first token that differs; None where none does."""
    expected: int | None
    found: int | None
    margin: float | None
    """How decided the golden choice was there."""
    drift: float
    """The largest difference of margins over the tokens before it."""


def case_of(made: Generation) -> Case:
    """Return a generation as a case."""
    return Case(prompt=made.prompt, ids=made.ids, margins=made.margins, text=made.text)


def hold_against(case: Case, made: Generation, tolerance: float) -> Outcome:
    """Return how a generation of the same prompt compares."""
    pairs = list(zip(case.ids, made.ids, strict=False))
    step = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
    if step is None and len(case.ids) != len(made.ids):
        step = len(pairs)
    compared = len(pairs) if step is None else step
    drifts = [
        abs(a - b)
        for a, b in zip(case.margins[:compared], made.margins[:compared], strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]
    margin = case.margins[step] if step is not None and step < len(case.margins) else None
    tie = margin is not None and margin <= 2 * tolerance
    return Outcome(
        verdict="same" if step is None else "near tie" if tie else "differs",
        tokens=compared,
        step=step,
        expected=case.ids[step] if step is not None and step < len(case.ids) else None,
        found=made.ids[step] if step is not None and step < len(made.ids) else None,
        margin=margin,
        drift=max(drifts, default=0.0),
    )


def format_golden(golden: Golden) -> bytes:
    """Return the bytes of a file; the same values give the same bytes."""
    value = {
        "format": FORMAT,
        "model": golden.model,
        "path": dict(sorted(golden.path.items())),
        "tolerance": golden.tolerance,
        "cases": [
            {
                "prompt": list(case.prompt),
                "ids": list(case.ids),
                "margins": [margin if math.isfinite(margin) else None for margin in case.margins],
                "text": case.text,
            }
            for case in golden.cases
        ],
    }
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def read_golden(path: Path) -> Golden:
    """Read a file. Raises `FileUnreadable`, or `MalformedFile` with all that is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise FileUnreadable(f"cannot read {path}: {error.strerror}", hint=_HINT) from error
    if len(data) > _MOST_BYTES:
        raise _malformed(path, f"it is over {_MOST_BYTES >> 20} MiB long", _MOST_BYTES)
    try:
        value = json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise _malformed(path, "it is not UTF-8", error.start) from None
    except json.JSONDecodeError as error:
        at = len(error.doc[: error.pos].encode())
        raise _malformed(path, f"it is no JSON: {error.msg}", at) from None
    except RecursionError:
        raise _malformed(path, "it is nested too deep", 0) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise _malformed(path, str(error), 0) from None
    problems = list(_problems(value))
    if problems:
        raise _malformed(path, "; ".join(problems[:10]), 0)
    return _golden(value)


def _malformed(path: Path, said: str, offset: int) -> MalformedFile:
    return MalformedFile(said, path=path, offset=offset, hint=_HINT)


def _problems(value: Any) -> list[str]:  # noqa: ANN401 - whatever JSON holds
    """Return what keeps a value from being a golden file."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        return [f"its format is not {FORMAT}"]
    found = []
    if not isinstance(value.get("model"), str):
        found.append("model is no digest")
    path = value.get("path")
    if not isinstance(path, dict) or not all(isinstance(text, str) for text in path.values()):
        found.append("path has something else than texts")
    if not _is_number(value.get("tolerance")):
        found.append("tolerance is no number of 0 or above")
    cases = value.get("cases")
    if not isinstance(cases, list) or not cases:
        return [*found, "cases is no list with something in it"]
    for i, case in enumerate(cases):
        found += [f"case {i}: {problem}" for problem in _case_problems(case)]
    return found


def _case_problems(case: Any) -> list[str]:  # noqa: ANN401
    if not isinstance(case, dict):
        return ["it is no object"]
    found = [
        f"{name} is no list of token ids" for name in ("prompt", "ids") if not _ids(case, name)
    ]
    margins = case.get("margins")
    if not isinstance(margins, list) or not all(m is None or _is_number(m) for m in margins):
        found.append("margins is no list of numbers of 0 or above")
    elif isinstance(case.get("ids"), list) and len(margins) != len(case["ids"]):
        found.append(f"{len(case['ids'])} ids and {len(margins)} margins")
    if not isinstance(case.get("text"), str | None):
        found.append("text is neither text nor null")
    return found


def _ids(case: Mapping[str, Any], name: str) -> bool:
    ids = case.get(name)
    return (
        isinstance(ids, list)
        and bool(ids)
        and all(type(token) is int and 0 <= token <= _MOST_ID for token in ids)
    )


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value >= 0
        and math.isfinite(value)
    )


def _golden(value: Mapping[str, Any]) -> Golden:
    return Golden(
        model=value["model"],
        path=value["path"],
        tolerance=float(value["tolerance"]),
        cases=tuple(_case(case) for case in value["cases"]),
    )


def _case(case: Mapping[str, Any]) -> Case:
    margins: Sequence[float | None] = case["margins"]
    return Case(
        prompt=tuple(case["prompt"]),
        ids=tuple(case["ids"]),
        margins=tuple(math.inf if margin is None else float(margin) for margin in margins),
        text=case["text"],
    )
