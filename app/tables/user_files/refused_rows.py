"""A workbook of the rows of a file that were refused, each with the reason, to be corrected and uploaded again."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.tables.user_files.column_map import REASON

#: Characters that XML does not allow, and the most that a cell can hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST_CELL = 32_767


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong, and where: the rows of the file, and the heading of the column if it is about a cell."""

    rows: str
    heading: str
    message: str


def write_refused_rows(titles: Sequence[str], rows: Iterable[tuple[Sequence[Any], str]]) -> bytes:
    """An XLSX file with the headings of the file and its refused rows, each as its cells and a reason."""
    from openpyxl import Workbook  # noqa: PLC0415 - most processes write no workbook

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet()
    sheet.append([_cell(sheet, title) for title in (*titles, REASON)])
    for cells, reason in rows:
        inside = [*cells, *[None] * (len(titles) - len(cells))]
        sheet.append([_cell(sheet, cell) for cell in (*inside[: len(titles)], reason)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    """A cell with the value as it is: a text stays a text, also if it begins like a formula or is a number."""
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above

    cell = WriteOnlyCell(sheet, _FORBIDDEN.sub("", value)[:_LONGEST_CELL])
    cell.data_type = "s"
    return cell
