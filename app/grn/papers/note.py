"""Template values of the goods receipt note: header, items, totals by colour, and packing lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from app.grn.models.columns import LengthUnit
from app.grn.papers.receipt_view import ItemLine, ReceiptView, RollLine
from app.grn.papers.translations import LABELS, UNITS
from app.kernel import time_zones
from app.pdf.number_format import count_decimals, format_number
from app.pdf.print_queue import Document

TEMPLATES, TEMPLATE = Path(__file__).parents[1] / "templates", "note.html"
#: Rolls that are rendered at once: some seconds and some tens of megabytes. 10,000 rolls at once, the largest
#: receipt, would take most of a gigabyte.
ROLLS_PER_PART = 400
_TEXT_COLUMNS = {"supplier_roll_no", "factory_roll_no", "shade"}
_SUMMED_COLUMNS = {"supplier_length", "net_length", "weight"}
#: Columns of a packing list: name, unit, and width in millimetres; columns without a width share the rest.
_COLUMNS: tuple[tuple[str, str | None, int | None], ...] = (
    ("supplier_roll_no", None, None),
    ("factory_roll_no", None, None),
    ("supplier_length", "length", 17),
    ("inspected_length", "length", 18),
    ("blanket_qty", "length", 15),
    ("net_length", "length", 17),
    ("width", "width", 15),
    ("weight", "weight", 16),
    ("gsm", None, 11),
    ("shade", None, 14),
)
_FIXED_COLUMNS = {"supplier_roll_no", "supplier_length"}

FormatNumber = Callable[..., str]


def build_document(receipt: ReceiptView) -> Document:
    """Build the note of a receipt, in parts."""
    return Document(TEMPLATES, TEMPLATE, _parts(receipt), LABELS[receipt.language]["page"])


def _parts(receipt: ReceiptView) -> Iterator[dict[str, Any]]:
    header = _header_context(receipt)
    lists = _packing_lists(receipt)
    rolls = sum(len(item.rolls) for item in receipt.items)
    if rolls <= ROLLS_PER_PART:
        yield {**header, "first": True, "last": True, "lists": lists}
    else:
        yield {**header, "first": True, "last": False, "lists": []}
        yield from _packing_list_parts(header, lists)


def _packing_list_parts(header: dict[str, Any], lists: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield parts of at most ``ROLLS_PER_PART`` rolls; the last part has the signature lines."""
    part: list[dict[str, Any]] = []
    for packing_list in lists:
        if part and sum(len(other["rows"]) for other in part) + len(packing_list["rows"]) > ROLLS_PER_PART:
            yield {**header, "first": False, "last": False, "lists": part}
            part = []
        part.append(packing_list)
    yield {**header, "first": False, "last": True, "lists": part}


def _header_context(receipt: ReceiptView) -> dict[str, Any]:
    labels = LABELS[receipt.language]
    format_value = partial(format_number, language=receipt.language)
    day = partial(_format_day, language=receipt.language)
    facts = (
        ("receipt", str(receipt.id)),
        ("invoice_no", receipt.invoice_no),
        ("invoice_date", day(receipt.invoice_date)),
        ("erp_invoice_no", receipt.erp_invoice_no),
        ("external_id", receipt.external_id),
        ("booked", day(receipt.created_at.astimezone(time_zones.of_installation()).date())),
    )
    return {
        "language": receipt.language,
        "label": labels,
        "title": f"{labels['title']} {receipt.invoice_no}",
        "timestamp": receipt.updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "supplier": receipt.supplier,
        "invoice_no": receipt.invoice_no,
        "facts": [(labels[name], value) for name, value in facts if value],
        "items": [_item_context(number, item, format_value, day) for number, item in enumerate(receipt.items, start=1)],
        "totals": _totals(receipt.items, format_value),
    }


def _format_day(day: date | None, language: str) -> str:
    return "" if day is None else day.strftime("%d.%m.%Y") if language == "tr" else day.isoformat()


def _item_context(
    number: int, item: ItemLine, format_value: FormatNumber, day: Callable[[date | None], str]
) -> dict[str, Any]:
    received = item.grn_qty
    return {
        "number": number,
        "fabric": item.fabric,
        "details": " · ".join(filter(None, (item.fabric_code, item.composition))),
        "color": item.color,
        "shade": " · ".join(filter(None, (item.color_shade, item.color_code))),
        "orders": ", ".join(item.orders),
        "grn": item.grn,
        "arrived": " · ".join(filter(None, (day(item.grn_date), item.warehouse))),
        "rolls": len(item.rolls),
        "unit": UNITS[item.uom_length],
        "ordered": format_value(item.order_qty),
        "invoiced": format_value(item.invoice_qty),
        "received": "" if received is None else format_value(received),
        **_difference(received, item.invoice_qty, format_value),
    }


