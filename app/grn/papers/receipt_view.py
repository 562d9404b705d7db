"""Read model of a goods receipt for its PDFs: plain values, loaded in three statements for any number of rolls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.grn.models.masters import Fabric, ProductionOrder, Supplier
from app.grn.models.receipts import FabricItem, GoodsReceipt, SupplierRoll


@dataclass(frozen=True, slots=True)
class RollLine:
    """A roll. Ten thousand of these take a tenth of the memory of as many ORM rows in a session."""

    supplier_roll_no: str
    factory_roll_no: str | None
    supplier_length: Decimal | None
    supplier_width: Decimal | None
    supplier_weight: Decimal | None
    gsm: Decimal | None
    inspected_length: Decimal | None
    inspected_width: Decimal | None
    inspected_weight: Decimal | None
    blanket_qty: Decimal
    shade: str | None

    @property
    def number(self) -> str:
        """Number on the label and in its QR code: the factory's number, else the supplier's."""
        return self.factory_roll_no or self.supplier_roll_no

    @property
    def width(self) -> Decimal | None:
        return self.supplier_width if self.inspected_width is None else self.inspected_width

    @property
    def weight(self) -> Decimal | None:
        return self.supplier_weight if self.inspected_weight is None else self.inspected_weight

    @property
    def net_length(self) -> Decimal | None:
        length = self.supplier_length if self.inspected_length is None else self.inspected_length
        return None if length is None else length - self.blanket_qty


@dataclass(frozen=True, slots=True)
class ItemLine:
    """A fabric item with its rolls."""

    fabric: str
    fabric_code: str | None
    composition: str | None
    color: str
    color_code: str | None
    color_shade: str | None
    orders: tuple[str, ...]
    grn: str
    grn_date: date | None
    warehouse: str | None
    order_qty: Decimal
    invoice_qty: Decimal
    grn_qty: Decimal | None
    uom_length: str | None
    uom_width: str | None
    rolls: list[RollLine]


@dataclass(frozen=True, slots=True)
class SupplierLine:
    """The supplier."""

    name: str
    code: str | None
    address: str | None
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt with all values that are printed, and the language of the PDFs."""

    id: int
    invoice_no: str
    invoice_date: date | None
    erp_invoice_no: str | None
    external_id: str | None
    created_at: datetime
    updated_at: datetime
    supplier: SupplierLine
    items: list[ItemLine]
    language: str


_ROLL_COLUMNS = [getattr(SupplierRoll, name) for name in RollLine.__slots__]


def load_receipt_view(receipt_id: int, roll_ids: Sequence[int] | None = None) -> ReceiptView:
    """Load the current state of a receipt, with all rolls or with the given ones only."""
    header = select(GoodsReceipt, Supplier).join(Supplier, Supplier.id == GoodsReceipt.supplier_id)
    receipt, supplier = db.session.execute(header.where(GoodsReceipt.id == receipt_id)).one()
    rolls = _load_rolls(receipt_id, roll_ids)
    query = (
        select(FabricItem, Fabric, ProductionOrder)
        .join(Fabric, Fabric.id == FabricItem.fabric_id)
        .join(ProductionOrder, ProductionOrder.id == FabricItem.order_id, isouter=True)
        .where(FabricItem.receipt_id == receipt_id)
        .order_by(FabricItem.position, FabricItem.id)
    )
    items = [
        _build_item(item, fabric, order, rolls.get(item.id, [])) for item, fabric, order in db.session.execute(query)
    ]
    names = ("id", "invoice_no", "invoice_date", "erp_invoice_no", "external_id", "created_at", "updated_at")
    return ReceiptView(
        **{name: getattr(receipt, name) for name in names},
        supplier=SupplierLine(*(getattr(supplier, name) for name in SupplierLine.__slots__)),
        items=items,
        language=current_app.config["DOCUMENT_LANGUAGE"],
    )


def _load_rolls(receipt_id: int, roll_ids: Sequence[int] | None) -> dict[int, list[RollLine]]:
    query = (
        select(SupplierRoll.fabric_item_id, *_ROLL_COLUMNS)
        .join(SupplierRoll.item)
        .where(FabricItem.receipt_id == receipt_id)
        .order_by(SupplierRoll.fabric_item_id, SupplierRoll.position, SupplierRoll.id)
    )
    if roll_ids is not None:
        query = query.where(SupplierRoll.id.in_(roll_ids))
    rolls: dict[int, list[RollLine]] = {}
    for item_id, *values in db.session.execute(query):
        rolls.setdefault(item_id, []).append(RollLine(*values))
    return rolls


def _build_item(item: FabricItem, fabric: Fabric, order: ProductionOrder | None, rolls: list[RollLine]) -> ItemLine:
    order_names = [order.code or order.name] if order else []
    orders = (*order_names, *(item.external_order_ids or ()), *([item.fpo] if item.fpo else ()))
    copied = (
        "color",
        "color_code",
        "color_shade",
        "grn",
        "grn_date",
        "warehouse",
        "order_qty",
        "invoice_qty",
        "grn_qty",
        "uom_length",
        "uom_width",
    )
    return ItemLine(
        fabric=fabric.name,
        fabric_code=fabric.code,
        composition=fabric.composition,
        orders=tuple(dict.fromkeys(orders)),
        rolls=rolls,
        **{name: getattr(item, name) for name in copied},
    )
