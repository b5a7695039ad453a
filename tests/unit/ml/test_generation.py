"""Generation over the float64 reference: what stops it, text as it comes, golden files, signs."""

import json

import numpy as np
import pytest
from attrs import evolve

from ml.architectures import open_model
from ml.engines.base import most_likely
from ml.errors import BadOption, BadPrompt, FileUnreadable, MalformedFile
from ml.generation import Stop, generate, make_sampler, open_generator
from ml.generation.document import document, tokens_per_second
from ml.generation.generator import top_margin
from ml.generation.golden import Golden, case_of, format_golden, hold_against, read_golden
from ml.generation.quality import loop_length, python_error, signs
from ml.generation.stream import TextStream
from ml.tokenizer import Tokenizer
from ml.tracing import trace

PROMPT = [319, 75, 75, 78, 220, 272, 68]


@pytest.fixture(scope="module")
def generator():
    """tiny4 in float64, loaded once."""
    from labs import F16

    with open_generator(open_model(F16), engine="numpy", device="cpu") as opened:
        yield opened


@pytest.fixture(scope="module")
def tokenizer():
    """Its vocabulary."""
    from labs import F16

    return Tokenizer.from_gguf(F16)


def test_it_is_what_a_trace_generates(generator, tiny4):
    """The same ids, and margins that are those of the last logits."""
    made = generator.generate(PROMPT, max_tokens=9)
    traced = trace(
        tiny4,
        PROMPT,
        engine="numpy",
        device="cpu",
        batching="one by one",
        generate=8,
        points=["logits"],
    )
    assert made.ids == (*traced.generated, most_likely(traced.logits))
    assert made.margins[-1] == pytest.approx(top_margin(traced.logits), abs=1e-5)
    assert (made.stopped_by, made.device, len(made.seconds_each)) == ("tokens", "cpu", 8)


def test_prompts_do_not_disturb_each_other(generator):
    """A longer one between two of the same, one of which needs a larger cache."""
    once = generator.generate(PROMPT, max_tokens=6)
    generator.generate(PROMPT * 9, max_tokens=3, sampler=make_sampler(temperature=2.0))
    again = generator.generate(PROMPT, max_tokens=6)
    assert (again.ids, again.margins) == (once.ids, once.margins)


def test_what_stops_it(generator, tokenizer):
    """An id, a text, who listens, and the end of the model's positions."""
    ids = generator.generate(PROMPT, max_tokens=8).ids
    by_id = generator.generate(PROMPT, stop=Stop(ids=frozenset({ids[2]})), tokenizer=tokenizer)
    assert (by_id.ids, by_id.stopped_by) == (ids[:3], "id")
    assert by_id.text == tokenizer.decode(ids[:2])
    stop = tokenizer.decode(ids[1:2])
    by_text = generator.generate(PROMPT, stop=Stop(texts=(stop,)), tokenizer=tokenizer)
    assert by_text.stopped_by == "text"
    assert by_text.text == tokenizer.decode(ids[:1]).partition(stop)[0]
    told = []
    by_consumer = generator.generate(PROMPT, on_token=lambda t: told.append(t) or len(told) < 2)
    assert (by_consumer.ids, by_consumer.stopped_by, told) == (ids[:2], "consumer", list(ids[:2]))
    length = generator.model.config.context_length
    full = generator.generate([PROMPT[0]] * (length - 1), max_tokens=9)
    assert (len(full.ids), full.stopped_by) == (2, "full")


def test_what_it_refuses(generator):
    """Before anything is computed."""
    for wrong in ({"max_tokens": 0}, {"stop": Stop(texts=("a",))}):
        with pytest.raises(BadOption):
            generator.generate(PROMPT, **wrong)
    with pytest.raises(BadPrompt):
        generator.generate([])
    with pytest.raises(BadOption, match="'f8'"):
        open_generator(generator.model, engine="numpy", kv="f8")


