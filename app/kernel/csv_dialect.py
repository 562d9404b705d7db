"""What spreadsheets call CSV: which separator a file uses, and the decimal sign that comes with it."""

from __future__ import annotations

import re

_DECIMAL_COMMA = re.compile(r"\s*-?\d+,\d+\s*", re.ASCII)


def detect_delimiter(first_line: str) -> str:
    """The sign between the headings: a comma, a semicolon or a tab, whichever is there most."""
    return max(",;\t", key=first_line.count)


def parse_cell(cell: str, separator: str) -> str:
    """A cell as it is meant: where a semicolon separates, spreadsheets of half of Europe write 2,5 for 2.5."""
    return cell.strip().replace(",", ".") if separator == ";" and _DECIMAL_COMMA.fullmatch(cell) else cell
