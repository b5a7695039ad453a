"""How a vocabulary cuts text into words before merging: one row a pre-tokenizer.

Names are those of `tokenizer.ggml.pre`; which of them share a row, and how a row cuts, is
llama.cpp's (its `llama-vocab.cpp` of 2026). Where that says it adapted a pattern to what its own
regular expressions can say, the row has the pattern of the model's `tokenizer.json`, which it
quotes.

Patterns are applied one after the other: each cuts the pieces that the one before it left, matches
and what lies between them alike, and sees nothing beyond its piece. The syntax is that of
Oniguruma, over Unicode.
"""

from typing import Final

from attrs import frozen

from ml.errors import UnknownPretokenizer
from ml.tokenizer import pretokenizer_patterns as parts


@frozen
class Pretokenizer:
    """One row."""

    names: tuple[str, ...]
    patterns: tuple[str, ...]
    """A word is one match, or what lies between two; an empty list leaves the text whole."""
    merges_ignored: bool = False
    """A word that is in the vocabulary is that token, whatever the merges make of it."""
    raw: bool = False
    """Tokens spell text as it is, a space as U+2581 and a byte as <0xHH>, not byte by byte."""


def _cased(behind: str, digits: str) -> str:
    """A word of capitals, then small letters, with what may come behind it."""
    first, upper, lower = parts.WORD_START, parts.UPPER, parts.LOWER
    return (
        f"{first}{upper}*{lower}+{behind}|{first}{upper}+{lower}*{behind}|{digits}"
        rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{parts.SPACES}"
    )


_MAYBE: Final = f"{parts.APOSTROPHES}?"
_THREE: Final = r"\p{N}{1,3}"

