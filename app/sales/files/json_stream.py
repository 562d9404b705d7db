"""Invoices out of a long text, one after the other: a JSON array or a line for each, never all in memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.kernel.errors import BadRequest
from app.kernel.messages import N_, Message

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+'
#: An object with nothing nested in it as a whole (an item, a customer), a string as a whole (whatever is inside,
#: perhaps cut off), or one character that opens or closes something.
_TOKEN = re.compile(
    rb'(\{[^"{}\[\]]*+(?:' + _STRING + rb'"[^"{}\[\]]*+)*+\})|' + _STRING + rb'("?)|[\[\]{}]', re.DOTALL
)
_OPENING = b"[{"
_NO_ARRAY = N_("Send a JSON array of invoices, or one invoice a line as application/x-ndjson.")
_SPACE = b" \t\r\n"
#: Some systems begin each UTF-8 file with it.
_MARK = b"\xef\xbb\xbf"
#: A single invoice may not be longer; with 2,000 items of long texts it is shorter.
LONGEST = 8 * 1024 * 1024


class Broken(BadRequest):
    """The text ends or goes on where it may not; everything before was read."""


def lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Each line that is not blank (NDJSON)."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from (line.removeprefix(_MARK) for line in whole if line.strip())
        if len(rest) > LONGEST:
            raise Broken(Message(N_("A line is longer than %(n)s bytes."), n=LONGEST))
    if rest.strip():
        yield rest.removeprefix(_MARK)


def elements(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Each element of a JSON array as its own text, which nobody has parsed yet.

    Raises:
        Broken: it is no array, or it is cut off.
    """
    scanner = _Scanner()
    for block in blocks:
        yield from scanner.feed(block)
    scanner.end()


class _Scanner:
    """Keeps what is not finished yet: the bytes since the present element began, and how deep it is."""

    def __init__(self) -> None:
        self._rest = b""
        self._looked = 0
        self._depth = 0
        self._between = b""
        self._begun = self._ended = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        text = self._rest + block
        start = 0
        looked = self._looked
        for token in _TOKEN.finditer(text, looked):
            whole, closed = token.groups()
            if closed == b"":
                break  # the string goes on in the next block, where it is looked at again from its beginning
            looked = token.end()
            if closed or (whole and self._depth):
                continue
            if whole:
                if not self._begun:
                    raise Broken(_NO_ARRAY)
                self._open(text[start : token.start()], b"{")
                self._depth = 0
                yield whole
                start = token.end()
                continue
            character = token[0]
            if not self._begun:
                self._begin(text[: token.start()], character)
                start = token.end()
            elif character in _OPENING:
                self._open(text[start : token.start()], character)
                start = token.start() if self._depth == 1 else start
            else:
                self._depth -= 1
                if self._depth == 0:
                    yield text[start : token.end()]
                    start = token.end()
                elif self._depth < 0:
                    self._close(text[start : token.start()], character)
                    start = token.end()
        self._keep(text, start, looked)

    def end(self) -> None:
        if self._rest.strip(_SPACE) or not self._ended:
            raise Broken(N_("The JSON array is cut off or followed by something else."))

    def _begin(self, before: bytes, character: bytes) -> None:
        if before.strip(_SPACE + _MARK) or character != b"[":
            raise Broken(_NO_ARRAY)
        self._begun = True

    def _open(self, before: bytes, character: bytes) -> None:
        if self._depth == 0:
            if before.strip(_SPACE) != self._between or character != b"{" or self._ended:
                raise Broken(N_("The elements of the array must be objects, with a comma between them."))
            self._between = b","
        self._depth += 1

    def _close(self, before: bytes, character: bytes) -> None:
        if before.strip(_SPACE) or character != b"]" or self._ended:
            raise Broken(N_("The array is closed in the wrong place."))
        self._ended, self._depth = True, 0

    def _keep(self, text: bytes, start: int, looked: int) -> None:
        self._rest = text[start:]
        self._looked = looked - start
        if len(self._rest) > LONGEST:
            raise Broken(Message(N_("An invoice is longer than %(n)s bytes."), n=LONGEST))
