"""Texts as pages show them: the look of a status, and characters that a reader would not see."""

from typing import Final, Literal

Tone = Literal["good", "half", "bad", "open", "gone", "plain"]

_WORDS: Final[dict[Tone, tuple[str, ...]]] = {
    "good": (
        "DISCHARGED", "SURVIVED", "CONFIRMED", "SUPPORTED", "finished", "equal", "done",
        "published",
    ),
    "half": (
        "PARTIAL", "PARTIAL_ALGORITHM_LEVEL", "PROVISIONAL", "SUSPECT", "expected", "no_floor",
        "EARLY_STOP", "suspect", "BLOCKED", "STALE",
    ),
    "bad": (
        "FALSIFIED", "REFUTED", "DEMOTED", "INVALID", "failed", "FAILED", "ABORTED", "differs",
        "over_floor", "incomparable", "refuted", "DIVERGED",
    ),
    "open": (
        "unbound", "UNKNOWN", "open", "OPEN", "under way", "interrupted", "opened", "draft",
    ),
    "gone": ("SUPERSEDED", "RETIRED", "RETRACTED", "ELIMINATED", "superseded", "withheld"),
}  # fmt: skip
#: The tone of a status, which gives it a colour and a sign; the word itself always stands.
#: A status that is not here is plain.
TONES: Final[dict[str, Tone]] = {word: tone for tone, words in _WORDS.items() for word in words}

#: What a page must not hold as it is: controls, terminal codes, marks that turn the direction of
#: what follows, half characters. Each is spelled instead, so that a reader sees that it is there.
UNSEEN: Final[dict[int, str]] = {
    code: f"\\u{code:04x}"
    for code in (
        *(c for c in range(0x20) if c not in (0x09, 0x0A)),
        *range(0x7F, 0xA0),
        0x061C,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xD800, 0xE000),
        0xFFFE,
        0xFFFF,
    )
}
