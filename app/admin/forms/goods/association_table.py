"""Associations of a fabric item as a table of inputs: one line for each part of a style, blank if it gets nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import MultiDict

from app.admin.forms.line_table import TableLine, WrongTable, records
from app.admin.forms.number_input import UNREADABLE, read_number, typed_number
from app.admin.i18n.translate import translate
from app.grn.ledgers import association_lines
from app.grn.ledgers.association_lines import OrderLine
from app.grn.models.receipts import LedgerRow
from app.kernel.database.sequences import read_id
from app.kernel.errors import Refusal
from app.kernel.http.error_envelopes import flatten_errors

#: Field -> column of a ledger row.
NUMBERS = {"fabricRequired": "fabric_required", "extra": "extra_percent", "qty": "qty"}


@dataclass(slots=True)
class AssociationLine(TableLine):
    """A line: the numbers as typed, the part of a style, and the stored row if there is one."""

    line: OrderLine | None = None
    row_id: str = ""


def offered_lines(rows: Sequence[LedgerRow], order_id: int | None, style: str) -> tuple[list[AssociationLine], bool]:
    """The stored associations, then the other lines of an order; and whether the order has more lines."""
    known = association_lines.lines_of_ids([row.flow_info_id for row in rows if row.flow_info_id])
    lines = [
        AssociationLine(_typed(row), {}, known.get(f"{row.flow_info_id}-{row.part_id or ''}"), str(row.id))
        for row in rows
    ]
    offered = association_lines.lines_of_order(order_id, style) if order_id else []
    used = {each.line.key for each in lines if each.line}
    blank = dict.fromkeys(NUMBERS, "")
    new = [AssociationLine({**blank}, {}, line) for line in offered if line.key not in used]
    most = association_lines.MAX_OFFERED
    return lines + new[:most], len(offered) > most


def submitted_lines(form: MultiDict[str, str]) -> list[AssociationLine]:
    """The lines as they were typed.

    Raises:
        WrongTable: a field is missing in a line.
    """
    found = [*records(form, ("line", "row_id", *NUMBERS))]
    ids = [_flow_info_id(record["line"]) for record in found]
    known = association_lines.lines_of_ids(ids)
    return [
        AssociationLine(
            {name: record[name].strip() for name in NUMBERS}, {}, known.get(record["line"]), record["row_id"]
        )
        for record in found
    ]


def chosen_lines(lines: Sequence[AssociationLine]) -> list[AssociationLine]:
    """The lines that get fabric."""
    return [each for each in lines if each.values["qty"]]


def payload(lines: Sequence[AssociationLine], rows: Sequence[LedgerRow]) -> list[dict[str, Any]]:
    """The lines as the body of the API; what the table does not show stays as it is stored."""
    stored = {str(row.id): row for row in rows}
    return [_entry(each, stored.get(each.row_id)) for each in lines]


def total(entries: Sequence[Mapping[str, Any]]) -> Decimal:
    """The quantity of all entries; they are valid."""
    return sum((entry["qty"] for entry in entries), Decimal(0))


def add_errors(lines: Sequence[AssociationLine], refusal: Refusal) -> list[str]:
    """Put the errors of a refusal beside their inputs; return all others."""
    others = []
    for path, texts in flatten_errors(refusal.errors or {"": [refusal.message]}):
        messages = [translate(text) for text in texts]
        match path:
            case (int(number), name, *_):
                field = name if name in NUMBERS else "fabricRequired" if name == "extraFabricRequired" else "qty"
                lines[number].errors.setdefault(field, []).extend(messages)
            case _:
                others += messages
    return others


def _entry(each: AssociationLine, row: LedgerRow | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        name: read_number(text) if text else None for name, text in each.values.items() if text or name != "qty"
    }
    if each.line is not None:
        line = each.line
        entry |= {"orderId": line.order_id, "productId": line.product_id, "style": line.style, "color": line.color}
        entry |= {"styleColor": line.color, "partName": line.part}
    if row is not None:
        entry |= {"color": row.color or entry.get("color"), "orderQty": row.order_qty, "metadata": row.extra}
        if _typed(row) == each.values and UNREADABLE not in entry.values():
            entry["extraFabricRequired"] = row.extra_fabric_required
    return entry


def _typed(row: LedgerRow) -> dict[str, str]:
    values = {name: getattr(row, column) for name, column in NUMBERS.items()}
    return {name: "" if value is None else typed_number(value) for name, value in values.items()}


def _flow_info_id(key: str) -> int:
    found = read_id(key.partition("-")[0])
    if found is None:
        raise WrongTable
    return found
