"""What stands on a goods receipt note: the header, the items, totals by colour, and every packing list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from app.grn.models.columns import LengthUnit
from app.grn.papers.read import ItemLine, ReceiptView, RollLine
from app.grn.papers.translations import UNITS, WORDS
from app.pdf.number_format import count_decimals, format_number
from app.pdf.print_queue import Document

TEMPLATES, TEMPLATE = Path(__file__).parents[1] / "templates", "note.html"
#: Rolls that are rendered at once: some seconds and some tens of megabytes (``docs/decisions/0005``'s ten thousand
#: would be most of a gigabyte).
ROLLS_OF_A_PART = 400
_TEXTS, _SUMMED = {"supplier_roll_no", "factory_roll_no", "shade"}, {"supplier_length", "net_length", "weight"}
#: The columns of a packing list, with the unit of each and its width in millimetres; None shares what is left.
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
_ALWAYS = {"supplier_roll_no", "supplier_length"}

Text = Callable[..., str]


def document_of(receipt: ReceiptView) -> Document:
    """The note of a receipt, in parts."""
    return Document(TEMPLATES, TEMPLATE, _parts(receipt), WORDS[receipt.language]["page"])


def _parts(receipt: ReceiptView) -> Iterator[dict[str, Any]]:
    head = _head(receipt)
    lists = _packing_lists(receipt)
    rolls = sum(len(item.rolls) for item in receipt.items)
    yield {**head, "first": True, "last": rolls <= ROLLS_OF_A_PART, "lists": lists if rolls <= ROLLS_OF_A_PART else []}
    if rolls > ROLLS_OF_A_PART:
        yield from _following(head, lists)


def _following(head: dict[str, Any], lists: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Packing lists, as many to a part as it may hold rolls; the last one has the lines to sign."""
    waiting: list[dict[str, Any]] = []
    for packing_list in lists:
        if waiting and sum(len(other["rows"]) for other in waiting) + len(packing_list["rows"]) > ROLLS_OF_A_PART:
            yield {**head, "first": False, "last": False, "lists": waiting}
            waiting = []
        waiting.append(packing_list)
    yield {**head, "first": False, "last": True, "lists": waiting}


def _head(receipt: ReceiptView) -> dict[str, Any]:
    words, text = WORDS[receipt.language], partial(format_number, language=receipt.language)
    day = partial(_day, language=receipt.language)
    facts = (
        ("receipt", str(receipt.id)),
        ("invoice_no", receipt.invoice_no),
        ("invoice_date", day(receipt.invoice_date)),
        ("erp_invoice_no", receipt.erp_invoice_no),
        ("external_id", receipt.external_id),
        ("booked", day(receipt.created_at.astimezone(UTC).date())),
    )
    return {
        "language": receipt.language,
        "label": words,
        "title": f"{words['title']} {receipt.invoice_no}",
        "made": receipt.updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "supplier": receipt.supplier,
        "invoice_no": receipt.invoice_no,
        "facts": [(words[name], value) for name, value in facts if value],
        "items": [_item(number, item, text, day) for number, item in enumerate(receipt.items, start=1)],
        "totals": _totals(receipt.items, text),
    }


def _day(day: date | None, language: str) -> str:
    return "" if day is None else day.strftime("%d.%m.%Y") if language == "tr" else day.isoformat()


def _item(number: int, item: ItemLine, text: Text, day: Callable[[date | None], str]) -> dict[str, Any]:
    received = item.grn_qty
    return {
        "number": number,
        "fabric": item.fabric,
        "about": " · ".join(filter(None, (item.fabric_code, item.composition))),
        "color": item.color,
        "shade": " · ".join(filter(None, (item.color_shade, item.color_code))),
        "orders": ", ".join(item.orders),
        "grn": item.grn,
        "arrived": " · ".join(filter(None, (day(item.grn_date), item.warehouse))),
        "rolls": len(item.rolls),
        "unit": UNITS[item.uom_length],
        "ordered": text(item.order_qty),
        "invoiced": text(item.invoice_qty),
        "received": "" if received is None else text(received),
        **_difference(received, item.invoice_qty, text),
    }


def _difference(received: Decimal | None, invoiced: Decimal, text: Text) -> dict[str, Any]:
    if received is None:
        return {"difference": "", "short": False}
    difference = received - invoiced
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    return {"difference": f"{sign}{text(abs(difference))}", "short": difference < 0}


def _totals(items: Iterable[ItemLine], text: Text) -> list[dict[str, Any]]:
    """Sums by fabric, colour and unit: metres and kilograms are never added."""
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
                "invoiced": text(invoiced),
                "received": text(received),
                **_difference(received, invoiced, text),
            }
        )
    return sums


def _packing_lists(receipt: ReceiptView) -> Iterator[dict[str, Any]]:
    """The packing list of each item that has one, cut where it is longer than a part may be."""
    text = partial(format_number, language=receipt.language)
    words = WORDS[receipt.language]
    for number, item in enumerate(receipt.items, start=1):
        columns = [column for column in _COLUMNS if column[0] in _ALWAYS or _has(item.rolls, column[0])]
        digits = {name: _digits(item.rolls, name) for name, _, _ in columns if name not in _TEXTS}
        head = {
            "title": " · ".join(filter(None, (item.fabric, item.color, item.color_shade))),
            "number": number,
            "grn": item.grn,
            "columns": [_column(name, unit, width, item, words) for name, unit, width in columns],
        }
        rolls = enumerate(item.rolls, start=1)
        while chunk := list(islice(rolls, ROLLS_OF_A_PART)):
            rows = [(place, [_cell(roll, name, digits, text) for name, _, _ in columns]) for place, roll in chunk]
            last = chunk[-1][0] == len(item.rolls)
            sums = [_sum(item.rolls, name, digits, text) for name, _, _ in columns] if last else None
            yield {**head, "rows": rows, "continued": chunk[0][0] > 1, "sums": sums, "many": len(item.rolls)}


def _has(rolls: list[RollLine], name: str) -> bool:
    if name == "net_length":  # says the same as the length until something was found
        return any(roll.inspected_length is not None or roll.blanket_qty for roll in rolls)
    return any(getattr(roll, name) for roll in rolls)


def _digits(rolls: list[RollLine], name: str) -> int:
    return max((count_decimals(value) for roll in rolls if (value := getattr(roll, name)) is not None), default=0)


def _column(name: str, unit: str | None, width: int | None, item: ItemLine, words: dict[str, str]) -> dict[str, Any]:
    # Sold by weight, fabric has a length all the same, but nobody says in what.
    by_weight = item.uom_length == LengthUnit.KILOGRAM
    known = {
        "length": None if by_weight else item.uom_length,
        "width": item.uom_width,
        "weight": item.uom_length if by_weight else None,
    }
    measured_in = UNITS[known.get(unit or "")]
    heading = f"{words[name]} ({measured_in})" if measured_in else words[name]
    return {"heading": heading, "width": width, "is_text": name in _TEXTS}


def _cell(roll: RollLine, name: str, digits: dict[str, int], text: Text) -> str:
    value = getattr(roll, name)
    if value is None or (name == "blanket_qty" and not value):
        return ""
    return str(value) if name in _TEXTS else text(value, digits=digits[name])


def _sum(rolls: list[RollLine], name: str, digits: dict[str, int], text: Text) -> str:
    if name not in _SUMMED:
        return ""
    known = [value for roll in rolls if (value := getattr(roll, name)) is not None]
    return text(sum(known, Decimal(0)), digits=digits[name]) if known else ""
