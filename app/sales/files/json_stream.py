"""Splitters of a JSON array and of NDJSON into the texts of single invoices; one invoice at most is in memory.

Every byte is looked at once: the state of an unfinished string or invoice is kept from block to block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.kernel.errors import BadRequest
from app.kernel.json import BYTE_ORDER_MARK
from app.kernel.messages import N_, Message

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+'
#: An object without nested brackets (an item, a customer), a string (without the closing quote where the block ends
#: first), or one bracket.
_TOKEN = re.compile(
    rb'(\{[^"{}\[\]]*+(?:' + _STRING + rb'"[^"{}\[\]]*+)*+\})|' + _STRING + rb'("?)|[\[\]{}]', re.DOTALL
)
#: The rest of a string that an earlier block began.
_REST_OF_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_OPENING = b"[{"
_NO_ARRAY = N_("Send a JSON array of invoices, or one invoice a line as application/x-ndjson.")
_SPACE = b" \t\r\n"
#: The limit of one invoice in bytes; an invoice with 2,000 items of long texts is shorter.
MAX_BYTES = 8 * 1024 * 1024


class Broken(BadRequest):
    """The text ends too early or continues where it must not; everything before was read."""


def lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Each line that is not blank (NDJSON).

    Raises:
        Broken: a line is longer than ``MAX_BYTES``.
    """
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        first, *others = block.split(b"\n")
        parts.append(first)
        size += len(first)
        if others:
            yield from _not_blank([b"".join(parts), *others[:-1]])
            parts, size = others[-1:], len(others[-1])
        if size > MAX_BYTES:
            raise Broken(Message(N_("A line is longer than %(n)s bytes."), n=MAX_BYTES))
    yield from _not_blank([b"".join(parts)])


def _not_blank(whole: Iterable[bytes]) -> Iterator[bytes]:
    # ``filter`` skips millions of blank lines fast.
    for line in filter(bytes.strip, whole):
        yield line.removeprefix(BYTE_ORDER_MARK)


def elements(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Each element of a JSON array as its own text, not parsed yet.

    Raises:
        Broken: the text is no array of objects, it is cut off, or an element is longer than ``MAX_BYTES``.
    """
    scanner = _Scanner()
    for block in blocks:
        yield from scanner.feed(block)
    scanner.end()


class _Scanner:
    """The state between two blocks: the parts of the unfinished element, its depth, and an unfinished string."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._depth = 0
        #: The bytes between two elements without white space; two bytes show that they are wrong.
        self._gap = b""
        self._separator = b""
        self._in_string = self._escaped = False
        self._begun = self._ended = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        start = 0
        for token in _TOKEN.finditer(block, self._end_of_string(block)):
            flat, quote = token.groups()
            if quote is not None and not self._depth:
                raise self._no_object()
            if quote == b"":
                self._in_string, self._escaped = True, token.end() < len(block)
                break
            if quote or (flat and self._depth):
                continue
            bracket = token[0][:1]
            if not self._depth:
                self._begin_or_close(block[start : token.start()], bracket)
                start = token.start() if bracket == b"{" else token.end()
            if flat:
                yield flat
                start = token.end()
            elif self._depth or bracket == b"{":
                self._depth += 1 if bracket in _OPENING else -1
                if not self._depth:
                    yield b"".join([*self._parts, block[start : token.end()]])
                    self._parts, self._size, start = [], 0, token.end()
        self._keep(block[start:])

    def end(self) -> None:
        if self._depth or self._gap or not self._ended:
            raise Broken(N_("The JSON array is cut off or followed by something else."))

    def _end_of_string(self, block: bytes) -> int:
        """Where the string that an earlier block began ends; 0 where there is none."""
        if not self._in_string or not block:
            return 0
        found = next(_REST_OF_STRING.finditer(block, 1 if self._escaped else 0))
        self._in_string = not found[1]
        self._escaped = self._in_string and found.end() < len(block)
        return len(block) if self._in_string else found.end()

    def _begin_or_close(self, before: bytes, bracket: bytes) -> None:
        """A bracket outside of an element: the array begins or ends, or an element begins."""
        gap, self._gap = self._joined(before), b""
        if not self._begun:
            if gap or bracket != b"[":
                raise self._no_object()
            self._begun = True
        elif bracket in _OPENING:
            if gap != self._separator or bracket != b"{" or self._ended:
                raise self._no_object()
            self._separator = b","
        else:
            if gap or bracket != b"]" or self._ended:
                raise Broken(N_("The array is closed in the wrong place."))
            self._ended = True

    def _no_object(self) -> Broken:
        if not self._begun:
            return Broken(_NO_ARRAY)
        return Broken(N_("The elements of the array must be objects, with a comma between them."))

    def _joined(self, before: bytes) -> bytes:
        space = _SPACE if self._begun else _SPACE + BYTE_ORDER_MARK
        return (self._gap + before.strip(space))[:2]

    def _keep(self, rest: bytes) -> None:
        if not self._depth:
            self._gap = self._joined(rest)
            return
        self._parts.append(rest)
        self._size += len(rest)
        if self._size > MAX_BYTES:
            raise Broken(Message(N_("An invoice is longer than %(n)s bytes."), n=MAX_BYTES))
