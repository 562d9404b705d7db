"""Schemas of ledgers: associations to styles, rows of other kinds, balances, and the event."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, pre_load, validates_schema
from marshmallow.exceptions import ValidationError

from app.grn.models.columns import PLACES, LedgerType, LengthUnit, OutType
from app.grn.schemas.fields import (
    EpochTimestamp,
    Measure,
    OmitNulls,
    identifier,
    optional_quantity,
    quantity,
    reference,
    required_identifier,
    signed_quantity,
    text,
)
from app.kernel.messages import N_, Message
from app.kernel.schemas.fields import Choice, Metadata, Schema
from app.kernel.schemas.list_field import List

MAX_ASSOCIATIONS = 1000
MAX_PERCENT = 1000
OTHER_OUT_TYPES = tuple(kind for kind in OutType if kind is not OutType.ASSOCIATION)


class AssociationSchema(Schema):
    """The quantity of a fabric item that goes into a part of a style of an order."""

    error_messages = {"type": N_("Expected a list of associations, each an object.")}

    order_id = reference(data_key="orderId", required=True)
    product_id = reference(data_key="productId", required=True)
    style = required_identifier()
    color = identifier()
    style_color = identifier(
        data_key="styleColor", metadata={"description": "Selects the flow line; if it is missing, `color` does."}
    )
    part_name = identifier(data_key="partName")
    part = identifier(metadata={"description": "The same as `partName`; `partName` has priority."})
    order_qty = optional_quantity(data_key="orderQty")
    extra_percent = Measure(
        0, MAX_PERCENT, PLACES, data_key="extra", allow_none=True, metadata={"description": "Percent."}
    )
    qty = quantity(required=True)
    fabric_required = optional_quantity(data_key="fabricRequired")
    extra_fabric_required = optional_quantity(
        data_key="extraFabricRequired",
        metadata={"description": "`fabricRequired` × (1 + `extra`/100); computed if it is missing."},
    )
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _check_color(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not (data.get("style_color") or data.get("color")):
            raise ValidationError(N_("This field is required."), "styleColor")

    @pre_load(pass_collection=True)
    def _check_size(self, data: Any, **_kwargs: Any) -> Any:
        if isinstance(data, list) and len(data) > MAX_ASSOCIATIONS:
            raise ValidationError(Message(N_("Send at most %(n)s rows."), n=MAX_ASSOCIATIONS))
        return data


class EntrySchema(Schema):
    """A movement that is not an association; PUT replaces the associations."""

    type = Choice(*LedgerType, required=True)
    out_type = Choice(*OTHER_OUT_TYPES, data_key="outType", allow_none=True)
    qty = quantity(required=True)
    remarks = text(1000)
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _check_out_type(self, data: dict[str, Any], **_kwargs: Any) -> None:
        is_out, out_type = data["type"] == LedgerType.OUT, data.get("out_type")
        if is_out and not out_type:
            raise ValidationError(N_("This field is required with type OUT."), "outType")
        if out_type and not is_out:
            raise ValidationError(N_("Leave it out with type IN."), "outType")
        if not data["qty"]:
            raise ValidationError(N_("Ensure this value is greater than 0."), "qty")


class LedgerSchema(OmitNulls):
    """A row of a fabric item's ledger."""

    never_null = frozenset({"id", "type", "qty", "created_at"})

    id = fields.Integer()
    order_id = fields.Integer(data_key="orderId")
    flow_info_id = fields.Integer(data_key="flowInfoId")
    product_id = fields.Integer(data_key="productId")
    style = fields.String()
    color = fields.String()
    part_id = fields.Integer(data_key="partId")
    type = Choice(*LedgerType)
    out_type = Choice(*OutType, data_key="outType")
    qty = quantity()
    order_qty = quantity(data_key="orderQty")
    extra_percent = quantity(data_key="extra")
    fabric_required = quantity(data_key="fabricRequired")
    extra_fabric_required = quantity(data_key="extraFabricRequired")
    remarks = fields.String()
    created_by = fields.String(data_key="createdBy")
    created_at = EpochTimestamp(data_key="createdDate")
    extra = Metadata(data_key="metadata")


class AssociatedSchema(LedgerSchema):
    """A row of an association, with the fields of the GRN document."""

    class Meta(LedgerSchema.Meta):
        fields = (
            "id",
            "order_id",
            "flow_info_id",
            "product_id",
            "style",
            "color",
            "part_id",
            "type",
            "out_type",
            "qty",
            "extra",
        )


class BalanceSchema(OmitNulls):
    """`balance` = `received` − `out`, in `uomLength`; it may be negative and is then flagged."""

    never_null = frozenset({"grn_qty", "came_in", "received", "associated", "out", "balance", "negative"})

    uom_length = Choice(*LengthUnit, data_key="uomLength")
    grn_qty = signed_quantity(data_key="grnQty", metadata={"description": "From the packing lists."})
    came_in = signed_quantity(data_key="in", metadata={"description": "Ledger rows of type IN."})
    received = signed_quantity(metadata={"description": "`grnQty` + `in`."})
    associated = signed_quantity()
    out = signed_quantity(metadata={"description": "Ledger rows of type OUT, with the associations."})
    balance = signed_quantity()
    negative = fields.Boolean()


class ItemBalanceSchema(BalanceSchema):
    """The balance of a fabric item."""

    never_null = BalanceSchema.never_null | {"invoice_id", "fabric_item_id", "fabric_id", "color"}

    invoice_id = fields.Integer(data_key="invoiceId")
    fabric_item_id = fields.Integer(data_key="fabricItemId")
    fabric_id = fields.Integer(data_key="fabricId")
    color = fields.String()


class ColorBalanceSchema(BalanceSchema):
    """The balance of a fabric in one colour and one unit, over all receipts."""

    never_null = BalanceSchema.never_null | {"fabric_id", "color"}

    fabric_id = fields.Integer(data_key="fabricId")
    color = fields.String()


class LedgerEventSchema(Schema):
    """Changed and removed rows of a fabric item's ledger, the number of its rows, and its balance.

    The whole ledger is not sent, because it can grow for years.
    """

    invoice_id = fields.Integer(data_key="invoiceId")
    fabric_item_id = fields.Integer(data_key="fabricItemId")
    changed = List(fields.Nested(LedgerSchema), data_key="rows")
    removed = List(fields.Nested(LedgerSchema), data_key="removedRows")
    count = fields.Integer(data_key="rowCount")
    balance = fields.Nested(BalanceSchema)
