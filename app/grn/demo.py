"""Demo data: the master data and the receipt that the samples of the GRN document use."""

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
#: Who made the demo data, in the audit trail.
ACTOR = "demo"
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
    """Create the demo data if no master data is stored; returns whether it was created."""
    if any(db.session.scalar(select(kind.model.id).limit(1)) is not None for kind, _, _ in _MASTERS):
        return False
    for kind, schema, sample in _MASTERS:
        masters.create(kind, _load(schema(), sample), actor=ACTOR)
    # There is no receipt without master data, so the ids in the paths of the document are free.
    bulk_upsert.set_next_id(GoodsReceipt, RECEIPT_ID)
    bulk_upsert.set_next_id(FabricItem, FABRIC_ITEM_ID)
    receipts.receive(_load(NewReceiptSchema(), _RECEIPT), actor=ACTOR)
    return True


def _load(schema: Schema, sample: dict[str, Any]) -> Any:
    """Load a sample as a request body is loaded: the detour over JSON turns floats into decimals."""
    return schema.load(json.decode(json.encode(sample)))
