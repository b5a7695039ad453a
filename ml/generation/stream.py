"""Text as it comes: characters that are whole, and nothing that may yet turn out to be a stop."""

import codecs
from collections.abc import Sequence
from typing import Protocol

from attrs import define, field


class Decoder(Protocol):
    """What makes text of ids: `ml.tokenizer.Tokenizer`."""

    def piece(self, token: int, previous: int | None) -> bytes:
        """Return the bytes of a token behind another one (None: it is the first)."""


@define
class TextStream:
    """The text of tokens that are pushed one by one."""

    decoder: Decoder
    stops: Sequence[str] = ()
    text: str = ""
    """All that is decoded so far, without what stopped it."""
    is_stopped: bool = False
    _previous: int | None = None
    _given: int = 0
    _bytes: codecs.IncrementalDecoder = field(
        factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"), repr=False
    )

    def push(self, token: int) -> str:
        """Take a token; return the text that is certain now."""
        return self._take(self._bytes.decode(self.decoder.piece(token, self._previous)), token)

    def finish(self) -> str:
        """Return what was held back; bytes that never became a character are U+FFFD."""
        if self.is_stopped:
            return ""
        begin = self._given
        self._take(self._bytes.decode(b"", final=True), self._previous)
        self._given = len(self.text)
        return self.text[begin:]

    def _take(self, new: str, token: int | None) -> str:
        self._previous = token
        longest = max(map(len, self.stops), default=0)
        begin = max(0, len(self.text) - longest)
        self.text += new
        found = [at for at in (self.text.find(stop, begin) for stop in self.stops) if at >= 0]
        if found:
            self.text, self.is_stopped = self.text[: min(found)], True
            return self._give(len(self.text))
        return self._give(len(self.text) - self._held())

    def _held(self) -> int:
        """Return how many characters at the end begin a text that stops."""
        longest = max(map(len, self.stops), default=0)
        for size in range(min(longest, len(self.text)), 0, -1):
            if any(stop.startswith(self.text[-size:]) for stop in self.stops):
                return size
        return 0

    def _give(self, end: int) -> str:
        given, self._given = self.text[self._given : end], max(end, self._given)
        return given
