"""Templates of a model file, by name, and rendering one.

    tokenizer.chat_template          the template
    tokenizer.chat_template.<name>   another one, such as `tool_use`

Nothing is guessed: a file without a template has none. ChatML is used where a file says `chatml` in
place of a template.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from ml.chat.process import Limits, render
from ml.errors import BadOption, MissingTemplate

_KEY: Final = "tokenizer.chat_template"
#: The template that the name `chatml` stands for: each message between two marks.
CHATML: Final = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_BY_NAME: Final = {"chatml": CHATML}

# A message as templates see it: `role`, `content`, and whatever else a template knows.
Message = Mapping[str, Any]


@frozen(kw_only=True)
class ChatTemplate:
    """A template out of a file."""

    name: str
    """`default`, or what comes behind `tokenizer.chat_template.`."""
    source: str = field(repr=False)
    tokens: Mapping[str, str] = field(factory=dict)
    """Texts of special tokens by the names that templates use, such as `bos_token`."""

    def render(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = True,
        names: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
    ) -> str:
        """Return the text of messages; `names` are more variables, such as `tools`.

        Special tokens in it are spelled out: encode it with `special=True`. Raises `ChatFailed`
        with the line where the template fails, says no, or goes over a limit.
        """
        variables = {
            **self.tokens,
            **(names or {}),
            "messages": [dict(message) for message in messages],
            "add_generation_prompt": add_generation_prompt,
        }
        return render(self.source, variables, limits or Limits())


def template_names(metadata: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of the templates of a file, `default` first."""
    names = [key.removeprefix(_KEY + ".") for key in metadata if key.startswith(_KEY + ".")]
    return (*(("default",) if _KEY in metadata else ()), *sorted(names))


def find_template(metadata: Mapping[str, object], name: str = "default") -> ChatTemplate:
    """Return a template out of a file's metadata.

    Raises `MissingTemplate` where the file has none of that name, `BadOption` where it is no text.
    """
    source = metadata.get(_KEY if name == "default" else f"{_KEY}.{name}")
    if source is None:
        there = template_names(metadata)
        raise MissingTemplate(
            f"the file has no chat template {name!r}",
            hint=f"it has {', '.join(there)}"
            if there
            else "this model is not made for messages: give the text as a prompt",
        )
    if not isinstance(source, str):
        raise BadOption(f"the chat template {name!r} is no text", hint="give the text as a prompt")
    return ChatTemplate(
        name=name, source=_BY_NAME.get(source.strip(), source), tokens=_tokens(metadata)
    )


def _tokens(metadata: Mapping[str, object]) -> dict[str, str]:
    """Return the texts of special tokens by the names of templates; what is missing is empty."""
    tokens = metadata.get("tokenizer.ggml.tokens")
    found = {}
    for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        at = metadata.get(f"tokenizer.ggml.{key}_token_id")
        known = isinstance(tokens, tuple) and isinstance(at, int) and 0 <= at < len(tokens)
        found[f"{name}_token"] = str(tokens[at]) if known else ""  # type: ignore[index]
    return found