PRETOKENIZERS: Final = (
    Pretokenizer(
        (
            *("gpt-2", "phi-2", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de"),
            *("jina-v2-code", "roberta-bpe", "gigachat", "a.x-4.0", "mellum", "modern-bert"),
            *("exaone4", "mpt", "olmo", "jais", "trillion", "granite-docling"),
        ),
        (parts.GPT2,),
    ),
    Pretokenizer(
        (
            *("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0"),
            *("lfm2", "jina-v5-nano"),
        ),
        (parts.LLAMA3,),
        merges_ignored=True,
    ),
    Pretokenizer(("dbrx", "smaug-bpe", "glm4", "chatglm-bpe"), (parts.LLAMA3,)),
    Pretokenizer(
        (
            *("qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan"),
            *("solar-open", "grok-2"),
        ),
        (parts.QWEN2,),
    ),
    Pretokenizer(
        ("qwen35",),
        (
            rf"{parts.APOSTROPHES}|{parts.WORD_START}[\p{{L}}\p{{M}}]+|\p{{N}}"
            rf"| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{parts.SPACES}",
        ),
    ),
    Pretokenizer(
        (
            *("starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"),
            "mellum2",
        ),
        (r"\p{N}", parts.GPT2),
    ),
    Pretokenizer(("falcon",), (r"[\p{P}$+<=>^~|`]+", parts.GPT2, "[0-9][0-9][0-9]")),
    # What llama.cpp takes where a file names none.
    Pretokenizer(("default", ""), (r"[\p{P}$+<=>^~|]+", parts.GPT2, r"\p{N}+", "[0-9][0-9][0-9]")),
    Pretokenizer(
        ("deepseek-llm",),
        (
            r"[\r\n]",
            rf"\s?{parts.DEEPSEEK_LETTERS}+",
            rf"\s?{parts.DEEPSEEK_MARKS}+",
            r"(?<!\s)\s++\z",
            parts.CJK,
            r"\p{N}+",
        ),
    ),
    Pretokenizer(("deepseek-coder",), (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", parts.CJK, r"\p{N}")),
    Pretokenizer(
        ("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"),
        (
            _THREE,
            parts.CJK_AND_KANA,
            parts.MARKED_WORDS + rf"| ?[\p{{P}}\p{{S}}]+[\r\n]*|{parts.SPACES}",
        ),
    ),
    Pretokenizer(
        ("spark2_5",),
        (
            _THREE,
            parts.CJK_AND_KANA,
            parts.MARKED_WORDS + r"| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+",
            r"\p{N}",
        ),
    ),
    Pretokenizer(
        ("afmoe",),
        (
            # Digits in threes from the right; what precedes them is cut by the patterns below.
            r"\P{N}*+(?:\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))|\z)",
            parts.AFMOE_SCRIPTS,
            parts.MARKED_WORDS + rf"| ?[\p{{P}}\p{{S}}]+[\r\n]*|{parts.SPACES}",
        ),
    ),
    Pretokenizer(("poro-chat", "bloom", "gpt3-finnish"), (parts.NO_CLAUSE_ENDS,)),
    Pretokenizer(("viking",), (parts.NO_CLAUSE_ENDS, r"\p{N}")),
    Pretokenizer(("tekken",), (_cased("", r"\p{N}"),), merges_ignored=True),
    Pretokenizer(
        ("gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"), (_cased(_MAYBE, _THREE),)
    ),
    Pretokenizer(("granite-embed-multi-97m",), (_cased(_MAYBE, _THREE),), merges_ignored=True),
    Pretokenizer(("tiny_aya", "cohere2moe"), (r"\d{1,3}(?=(?:\d{3})*\b)", _cased(_MAYBE, _THREE))),
    Pretokenizer(("youtu",), (parts.YOUTU_SCRIPTS, _cased(_MAYBE, r"\p{N}")), merges_ignored=True),
    Pretokenizer(
        ("kimi-k2",),
        (
            rf"\p{{Han}}+|{parts.WORD_START}{parts.UPPER_NO_HAN}*{parts.LOWER_NO_HAN}+{_MAYBE}"
            rf"|{parts.WORD_START}{parts.UPPER_NO_HAN}+{parts.LOWER_NO_HAN}*{_MAYBE}"
            rf"|{_THREE}{parts.OTHERS}|{parts.SPACES}",
        ),
    ),
    Pretokenizer(
        ("chameleon",),
        (
            *("<sentinel:[0-9]+>", "(?:IMGIMG)(?:(?:A|B|C|D|E|F|G|H|I){1,4})Z"),
            *(r"(?:[\t\n]|    |  )", r"\p{N}", r"[\p{P}!-/:-@\[-`{-~]", parts.GPT2),
        ),
    ),
    Pretokenizer(("superbpe",), (r"\p{N}+", r"(?=(?:\d{3})+(?!\d))")),
    Pretokenizer(
        ("bailingmoe", "bailingmoe2", "llada-moe"),
        (
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}"
            r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        ),
    ),
    Pretokenizer(
        ("seed-coder",),
        (rf"{parts.APOSTROPHES}|{parts.WORDS}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{parts.SPACES}",),
    ),
    Pretokenizer(("ufakzeka",), (rf"{parts.WORDS}|\p{{N}}{parts.OTHERS}|{parts.SPACES}",)),
    Pretokenizer(("laguna",), (r"[^\n]+|[\n]+", parts.QWEN2)),
    Pretokenizer(
        ("exaone-moe",),
        (
            rf"{parts.APOSTROPHES}|{parts.WORD_START}(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+"
            r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+",
        ),
    ),
    Pretokenizer(
        ("minicpm5",),
        (_THREE, rf"{parts.APOSTROPHES}|{parts.WORDS}|\p{{N}}+{parts.OTHERS}|{parts.SPACES}"),
        merges_ignored=True,
    ),
    Pretokenizer(
        ("jais-2",),
        (
            rf"{parts.APOSTROPHES}|{parts.WORDS}|{_THREE}{parts.OTHERS}|\s*[\r\n]+|{parts.JAIS_SPACES}",
        ),
    ),
    Pretokenizer(
        ("gemma4", "granite-embed-multi-311m", "sarvam-moe"), (r"[^\n]+|[\n]+",), raw=True
    ),
)


def find_pretokenizer(name: object) -> Pretokenizer:
    """Return the row of this name (None: the file names none); raise `UnknownPretokenizer`."""
    for pretokenizer in PRETOKENIZERS:
        if ("" if name is None else name) in pretokenizer.names:
            return pretokenizer
    known = sorted(name for row in PRETOKENIZERS for name in row.names if name)
    raise UnknownPretokenizer(
        f"the vocabulary asks for the pre-tokenizer {name!r}",
        hint=f"the known ones are {', '.join(known)}; or give token ids with --ids",
    )
