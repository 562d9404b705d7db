"""Rows of a CSV file: encoding, separator, quotation marks; a broken row is refused and the next ones are read."""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import IO

from app.kernel.messages import N_, Message
from app.tables.headings import TOP_ROWS
from app.tables.layout import Layout, RawRow, UnreadableTable
from app.tables.number_text import NumberStyle

_BLOCK = 1024 * 1024
#: Physical lines of one row: a longer row has a quotation mark that nobody closed.
_MOST_LINES = 100
#: Broken rows after which a row may have a tenth of these lines: each broken row is read again from its second line.
_MANY_BROKEN = 200
#: Characters of a line. The longest cell has 10,000.
_LONGEST_LINE = 1024 * 1024
#: Lines among which the headings are looked for, blank ones too, and how much of a line is looked at.
_MOST_TOP_LINES, _LONGEST_HEADINGS = 1000, 20_000
_SEPARATORS = ",;\t"
_SEPARATOR_LINE = "sep="


class CsvRows:
    """The rows of a CSV file, the first filled one being the headings."""

    def __init__(self, stream: IO[bytes], layout: Layout) -> None:
        """Check the encoding of the whole file, and find the separator.

        Raises:
            UnreadableTable: the file is not UTF-8 (or UTF-16 with a byte order mark).
        """
        encoding = _encoding(stream)
        _require_encoding(stream, encoding)
        self._text = io.TextIOWrapper(stream, encoding, newline="")
        self._lines = _Lines(self._text)
        self._broken_rows = 0
        self._blank_rows = 0
        self._limits = layout.limits
        possible = _SEPARATORS
        named = self._lines.peek().strip("\r\n")
        if named[:-1].lower() == _SEPARATOR_LINE:
            possible = named[-1]
            self._lines.skip()
        while (line := self._lines.peek()) and not _is_filled(line):
            self._lines.skip()
            self._count_blank_row()
        top = self._lines.top(TOP_ROWS)
        known = {separator: _known_headings(top, separator, layout) for separator in possible}
        # A title above the headings has no separator.
        first = next((line for line in top if any(separator in line for separator in possible)), "")
        self.separator = max(known, key=lambda separator: (known[separator][0], first.count(separator)))
        self._width = known[self.separator][1]
        # Programs that write a decimal comma separate cells by semicolons.
        self.style = NumberStyle(comma_locale=self.separator == ";")

    def detach(self) -> None:
        """Leave the file open for its owner."""
        self._text.detach()

    def __iter__(self) -> Iterator[RawRow]:
        while True:
            number = self._lines.number + 1
            taken: list[str] = []
            try:
                cells = next(csv.reader(self._lines.take(taken), delimiter=self.separator, strict=True), None)
            except csv.Error as error:
                yield self._broken(number, taken, _reason(error, taken))
                continue
            if cells is None:
                return
            self._width = self._width or len(cells)
            if not any(cells):
                self._count_blank_row()
            if len(taken) > 1 and self._swallows_rows(cells, self._width):
                yield self._broken(number, taken, N_("A quotation mark is opened and not closed."))
                continue
            yield RawRow(number, cells)

    def _count_blank_row(self) -> None:
        self._blank_rows += 1
        if self._blank_rows > self._limits.blank_rows:
            raise UnreadableTable(Message(N_("The file has more than %(n)s blank rows."), n=self._limits.blank_rows))

    def _broken(self, number: int, taken: list[str], fault: str) -> RawRow:
        """A row that cannot be read; reading goes on at the line after its first one."""
        self._lines.push_back(taken[1:])
        self._broken_rows += 1
        if self._broken_rows == _MANY_BROKEN:
            self._lines.most //= 10
        cells = [cell.strip().strip('"') for cell in taken[0].rstrip("\r\n").split(self.separator)] if taken else []
        return RawRow(number, cells, fault)

    def _swallows_rows(self, cells: list[str], width: int) -> bool:
        """Whether a cell of several lines holds whole rows: a quotation mark was opened and another row closed it."""
        for cell in cells:
            lines = [line.count(self.separator) for line in cell.splitlines()]
            if len(lines) > 1 and (
                max(lines) >= max(3, width // 2) or max(lines[1:-1], default=0) >= max(1, width - 1)
            ):
                return True
        return False


class _Lines:
    """The physical lines of a file; lines can be pushed back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._source: Iterator[str] = iter(text)
        self._pending: deque[str] = deque()
        self.number = 0
        #: Lines that one row may have.
        self.most = _MOST_LINES

    def peek(self) -> str:
        """The next line; empty at the end."""
        if not self._pending:
            line = self._read()
            if not line:
                return ""
            self._pending.append(line)
        return self._pending[0]

    def top(self, count: int) -> list[str]:
        """The next ``count`` lines that hold something, which are still to be taken."""
        found = [line for line in self._pending if _is_filled(line)]
        while len(found) < count and len(self._pending) < _MOST_TOP_LINES and (line := self._read()):
            self._pending.append(line)
            if _is_filled(line):
                found.append(line)
        return found

    def _read(self) -> str:
        line = next(self._source, "")
        if len(line) > _LONGEST_LINE:
            row = self.number + len(self._pending) + 1
            raise UnreadableTable(Message(N_("Row %(row)s has more than a million characters."), row=row))
        return line

    def skip(self) -> None:
        if self.peek():
            self._pending.popleft()
            self.number += 1

    def take(self, taken: list[str]) -> Iterator[str]:
        """The lines of one row; ``taken`` collects them."""
        while len(taken) < self.most and (line := self.peek()):
            self.skip()
            taken.append(line)
            yield line

    def push_back(self, lines: list[str]) -> None:
        self._pending.extendleft(reversed(lines))
        self.number -= len(lines)


def _is_filled(line: str) -> bool:
    return bool(line.strip(" \t\r\n" + _SEPARATORS))


def _known_headings(top: list[str], separator: str, layout: Layout) -> tuple[int, int]:
    """The number of known headings in the line that has the most of them, and the cells of that line."""
    best = (0, 0)
    for line in top:
        cells = next(csv.reader([line[:_LONGEST_HEADINGS]], delimiter=separator), [])
        known = sum(map(layout.is_known, cells))
        best = max(best, (known, len(cells) if known else 0))
    return best


def _reason(error: csv.Error, taken: list[str]) -> str:
    if "unexpected end of data" in str(error) or len(taken) > 1:
        return N_("A quotation mark is opened and not closed.")
    return Message(N_("The row is not CSV: %(error)s."), error=str(error))


def _encoding(stream: IO[bytes]) -> str:
    mark = stream.read(2)
    stream.seek(0)
    return "utf-16" if mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8-sig"


def _require_encoding(stream: IO[bytes], encoding: str) -> None:
    """Decode the whole file once, so that a wrong character in the last row refuses it before the first is stored."""
    decoder = codecs.getincrementaldecoder(encoding)()
    ends = {"\r": 0, "\n": 0}
    try:
        while block := stream.read(_BLOCK):
            text = decoder.decode(block)
            for end in ends:
                ends[end] += text.count(end)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        good = error.object[: error.start]
        row = 1 + max(count + good.count(end.encode()) for end, count in ends.items())
        sentence = N_("Row %(row)s is not UTF-8; save the file as “CSV UTF-8” or as XLSX.")
        raise UnreadableTable(Message(sentence, row=row)) from error
    stream.seek(0)
