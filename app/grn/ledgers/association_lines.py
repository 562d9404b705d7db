"""The lines and parts of orders that fabric can be associated to, with what a fabric item has in each of them now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, select

from app.extensions import db
from app.grn.models.columns import OutType
from app.grn.models.masters import FlowInfo, FlowPart, Product, ProductionOrder
from app.grn.models.receipts import LedgerRow

#: Lines of an order that are offered at a time.
MAX_OFFERED = 200


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A flow line of an order, or one of its parts."""

    flow_info_id: int
    part_id: int | None
    order_id: int
    order: str
    product_id: int
    product: str
    style: str
    color: str
    part: str | None

    @property
    def key(self) -> str:
        """Its ids as a text."""
        return f"{self.flow_info_id}-{self.part_id or ''}"


def stored_rows(item_id: int) -> list[LedgerRow]:
    """The associations of a fabric item, oldest first."""
    query = select(LedgerRow).where(LedgerRow.fabric_item_id == item_id, LedgerRow.out_type == OutType.ASSOCIATION)
    return list(db.session.scalars(query.order_by(LedgerRow.id)))


def version_of(rows: Iterable[LedgerRow]) -> str:
    """A digest of associations, which changes with each of them."""
    facts = [(row.id, row.qty, row.fabric_required, row.extra_percent, row.part_id) for row in rows]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def lines_of_order(order_id: int, style: str = "") -> list[OrderLine]:
    """The lines and parts of an order whose style begins with ``style``; at most one more than ``MAX_OFFERED``."""
    query = _query().where(FlowInfo.order_id == order_id)
    if style:
        query = query.where(FlowInfo.style.istartswith(style, autoescape=True))
    return _lines(query.limit(MAX_OFFERED + 1))


def lines_of_ids(flow_info_ids: Sequence[int]) -> dict[str, OrderLine]:
    """The lines with these ids by their keys: each of their parts, and the line without a part."""
    lines = _lines(_query().where(FlowInfo.id.in_(flow_info_ids)))
    whole = [replace(line, part_id=None, part=None) for line in lines]
    return {line.key: line for line in (*whole, *lines)}


def _query() -> Select[FlowInfo, FlowPart, str, str]:
    return (
        select(FlowInfo, FlowPart, ProductionOrder.name, Product.name)
        .join(ProductionOrder, ProductionOrder.id == FlowInfo.order_id)
        .join(Product, Product.id == FlowInfo.product_id)
        .join(FlowPart, FlowPart.flow_info_id == FlowInfo.id, isouter=True)
        .order_by(FlowInfo.order_id, FlowInfo.position, FlowInfo.id, FlowPart.position, FlowPart.id)
    )


def _lines(query: Select[FlowInfo, FlowPart, str, str]) -> list[OrderLine]:
    return [
        OrderLine(
            flow.id,
            part.id if part else None,
            flow.order_id,
            order,
            flow.product_id,
            product,
            flow.style,
            flow.color,
            part.part_name if part else None,
        )
        for flow, part, order, product in db.session.execute(query)
    ]
