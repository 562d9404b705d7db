"""Match of associations to the flow lines and parts of orders, and the check of the extra fabric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.grn.errors import BadFields, Fault
from app.grn.models.columns import PLACES
from app.grn.models.masters import FlowInfo, ProductionOrder
from app.grn.receipts.item_builder import Data
from app.grn.schemas.fields import MAX_QUANTITY
from app.kernel.messages import N_, Message

TOLERANCE = Decimal("0.01")
_PLACES = Decimal(1).scaleb(-PLACES)
_COPIED_FIELDS = ("order_id", "product_id", "style", "qty", "order_qty", "extra_percent", "fabric_required")


def match_associations(entries: Sequence[Data]) -> list[dict[str, Any]]:
    """Return the columns of each association with the ids of its flow line and part.

    Raises:
        BadFields: an entry matches no flow line or part; the first wrong field of each such entry is named.
    """
    orders = _load_orders({entry["order_id"] for entry in entries})
    faults: list[Fault] = []
    rows = []
    for number, entry in enumerate(entries):
        try:
            rows.append(_build_row(entry, orders))
        except _MismatchError as error:
            faults.append(((number, error.field), error.value, error.sentence))
    if faults:
        raise BadFields(faults)
    return rows


class _MismatchError(Exception):
    def __init__(self, field: str, value: Any, sentence: str) -> None:
        self.field, self.value, self.sentence = field, value, sentence


def _load_orders(ids: set[int]) -> dict[int, ProductionOrder]:
    query = select(ProductionOrder).where(ProductionOrder.id.in_(ids))
    lines = selectinload(ProductionOrder.flow_infos).selectinload(FlowInfo.parts)
    return {order.id: order for order in db.session.scalars(query.options(lines))}


def _build_row(entry: Data, orders: dict[int, ProductionOrder]) -> dict[str, Any]:
    order = orders.get(entry["order_id"])
    if order is None:
        raise _MismatchError("orderId", entry["order_id"], "Unknown order.")
    line = _find_flow_line(entry, order.flow_infos)
    return {
        **{name: entry.get(name) for name in _COPIED_FIELDS},
        "color": entry.get("color") or entry.get("style_color"),
        "flow_info_id": line.id,
        "part_id": _find_part_id(entry, line),
        "extra_fabric_required": _compute_extra_fabric(entry),
        "extra": entry.get("extra"),
    }


def _find_flow_line(entry: Data, lines: Iterable[FlowInfo]) -> FlowInfo:
    """Filter the lines field by field, so that the error can name the field that does not match."""
    color_field = "styleColor" if entry.get("style_color") else "color"
    color = entry.get("style_color") or entry.get("color")
    for field, attribute, value in (
        ("productId", "product_id", entry["product_id"]),
        ("style", "style", entry["style"]),
        (color_field, "color", color),
    ):
        lines = [line for line in lines if getattr(line, attribute) == value]
        if not lines:
            raise _MismatchError(field, value, "No flow line of this order matches.")
    return next(iter(lines))


def _find_part_id(entry: Data, line: FlowInfo) -> int | None:
    field = "partName" if entry.get("part_name") else "part"
    name = entry.get("part_name") or entry.get("part")
    if not name:
        return None
    for part in line.parts:
        if part.part_name == name:
            return part.id
    raise _MismatchError(field, name, "The flow line has no such part.")


def _compute_extra_fabric(entry: Data) -> Decimal | None:
    sent, required, percent = (entry.get(n) for n in ("extra_fabric_required", "fabric_required", "extra_percent"))
    if required is None or percent is None:
        return sent
    computed: Decimal = required * (1 + percent / 100)
    if sent is not None and abs(sent - computed) > TOLERANCE:
        sentence = Message(
            N_("Differs from fabricRequired × (1 + extra/100) = %(computed)s by more than %(tolerance)s."),
            computed=f"{computed.normalize():f}",
            tolerance=TOLERANCE,
        )
        raise _MismatchError("extraFabricRequired", sent, sentence)
    if computed > Decimal(MAX_QUANTITY):
        raise _MismatchError("fabricRequired", required, "With the extra it is more than can be stored.")
    return computed.quantize(_PLACES) if sent is None else sent
