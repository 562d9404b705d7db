"""Data with which the samples of the GRN document run as printed."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema
from sqlalchemy import select

from app.extensions import db
from app.grn import masters, samples
from app.grn.models.receipts import FabricItem, GoodsReceipt
from app.grn.receipts import bulk_upsert
from app.grn.receipts import service as receipts
from app.grn.schemas.masters import FabricSchema, OrderSchema, ProductSchema, SupplierSchema
from app.grn.schemas.receipts import NewReceiptSchema
from app.kernel import json

RECEIPT_ID, FABRIC_ITEM_ID = 1, 26
_RECEIPT = {
    **samples.PAYLOAD,
    "externalId": "DEMO-1",
    "invoiceNo": "INV-DEMO-1",
    "erpInvoiceNo": "ERP INVOICE-DEMO-1",
}
_MASTERS = (
    (masters.SUPPLIERS, SupplierSchema, samples.SUPPLIER),
    (masters.FABRICS, FabricSchema, samples.FABRIC),
    (masters.PRODUCTS, ProductSchema, {"id": 1, "code": "TRS", "name": "Trousers"}),
    (masters.PRODUCTS, ProductSchema, samples.PRODUCT),
    (masters.ORDERS, OrderSchema, samples.ORDER),
)


def make_demo() -> bool:
    """Fill an empty room; returns whether it was empty. What a user made is never touched."""
    if any(db.session.scalar(select(kind.model.id).limit(1)) is not None for kind, _, _ in _MASTERS):
        return False
    for kind, schema, sample in _MASTERS:
        masters.create(kind, _loaded(schema(), sample))
    # Without master data there can be no receipt either: the ids of the document's paths are free.
    bulk_upsert.begin_at(GoodsReceipt, RECEIPT_ID)
    bulk_upsert.begin_at(FabricItem, FABRIC_ITEM_ID)
    receipts.receive(_loaded(NewReceiptSchema(), _RECEIPT))
    return True


def _loaded(schema: Schema, sample: dict[str, Any]) -> Any:
    """As a request would bring it: through JSON, so that no float reaches a row."""
    return schema.load(json.decode(json.encode(sample)))
