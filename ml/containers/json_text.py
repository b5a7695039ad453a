"""JSON read in place: a bounds-checked cursor over UTF-8 bytes that builds only what is asked for.

A general JSON reader makes twenty bytes of objects from one byte of `[[],[],…`, and cannot say
at which byte a duplicate key stands. A header has a fixed form, so its reader walks it: `members`
of an object, `items` of an array, `text`, `count`, and `skip` for a value that nobody needs.

Strict as RFC 8259: no comment, no NaN, no lone half of a surrogate pair, no control character in a
string; besides that, no key stands twice in an object.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import define

from ml.containers.base import MOST_TENSORS, legible
from ml.errors import MalformedFile

LARGEST_COUNT = 2**64 - 1
DEEPEST_VALUE = 16
# Keys are kept while an object is read, to find one that stands twice.
MOST_MEMBERS = MOST_TENSORS + 1
MOST_SKIPPED_MEMBERS = 1 << 16
_SPACE = re.compile(rb"[ \t\n\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_COUNT = re.compile(rb"(?:0|[1-9][0-9]{0,19})(?![0-9.eE])")
# Values that hold no other, each with the comma behind it: what long lists are made of.
_RUN = re.compile(
    rb'(?>(?>"[^"\\\x00-\x1f]*+"|true|false|null'
    rb"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
    rb"[ \t\n\r]*+,[ \t\n\r]*+)*+"
)
# A reader in Python takes some microseconds for each: seconds at the most.
MOST_SKIPPED = 1 << 20
_WORD = re.compile(rb"(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\b")


@define
class JsonCursor:
    """A position in the bytes of a JSON text, which ends at `end`."""

    path: Path
    data: memoryview
    offset: int
    end: int
    hint: str
    skipped: int = 0
    """Values that were stepped over one by one."""

    def fail(self, message: str, offset: int | None = None) -> MalformedFile:
        """Return the error to raise; `offset` where it is not the cursor's own."""
        at = self.offset if offset is None else offset
        return MalformedFile(legible(message), path=self.path, offset=at, hint=self.hint)

    def peek(self) -> bytes:
        """Return the next byte that is no white space, b"" at the end; the cursor stands on it."""
        if (space := _SPACE.match(self.data, self.offset, self.end)) is not None:
            self.offset = space.end()
        return self.data[self.offset : min(self.offset + 1, self.end)].tobytes()

    def take(self, wanted: bytes, what: str) -> None:
        """Step over one character; raise where another one stands."""
        if self.peek() != wanted:
            raise self.fail(f"{what}: expected {wanted.decode()!r}")
        self.offset += 1

    def text(self, what: str, longest: int) -> str:
        """Read a string; `longest` bounds its bytes, as written."""
        self.take(b'"', what)
        start = self.offset
        self._to_quote(what)
        if self.offset - start > longest:
            length = self.offset - start
            raise self.fail(f"{what} is {length} bytes long, over the limit of {longest}", start)
        written = self.data[start : self.offset].tobytes()
        self.offset += 1
        try:
            if b"\\" not in written:
                return written.decode()
            value: str = json.loads(b'"%b"' % written)
            value.encode()
        except UnicodeDecodeError as error:
            raise self.fail(f"{what} is not UTF-8", start + error.start) from None
        except (ValueError, UnicodeEncodeError):
            raise self.fail(f"{what} has an escape that stands for nothing", start) from None
        return value

    def _to_quote(self, what: str) -> None:
        """Step over the inside of a string, up to its closing quote."""
        start = self.offset
        while (plain := _PLAIN.match(self.data, self.offset, self.end)) is not None:
            self.offset = plain.end()
            found = self.data[self.offset : min(self.offset + 1, self.end)].tobytes()
            if found == b'"':
                return
            if found != b"\\":
                break
            self.offset += 2
        if self.offset < self.end:
            raise self.fail(f"{what} has a control character")
        raise self.fail(f"{what} does not end", start)

    def count(self, what: str) -> int:
        """Read a whole number from 0 to 2^64 - 1, written without a sign or fraction."""
        self.peek()
        number = _COUNT.match(self.data, self.offset, self.end)
        if number is None or int(number[0]) > LARGEST_COUNT:
            raise self.fail(f"{what}: expected a whole number below 2^64")
        self.offset = number.end()
        return int(number[0])

    def members(
        self, what: str, longest: int, most: int = MOST_MEMBERS
    ) -> Iterator[tuple[int, str]]:
        """Yield (offset, key) of each member of an object; the caller reads the value.

        `longest` bounds the bytes of a key, `most` the number of members.
        """
        seen: set[str] = set()
        self.take(b"{", what)
        if self.peek() == b"}":
            self.offset += 1
            return
        while True:
            self.peek()
            at = self.offset
            key = self.text(f"a key of {what}", longest)
            if key in seen:
                raise self.fail(f"{what} has the key {key[:80]!r} twice", at)
            if len(seen) == most:
                raise self.fail(f"{what} has more than {most} members", at)
            seen.add(key)
            self.take(b":", f"{what}, after {key[:80]!r}")
            yield at, key
            if self.peek() != b",":
                return self.take(b"}", f"the end of {what}")
            self.offset += 1

    def items(self, what: str) -> Iterator[None]:
        """Yield once for each element of an array; the caller reads it."""
        self.take(b"[", what)
        if self.peek() == b"]":
            self.offset += 1
            return
        while True:
            yield
            if self.peek() != b",":
                return self.take(b"]", f"the end of {what}")
            self.offset += 1

    def _skip_run(self) -> None:
        """Step over elements of an array that hold no other, up to the last one."""
        if self.peek() and (run := _RUN.match(self.data, self.offset, self.end)) is not None:
            self.offset = run.end()

    def skip(self, what: str, longest: int, depth: int = 0) -> None:
        """Step over one value of any form, building nothing of it."""
        if depth > DEEPEST_VALUE:
            raise self.fail(f"{what} nests deeper than {DEEPEST_VALUE}")
        first = self.peek()
        self.skipped += 1
        if self.skipped > MOST_SKIPPED:
            raise self.fail(f"{what}: more than {MOST_SKIPPED} values")
        if first == b"{":
            for _ in self.members(what, longest, MOST_SKIPPED_MEMBERS):
                self.skip(what, longest, depth + 1)
        elif first == b"[":
            for _ in self.items(what):
                self._skip_run()
                self.skip(what, longest, depth + 1)
        elif first == b'"':
            self.offset += 1
            self._to_quote(what)
            self.offset += 1
        elif (word := _WORD.match(self.data, self.offset, self.end)) is not None:
            self.offset = word.end()
        else:
            raise self.fail(f"{what}: expected a value")
