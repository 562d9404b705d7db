"""Uploaded tables: large files are read in a child process, with the same rows and errors as small ones."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any

import openpyxl
import pytest

from app.grn.receipts.roll_files import _LAYOUT as LAYOUT
from app.kernel.errors import Invalid, PayloadTooLarge
from app.kernel.system.child_process import ChildLimits, ChildProcesses
from app.tables import uploads
from app.tables.layout import Choices, UnreadableTable

MIB = 1024 * 1024
HEAD = b"supplierRollNo;supplierLength;shade\n"


def read(content: bytes, most: int = 10_001) -> list[Any]:
    return uploads.read_uploaded(content, LAYOUT, Choices(), most)


@pytest.fixture
def in_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are read in a child."""
    monkeypatch.setattr(uploads, "SMALL", 0)


def sheet(*rows: tuple[Any, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(out)
    return out.getvalue()


def of_letters(count: int) -> bytes:
    """A workbook whose sheet has a million cells, which packs to little."""
    made, out = sheet(("supplierRollNo", "supplierLength")), io.BytesIO()
    row = b"<row>" + b'<c t="inlineStr"><is><t>a</t></is></c>' * 100 + b"</row>"
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", row * count + b"</sheetData>")
            new.writestr(name, content)
    return out.getvalue()


@pytest.mark.slow
def test_a_child_reads_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        HEAD + b'R1;1,5;A\nR2;1.250;B\n"R3;2,5;C\n',
        sheet(("supplierRollNo", "supplierLength", "shade"), ("R1", 1.5, "A_x0042_"), ("R2", "#N/A", None)),
    ]
    here = [read(file) for file in files]
    monkeypatch.setattr(uploads, "SMALL", 0)
    assert [read(file) for file in files] == here
    assert here[0][1].faults["supplierLength"]


def test_the_size_of_what_is_unpacked_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[bool] = []

    def note(*_args: Any, **_kwargs: Any) -> list[Any]:
        readers.append(True)
        return []

    monkeypatch.setattr(uploads._children, "call", note)
    packed = of_letters(100)
    assert len(packed) < uploads.SMALL
    read(packed)
    read(HEAD + b"R1;1;\n" * 20_000)
    assert len(readers) == 2
    assert len(read(HEAD + b"R1;1;\n")) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("in_children")
def test_errors_of_headings_and_files_arrive() -> None:
    with pytest.raises(Invalid) as caught:
        read(b"supplierRollNo;price\nR1;2\n")
    assert "Unknown column “price”" in caught.value.errors["row"][1][0]
    with pytest.raises(UnreadableTable):
        read(b"PK\x03\x04" + os.urandom(1000))
    with pytest.raises(UnreadableTable, match="not UTF-8"):
        read(HEAD + b"\xff;1;\n")


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = ChildProcesses(ChildLimits(seconds=20, cpu_seconds=2, memory=1024 * MIB, answer=MIB), running=1, waiting=1)
    monkeypatch.setattr(uploads, "_children", hasty)
    with pytest.raises(PayloadTooLarge, match="Save the table alone as CSV"):
        read(of_letters(4800))
