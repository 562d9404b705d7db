"""Events of goods receipts."""

from __future__ import annotations

from marshmallow import fields

from app import events
from app.grn.schemas.ledgers import LedgerEventSchema
from app.grn.schemas.receipts import ReceiptSchema, RollSchema


class InspectedSchema(RollSchema):
    """A roll after its inspection, with the ids of its receipt and fabric item."""

    invoice_id = fields.Integer(data_key="invoiceId", attribute="item.receipt_id")
    fabric_item_id = fields.Integer(data_key="fabricItemId")


_KEY = "receipt"
_ABILITY = "grn:read"

CREATED = events.define(
    "grn.created", ReceiptSchema, "A goods receipt with its packing lists was created.", key=_KEY, ability=_ABILITY
)
UPDATED = events.define(
    "grn.updated", ReceiptSchema, "A goods receipt or one of its packing lists changed.", key=_KEY, ability=_ABILITY
)
DELETED = events.define(
    "grn.deleted", ReceiptSchema, "A goods receipt was deleted; the data is its last state.", key=_KEY, ability=_ABILITY
)
ASSOCIATED = events.define(
    "grn.associated",
    LedgerEventSchema,
    "A fabric item's ledger changed: associations were replaced, or another row was added or deleted.",
    key="ledger",
    ability=_ABILITY,
)
INSPECTED = events.define("grn.inspected", InspectedSchema, "A roll was inspected.", key="roll", ability=_ABILITY)
