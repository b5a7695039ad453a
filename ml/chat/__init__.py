"""Chat templates: the text that a model wants for a list of messages.

A template comes with a model file, so it is hostile input: it is rendered in a process of its own
with limits on time, memory and size (`process.py`, `child.py`), by a sandbox that knows what
Hugging Face's templates may use and nothing else (`sandbox.py`).
"""

from ml.chat.process import Limits
from ml.chat.template import CHATML, ChatTemplate, Message, find_template, template_names

__all__ = ["CHATML", "ChatTemplate", "Limits", "Message", "find_template", "template_names"]
