"""``read_uploaded()``: the rows of a file that somebody uploaded; all but small files are read in a child process."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeVar

from app.kernel.errors import PayloadTooLarge
from app.kernel.messages import N_, Message
from app.kernel.system.child_process import ChildLimits, ChildProcesses, OverLimit
from app.tables.layout import Choices, Layout, Row
from app.tables.reader import open_table, refuse_ambiguous
from app.tables.workbook_parts import SIGNATURE

Result = TypeVar("Result")

#: Unpacked bytes of a file that is read in the web process: a packing list of 60 rolls has 40,000, and takes 30 ms.
SMALL = 64 * 1024
_MIB = 1024 * 1024
#: The largest packing list takes 3 seconds.
_LIMITS = ChildLimits(seconds=25, cpu_seconds=20, memory=1024 * _MIB, answer=64 * _MIB)
_children = ChildProcesses(_LIMITS, running=2, waiting=5)


def read_uploaded(
    content: bytes, layout: Layout, choices: Choices, most: int, *, owner: int | None = None
) -> list[Row]:
    """The rows of a CSV or XLSX file of the user ``owner``, at most ``most``, without their ``cells``.

    Raises:
        UnreadableTable: the file is no table, or too large. ``layout.name_columns`` raises its own errors.
        PayloadTooLarge: the file takes too long to read, or too much memory.
        Busy: other files are being read, perhaps of the same user: one user never has all places.
    """
    return read_in_child(read_rows, content, layout, choices, most, owner=owner)


def read_in_child(
    read: Callable[..., Result], content: bytes, layout: Layout, *args: Any, owner: int | None = None
) -> Result:
    """Call ``read`` with these arguments, for all but small files in a child process.

    Raises:
        PayloadTooLarge: the file takes too long to read, or too much memory.
        Busy: other files are being read, perhaps of the same user: one user never has all places.
    """
    if _unpacked_size(content) <= SMALL:
        return read(content, layout, *args)
    try:
        return _children.call(read, content, layout, *args, owner=owner)
    except OverLimit as error:
        sentence = N_("The file takes more than %(n)s seconds or too much memory to read. Save the table alone as CSV.")
        raise PayloadTooLarge(Message(sentence, n=_LIMITS.cpu_seconds)) from error


def read_rows(content: bytes, layout: Layout, choices: Choices, most: int) -> list[Row]:
    """Do the work of ``read_uploaded`` in this process."""
    with open_table(io.BytesIO(content), layout, choices) as table:
        rows = [refuse_ambiguous(row, table.style) for row in list(islice(table.rows, most))]
    for row in rows:
        row.cells = []
    return rows


def _unpacked_size(content: bytes) -> int:
    if len(content) > SMALL or not content.startswith(SIGNATURE):
        return len(content)  # the list of a large archive takes long to read as well
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return len(content) + sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, struct.error):
        return len(content)  # no archive: the reader refuses it at once
