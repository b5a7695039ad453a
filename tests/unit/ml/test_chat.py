"""Chat templates: ChatML byte for byte, Hugging Face's functions, and templates that mean harm."""

import pytest
from vocabularies import byte_vocabulary

from ml.chat import CHATML, ChatTemplate, Limits, find_template, template_names
from ml.containers import open_container
from ml.errors import BadOption, ChatFailed, MissingTemplate
from ml.tokenizer import Tokenizer

HELLO = [{"role": "user", "content": "Hi <b>"}]
#: What ChatML is for these messages, by its description: role, newline, text, between two marks.
CHATML_VECTORS = (
    (
        [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "2+2?"}],
        "<|im_start|>system\nYou are brief.<|im_end|>\n<|im_start|>user\n2+2?<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
    (
        [{"role": "user", "content": "a\n\nb "}, {"role": "assistant", "content": ""}],
        "<|im_start|>user\na\n\nb <|im_end|>\n<|im_start|>assistant\n<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
)
#: As Qwen2 files have it: a system message of its own where none is given.
QWEN2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QUICK = Limits(seconds=1, memory_bytes=256 << 20)


def render(source, messages=HELLO, **options):
    """The text of a template."""
    template = ChatTemplate(name="default", source=source, tokens={"bos_token": "<s>"})
    return template.render(messages, **options)


@pytest.mark.parametrize(("messages", "text"), CHATML_VECTORS)
def test_chatml_is_byte_equal(messages, text):
    """Nothing before it, nothing trimmed, one newline behind each message."""
    assert render(CHATML, messages).encode() == text.encode()


def test_qwen2_says_who_it_is():
    """Its own template over the same messages."""
    assert render(QWEN2) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nHi <b><|im_end|>\n<|im_start|>assistant\n"
    )
    assert render(QWEN2, CHATML_VECTORS[0][0]) == CHATML_VECTORS[0][1]
    assert not render(QWEN2, add_generation_prompt=False).endswith("assistant\n")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ bos_token }}{{ messages[0] | tojson }}", '<s>{"role": "user", "content": "Hi <b>"}'),
        ("{{ {'b': 'é', 'a': 1} | tojson(indent=2) }}", '{\n  "b": "é",\n  "a": 1\n}'),
        ("{% generation %}x{% endgeneration %}", "x"),
        ("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"),
        ("  {% if true %}\n  a\n  {% endif %}\nb", "  a\nb"),
        ("{{ tools is defined }}", "False"),
        ("{{ messages[0].content.strip().upper() }}", "HI <B>"),
        ("{% set n = namespace(a=1) %}{% set n.a = n.a + 1 %}{{ n.a }}", "2"),
    ],
)
def test_what_templates_use(source, text):
    """As `apply_chat_template` has it."""
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a\n{{ raise_exception('only two roles') }}", "line 2: the template refuses: only"),
        ("{{ strftime_now('%Y') }}", "asks for the date"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ cycler.__init__.__globals__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ messages[0].update({}) }}", "unsafe"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "1 s"),
        ("{{ 'a' * 10**9 }}", "no powers"),
        ("{{ 'a' * 99999999 }}", "too long"),
        ("{% set n = namespace(s='abcdefgh') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}"
         "{% endfor %}", "memory"),
        ("{{ '%999999999d' % 1 }}", "memory"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "too deep"),
        ("{% for a in range(100000) %}{{ 'abcdefghijklmnopqrs' * 9 }}{% endfor %}", "longer"),
        ("{{ nothing.at.all }}", "undefined"),
        ("{% if %}", "Expected an expression"),
        ("{{ lipsum() }}", "undefined"),
    ],
)  # fmt: skip
def test_templates_that_mean_harm(source, said):
    """Each ends with what it did, in bounded time and memory."""
    with pytest.raises(ChatFailed, match=said) as caught:
        render(source, limits=QUICK)
    assert caught.value.hint


def test_the_date_is_what_is_given():
    """No clock: one date, or none, and a template may ask which."""
    ask = "{{ strftime_now('%Y') if strftime_now is defined else 'some year' }}"
    assert render(ask) == "some year"
    assert render(ask, limits=Limits(date="2031-01-01")) == "2031"
    assert (
        render("{{ strftime_now('%d %b %Y') }}", limits=Limits(date="2024-07-26")) == "26 Jul 2024"
    )


def test_templates_of_a_file(tmp_path):
    """By name; `chatml` stands for ChatML, and a file without one has none."""
    path = byte_vocabulary(tmp_path / "a.gguf", template="chatml")
    metadata = open_container(path).metadata
    text = find_template(metadata).render(CHATML_VECTORS[0][0])
    assert text == CHATML_VECTORS[0][1]
    tokenizer = Tokenizer.from_gguf(path)
    assert tokenizer.decode(tokenizer.encode(text, special=True)) == text
    assert template_names(metadata) == ("default",)
    with pytest.raises(MissingTemplate, match="'tool_use'") as caught:
        find_template(metadata, "tool_use")
    assert "default" in caught.value.hint
    with pytest.raises(MissingTemplate, match="'default'"):
        find_template({})
    with pytest.raises(BadOption, match="no text"):
        find_template({"tokenizer.chat_template": 7})
    named = {"tokenizer.chat_template": "a", "tokenizer.chat_template.tool_use": "b"}
    assert template_names(named) == ("default", "tool_use")
    assert find_template(named, "tool_use").source == "b"
