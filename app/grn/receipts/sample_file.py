"""A sample workbook of a receipt, with names of the stored master data, so that it can be booked in as it is."""

from __future__ import annotations

import io
from typing import Any

from app.grn import master_names, masters, samples
from app.grn.schemas.filters import MasterQuery
from app.kernel import clock

#: Heading -> width of its column.
_HEADINGS = {
    "Supplier": 24,
    "Invoice No": 20,
    "Invoice Date": 14,
    "Fabric": 24,
    "Color": 12,
    "GRN": 20,
    "Warehouse": 14,
    "Order Qty": 11,
    "Invoice Qty": 11,
    "Ordering Width": 15,
    "UOM Length": 12,
    "UOM Width": 12,
    "Supplier Roll No": 17,
    "Factory Roll No": 22,
    "Supplier Length": 16,
    "Supplier Width": 15,
    "Shade": 8,
}
_ROLLS = (("R1", 100.2, 145, "A"), ("R2", 110.6, 146, "A"), ("R3", 98.5, 145, "B"))
_QUANTITY, _WIDTH = 310, 145


def write_sample() -> bytes:
    """An XLSX file with one receipt of three rolls; its invoice number is new at each call."""
    supplier, fabric = _first(masters.SUPPLIERS), _first(masters.FABRICS)
    color = fabric.colors[0].color if fabric and fabric.colors else samples.PAYLOAD["fabricItemList"][0]["color"]
    moment = clock.now()
    number = f"SAMPLE-{moment:%y%m%d-%H%M%S}"
    start = [
        _name(masters.SUPPLIERS, supplier) if supplier else samples.SUPPLIER["name"],
        number,
        moment.date(),
        _name(masters.FABRICS, fabric) if fabric else samples.FABRIC["name"],
        color,
        f"GRN-{number}",
        "wh-central",
        _QUANTITY,
        _QUANTITY,
        _WIDTH,
        "meter",
        "centimeter",
    ]
    rows = [[*start, roll, f"{number}/{roll}", length, width, shade] for roll, length, width, shade in _ROLLS]
    return _workbook(rows)


def _first(kind: masters.Kind) -> Any:
    """The oldest row of a kind of master data; None if there is none."""
    page = masters.find_page(kind, MasterQuery().load({"sort": "id,asc", "pageSize": 1}))
    return page.content[0] if page.content else None


def _name(kind: masters.Kind, row: Any) -> str:
    """A text that means this row and no other, if it has one."""
    texts: list[str] = [text for text in (row.name, row.code) if text]
    return next((text for text in texts if len(master_names.find_ids(kind, text)) == 1), texts[0])


def _workbook(rows: list[list[Any]]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - most processes write no workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "Receipts"
    sheet.append(list(_HEADINGS))
    for row in rows:
        sheet.append(row)
    for column, width in zip(sheet.columns, _HEADINGS.values(), strict=True):
        sheet.column_dimensions[column[0].column_letter].width = width
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