def test_draws_repeat(generator):
    """The same seed gives the same ids, another seed others."""
    drawn = [
        generator.generate(
            PROMPT, max_tokens=12, sampler=make_sampler(temperature=1.0, seed=seed)
        ).ids
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_text_is_given_as_it_comes(generator, tokenizer):
    """The pieces are the text, and none of them is half a character."""
    pieces = []
    made = generator.generate(PROMPT, max_tokens=20, tokenizer=tokenizer, on_text=pieces.append)
    assert "".join(pieces) == made.text == tokenizer.decode(made.ids)
    assert len(pieces) > 3


class Spelled:
    """A decoder whose tokens are bytes."""

    def piece(self, token, _previous):
        """One byte."""
        return bytes([token])


def stream(text, *stops):
    """What is given for each byte of a text, and what at the end."""
    opened = TextStream(Spelled(), stops)
    given = [opened.push(byte) for byte in text if not opened.is_stopped]
    return [*given, opened.finish()], opened.text


def test_half_a_character_is_held_back():
    """Until it is whole, or the end makes it U+FFFD."""
    assert stream("é!".encode())[0] == ["", "é", "!", ""]
    assert stream(b"a\xc3") == (["a", "", "\ufffd"], "a\ufffd")


def test_what_may_become_a_stop_is_held_back():
    """And is given once it is none."""
    assert stream(b"ab<e!", "<end>") == (["a", "b", "", "", "<e!", ""], "ab<e!")
    assert stream(b"ab<end>c", "<end>") == (["a", "b", *[""] * 4, "", ""], "ab")
    assert stream(b"ab<", "<end>") == (["a", "b", "", "<"], "ab<")
    assert stream(b"xaab", "aab", "ab") == (["x", "", "", "", ""], "x")


def test_margins():
    """Equal logits, NaN, infinities, and a vocabulary of one."""
    assert top_margin(np.array([1, 3, 2.5], dtype=np.float32)) == 0.5
    assert top_margin(np.array([3, 3, np.nan], dtype=np.float32)) == 0
    assert top_margin(np.array([np.inf, np.inf], dtype=np.float32)) == 0
    assert top_margin(np.array([1], dtype=np.float32)) == np.inf


def test_the_recorded_text_has_no_clock(generator):
    """The same generation, the same document."""
    made = generator.generate(PROMPT, max_tokens=4)
    slower = evolve(made, seconds_prefill=9.0, seconds_each=(9.0, 2.0, 4.0))
    assert document(made) == document(slower)
    assert json.loads(document(made))["ids"] == list(made.ids)
    assert tokens_per_second(slower, 1) == 1 / 3
    assert tokens_per_second(slower, 3) is None


def held(generator, tmp_path, **changes):
    """A golden file of one case, read again."""
    case = evolve(case_of(generator.generate(PROMPT, max_tokens=6)), **changes)
    golden = Golden(model="ab", path={"engine": "numpy"}, tolerance=0.01, cases=(case,))
    path = tmp_path / "golden.json"
    path.write_bytes(format_golden(golden))
    assert read_golden(path) == golden
    return case


def test_golden_outcomes(generator, tmp_path):
    """The same; a decided difference; a near tie; and one that goes on for longer."""
    case = held(generator, tmp_path)
    made = generator.generate(PROMPT, max_tokens=6)
    same = hold_against(case, made, 0.01)
    assert (same.verdict, same.tokens, same.step, same.drift) == ("same", 6, None, 0.0)
    other = evolve(made, ids=(*made.ids[:3], made.ids[3] + 1, *made.ids[4:]))
    differs = hold_against(case, other, case.margins[3] / 2.1)
    assert (differs.verdict, differs.step, differs.tokens) == ("differs", 3, 3)
    assert (differs.expected, differs.found) == (made.ids[3], made.ids[3] + 1)
    assert hold_against(case, other, case.margins[3] / 1.9).verdict == "near tie"
    longer = hold_against(evolve(case, ids=case.ids[:4], margins=case.margins[:4]), made, 0.01)
    assert (longer.verdict, longer.step, longer.expected) == ("differs", 4, None)


def test_an_infinite_margin_survives_the_file(generator, tmp_path):
    """As null."""
    held(generator, tmp_path, margins=(float("inf"), *[0.5] * 5), text=None)


CASE = {"prompt": [1], "ids": [2], "margins": [0.5], "text": "a"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "no JSON"), (b"\xff", "not UTF-8"), (b"[]", "format is not"),
        (b'{"format": "golden/2"}', "format is not"), (b"[" * 100000, "too deep"),
        ({"cases": []}, "cases is no list"), ({"tolerance": -1}, "tolerance is no number"),
        ({"model": 1}, "model is no digest"), ({"path": {"a": 1}}, "path has something"),
        ({"cases": [{**CASE, "ids": [True]}]}, "case 0: ids is no list"),
        ({"cases": [{**CASE, "ids": [-1]}]}, "case 0: ids is no list"),
        ({"cases": [{**CASE, "ids": [1, 2]}]}, "2 ids and 1 margins"),
        ({"cases": [{**CASE, "margins": ["x"]}]}, "margins is no list"),
        ({"cases": [CASE, {**CASE, "text": 3}]}, "case 1: text is neither"),
        ({"cases": [7]}, "case 0: it is no object"),
    ],
)  # fmt: skip
def test_golden_files_that_are_none(tmp_path, content, said):
    """All that is wrong is told, with the byte where JSON ends."""
    good = {"format": "golden/1", "model": "ab", "path": {}, "tolerance": 0.1, "cases": [CASE]}
    path = tmp_path / "golden.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(good | content).encode())
    with pytest.raises(MalformedFile, match=said):
        read_golden(path)
    with pytest.raises(FileUnreadable):
        read_golden(tmp_path / "none.json")


SENTENCE = "A trace names its model, its device and its tokens; two of them can be compared. "


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SENTENCE, []),
        ("again " * 60, ["repeated share", "loop of characters"]),
        (SENTENCE + "Yes, and so on.\n" * 8, ["loop of characters"]),
        (SENTENCE * 2 + "=" * 110, []),
        ("\ufffd" * 3 + SENTENCE, ["unprintable share"]),
        ("\x07\x1b" + SENTENCE, ["unprintable share"]),
        ("".join(chr(0x4E00 + i) for i in range(100)), ["entropy too high"]),
        ("a" * 79, []),
    ],
)
def test_signs(text, found):
    """What shows on the face of a text, and what does not."""
    names = [sign.name for sign in signs(text)]
    assert names == found or (found and set(found) <= set(names))


def test_loops_of_tokens():
    """The end repeats itself often enough, over enough of them."""
    assert loop_length([1, 2, 3] * 10, 24) == 30
    assert loop_length([5, *[1, 2, 3] * 10], 24) == 30
    assert loop_length([1, 2, 3] * 7, 24) == 0
    assert loop_length(list(range(40)), 24) == 0
    assert [sign.name for sign in signs("fine", [7] * 30)] == ["loop of tokens"]


def test_python_is_parsed_and_not_run():
    """A line for what is wrong; nothing happens."""
    assert python_error("def f():\n    return 1\n") is None
    assert python_error("raise SystemExit") is None
    assert python_error("def f(:") == "line 1: invalid syntax"
    assert python_error("a\0b") is not None
    assert python_error("(" * 100000) is not None


def test_one_prompt_at_once(tiny4):
    """`generate` opens, generates and closes."""
    made = generate(open_model(tiny4), PROMPT, engine="numpy", device="cpu", max_tokens=2)
    assert len(made.ids) == 2