def _difference(received: Decimal | None, invoiced: Decimal, format_value: FormatNumber) -> dict[str, Any]:
    if received is None:
        return {"difference": "", "short": False}
    difference = received - invoiced
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    return {"difference": f"{sign}{format_value(abs(difference))}", "short": difference < 0}


def _totals(items: Iterable[ItemLine], format_value: FormatNumber) -> list[dict[str, Any]]:
    """Sum the items by fabric, colour and unit; different units are never added."""
    groups: dict[tuple[str, str, str | None], list[ItemLine]] = {}
    for item in items:
        groups.setdefault((item.fabric, item.color, item.uom_length), []).append(item)
    sums = []
    for (fabric, color, unit), members in groups.items():
        invoiced = sum((item.invoice_qty for item in members), Decimal(0))
        received = sum((item.grn_qty or Decimal(0) for item in members), Decimal(0))
        sums.append(
            {
                "fabric": fabric,
                "color": color,
                "unit": UNITS[unit],
                "items": len(members),
                "rolls": sum(len(item.rolls) for item in members),
                "invoiced": format_value(invoiced),
                "received": format_value(received),
                **_difference(received, invoiced, format_value),
            }
        )
    return sums


def _packing_lists(receipt: ReceiptView) -> Iterator[dict[str, Any]]:
    """Yield the packing list of each item, in pieces of at most ``ROLLS_PER_PART`` rolls."""
    format_value = partial(format_number, language=receipt.language)
    labels = LABELS[receipt.language]
    for number, item in enumerate(receipt.items, start=1):
        columns = [column for column in _COLUMNS if column[0] in _FIXED_COLUMNS or _has_values(item.rolls, column[0])]
        digits = {name: _max_decimals(item.rolls, name) for name, _, _ in columns if name not in _TEXT_COLUMNS}
        caption = {
            "title": " · ".join(filter(None, (item.fabric, item.color, item.color_shade))),
            "number": number,
            "grn": item.grn,
            "columns": [_column(name, unit, width, item, labels) for name, unit, width in columns],
        }
        rolls = enumerate(item.rolls, start=1)
        while chunk := list(islice(rolls, ROLLS_PER_PART)):
            rows = [
                (index, [_cell(roll, name, digits, format_value) for name, _, _ in columns]) for index, roll in chunk
            ]
            last = chunk[-1][0] == len(item.rolls)
            sums = [_column_total(item.rolls, name, digits, format_value) for name, _, _ in columns] if last else None
            yield {**caption, "rows": rows, "continued": chunk[0][0] > 1, "sums": sums, "roll_count": len(item.rolls)}


def _has_values(rolls: list[RollLine], name: str) -> bool:
    if name == "net_length":  # equal to the length until the inspection
        return any(roll.inspected_length is not None or roll.blanket_qty for roll in rolls)
    return any(getattr(roll, name) for roll in rolls)


def _max_decimals(rolls: list[RollLine], name: str) -> int:
    return max((count_decimals(value) for roll in rolls if (value := getattr(roll, name)) is not None), default=0)


def _column(name: str, unit: str | None, width: int | None, item: ItemLine, labels: dict[str, str]) -> dict[str, Any]:
    # Fabric that is bought by weight may have a length too, but its unit is unknown.
    by_weight = item.uom_length == LengthUnit.KILOGRAM
    units = {
        "length": None if by_weight else item.uom_length,
        "width": item.uom_width,
        "weight": item.uom_length if by_weight else None,
    }
    symbol = UNITS[units.get(unit or "")]
    heading = f"{labels[name]} ({symbol})" if symbol else labels[name]
    return {"heading": heading, "width": width, "is_text": name in _TEXT_COLUMNS}


def _cell(roll: RollLine, name: str, digits: dict[str, int], format_value: FormatNumber) -> str:
    value = getattr(roll, name)
    if value is None or (name == "blanket_qty" and not value):
        return ""
    return str(value) if name in _TEXT_COLUMNS else format_value(value, digits=digits[name])


def _column_total(rolls: list[RollLine], name: str, digits: dict[str, int], format_value: FormatNumber) -> str:
    if name not in _SUMMED_COLUMNS:
        return ""
    values = [value for roll in rolls if (value := getattr(roll, name)) is not None]
    return format_value(sum(values, Decimal(0)), digits=digits[name]) if values else ""
