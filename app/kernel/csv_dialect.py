"""CSV dialects of spreadsheets: the delimiter of a file, and the decimal comma that comes with a semicolon."""

from __future__ import annotations

import re

_DECIMAL_COMMA = re.compile(r"\s*-?\d+,\d+\s*", re.ASCII)


def detect_delimiter(first_line: str) -> str:
    """The delimiter of the heading line: the most frequent of comma, semicolon and tab."""
    return max(",;\t", key=first_line.count)


def parse_cell(cell: str, delimiter: str) -> str:
    """Strip a cell; in a file with semicolons ``2,5`` means 2.5, as spreadsheets of many European locales write it."""
    return cell.strip().replace(",", ".") if delimiter == ";" and _DECIMAL_COMMA.fullmatch(cell) else cell
