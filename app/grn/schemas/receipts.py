"""Schemas of goods receipts, fabric items and rolls: payloads and answers, after the tables of the GRN document."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validates_schema
from marshmallow.exceptions import ValidationError

from app.grn.models.columns import LengthUnit, WidthUnit
from app.grn.schemas.fields import (
    CommaList,
    EpochDate,
    EpochTimestamp,
    IgnoreDerived,
    OmitNulls,
    identifier,
    optional_quantity,
    quantity,
    reference,
    required_identifier,
    signed_quantity,
)
from app.kernel.messages import N_, Message
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, Metadata, Number, Schema, Text
from app.kernel.schemas.list_field import List

MAX_ITEMS, MAX_ROLLS = 200, 10_000
MAX_SERIAL = 1_000_000_000


def check_blanket_qty(data: dict[str, Any]) -> None:
    """Refuse a blanket that is longer than its roll."""
    length = data.get("inspected_length")
    if length is None:
        length = data.get("supplier_length")
    if length is not None and (data.get("blanket_qty") or 0) > length:
        raise ValidationError(N_("Ensure this value is not greater than the roll's length."), "blanketQty")


class NewRollSchema(Schema):
    """A roll of a packing list; `length`, `width` and `weight` are the inspected values."""

    supplier_roll_no = required_identifier(data_key="supplierRollNo")
    factory_roll_no = identifier(data_key="factoryRollNo")
    supplier_length = optional_quantity(data_key="supplierLength")
    supplier_width = optional_quantity(data_key="supplierWidth")
    supplier_weight = optional_quantity(data_key="supplierWeight")
    gsm = optional_quantity()
    inspected_length = optional_quantity(data_key="length")
    inspected_width = optional_quantity(data_key="width")
    inspected_weight = optional_quantity(data_key="weight")
    blanket_qty = optional_quantity(data_key="blanketQty")
    shade = identifier()
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _check_blanket_qty(self, data: dict[str, Any], **_kwargs: Any) -> None:
        check_blanket_qty(data)


class NewFabricItemSchema(Schema):
    """A fabric item; `grnQty` is computed from the packing list, if there is one."""

    serial = Number(0, MAX_SERIAL, allow_none=True)
    external_id = identifier(data_key="externalId")
    fabric_id = reference(data_key="fabricId", required=True)
    color = required_identifier()
    color_code = identifier(data_key="colorCode")
    color_shade = identifier(data_key="colorShade")
    order_id = reference(data_key="orderId", allow_none=True)
    external_order_ids = CommaList(data_key="externalOrderIds", allow_none=True)
    external_order_id = identifier(
        data_key="externalOrderId",
        load_only=True,
        metadata={"description": "The same as `externalOrderIds` with one entry."},
    )
    fpo = identifier()
    order_qty = quantity(data_key="orderQty", required=True)
    ordering_width = quantity(data_key="orderingWidth", required=True)
    uom_width = Choice(*WidthUnit, data_key="uomWidth", allow_none=True)
    uom_length = Choice(*LengthUnit, data_key="uomLength", allow_none=True)
    ordering_gsm = optional_quantity(data_key="orderingGsm")
    invoice_qty = quantity(data_key="invoiceQty", required=True)
    grn = required_identifier()
    grn_qty = optional_quantity(data_key="grnQty")
    grn_date = EpochDate(data_key="grnDate", allow_none=True)
    warehouse = identifier()
    blanket_qty = optional_quantity(data_key="blanketQty")
    rolls: Any = List(
        fields.Nested(NewRollSchema),
        data_key="supplierRollList",
        load_default=list,
        allow_none=True,
        validate=validators.Length(max=MAX_ROLLS, error=N_("Send at most %(max)s rolls.")),
    )
    extra = Metadata(data_key="metadata", allow_none=True)

    @post_load
    def _merge_order_ids(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        single = data.pop("external_order_id", None)
        if single and data.get("external_order_ids"):
            raise ValidationError(N_("Send externalOrderIds or externalOrderId, not both."), "externalOrderId")
        if single:
            data["external_order_ids"] = [single]
        data["rolls"] = data["rolls"] or []
        return data


class NewReceiptSchema(Schema):
    """A supplier's invoice with its fabric items."""

    external_id = identifier(data_key="externalId", blank=False)
    supplier_id = reference(data_key="supplierId", required=True)
    invoice_no = required_identifier(data_key="invoiceNo")
    invoice_date = EpochDate(data_key="invoiceDate", allow_none=True)
    erp_invoice_no = identifier(data_key="erpInvoiceNo")
    fabric_items: Any = List(
        fields.Nested(NewFabricItemSchema),
        data_key="fabricItemList",
        required=True,
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s fabric items.")),
    )
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _check_roll_count(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if sum(len(item["rolls"]) for item in data["fabric_items"]) > MAX_ROLLS:
            raise ValidationError(
                Message(N_("Send at most %(max)s rolls in one receipt."), max=MAX_ROLLS),
                "fabricItemList",
            )


class RollChangeSchema(IgnoreDerived, NewRollSchema):
    """A roll of a new packing list; it keeps the inspection of the stored roll with its `id`, else `supplierRollNo`."""

    derived = frozenset({"uomLength", "uomWidth", "effectiveLength", "inspectedDate"})

    id = reference()


class FabricItemChangeSchema(IgnoreDerived, NewFabricItemSchema):
    """A fabric item; it matches a stored one by `id`, else by `externalId`, or is new."""

    derived = frozenset({"rollCount"})

    id = reference()
    rolls = List(
        fields.Nested(RollChangeSchema),
        data_key="supplierRollList",
        load_default=list,
        allow_none=True,
        validate=validators.Length(max=MAX_ROLLS, error=N_("Send at most %(max)s rolls.")),
    )


class ReceiptChangeSchema(IgnoreDerived, NewReceiptSchema):
    """A whole receipt, which replaces the stored one."""

    derived = frozenset({"id", "createdDate"})

    fabric_items = List(
        fields.Nested(FabricItemChangeSchema),
        data_key="fabricItemList",
        required=True,
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s fabric items.")),
    )


class PackingListSchema(Schema):
    """A whole packing list, which replaces the stored one."""

    rolls = List(
        fields.Nested(RollChangeSchema),
        data_key="supplierRollList",
        required=True,
        validate=validators.Length(max=MAX_ROLLS, error=N_("Send at most %(max)s rolls.")),
    )


class RollFileQuery(Schema):
    """How a file of rolls is read."""

    sheet = Text(31, metadata={"description": "The sheet of a workbook, when several could be meant."})
    keep_totals = fields.Boolean(
        data_key="keepTotals",
        metadata={"description": "Rows that look like a note or like the total of the others are rolls too."},
    )


class InspectionSchema(Schema):
    """Findings of an inspection: a missing field stays as it is, null removes a finding."""

    rules = {"minProperties": 1}

    inspected_length = optional_quantity(data_key="length")
    inspected_width = optional_quantity(data_key="width")
    inspected_weight = optional_quantity(data_key="weight")
    gsm = optional_quantity()
    blanket_qty = optional_quantity(data_key="blanketQty")
    shade = identifier()
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _check_not_empty(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data:
            raise ValidationError(N_("Send at least one of length, width, weight, gsm, blanketQty, shade, metadata."))


class RollSchema(OmitNulls):
    """A roll; `length`, `width` and `weight` are the supplier's values until the inspection."""

    never_null = frozenset({"id", "supplier_roll_no", "blanket_qty"})

    id = fields.Integer()
    supplier_roll_no = fields.String(data_key="supplierRollNo")
    factory_roll_no = fields.String(data_key="factoryRollNo")
    supplier_length = quantity(data_key="supplierLength")
    supplier_width = quantity(data_key="supplierWidth")
    supplier_weight = quantity(data_key="supplierWeight")
    uom_length = Choice(*LengthUnit, data_key="uomLength", attribute="item.uom_length")
    uom_width = Choice(*WidthUnit, data_key="uomWidth", attribute="item.uom_width")
    gsm = quantity()
    length = quantity()
    width = quantity()
    weight = quantity()
    blanket_qty = quantity(data_key="blanketQty")
    effective_length = signed_quantity(data_key="effectiveLength")
    shade = fields.String()
    inspected_at = EpochTimestamp(data_key="inspectedDate")
    extra = Metadata(data_key="metadata")


class FabricItemSummarySchema(OmitNulls):
    """A fabric item without its rolls, for lists."""

    never_null = frozenset(
        {"id", "fabric_id", "color", "order_qty", "ordering_width", "invoice_qty", "grn", "roll_count"}
    )

    id = fields.Integer()
    serial = fields.Integer()
    external_id = fields.String(data_key="externalId")
    fabric_id = fields.Integer(data_key="fabricId")
    color = fields.String()
    color_code = fields.String(data_key="colorCode")
    color_shade = fields.String(data_key="colorShade")
    order_id = fields.Integer(data_key="orderId")
    external_order_ids = CommaList(data_key="externalOrderIds")
    fpo = fields.String()
    order_qty = quantity(data_key="orderQty")
    ordering_width = quantity(data_key="orderingWidth")
    uom_width = Choice(*WidthUnit, data_key="uomWidth")
    uom_length = Choice(*LengthUnit, data_key="uomLength")
    ordering_gsm = quantity(data_key="orderingGsm")
    invoice_qty = quantity(data_key="invoiceQty")
    grn = fields.String()
    grn_qty = quantity(data_key="grnQty")
    grn_date = EpochDate(data_key="grnDate")
    warehouse = fields.String()
    blanket_qty = quantity(data_key="blanketQty")
    roll_count = fields.Integer(data_key="rollCount")
    extra = Metadata(data_key="metadata")


class FabricItemSchema(FabricItemSummarySchema):
    """A fabric item with its packing list."""

    never_null = FabricItemSummarySchema.never_null | {"rolls"}

    rolls = List(fields.Nested(RollSchema), data_key="supplierRollList")


class ReceiptSummarySchema(OmitNulls):
    """A goods receipt without rolls, for lists."""

    never_null = frozenset({"id", "created_at", "supplier_id", "invoice_no", "fabric_items"})

    id = fields.Integer()
    external_id = fields.String(data_key="externalId")
    created_at = EpochTimestamp(data_key="createdDate")
    supplier_id = fields.Integer(data_key="supplierId")
    invoice_no = fields.String(data_key="invoiceNo")
    invoice_date = EpochDate(data_key="invoiceDate")
    erp_invoice_no = fields.String(data_key="erpInvoiceNo")
    fabric_items: Any = List(fields.Nested(FabricItemSummarySchema), data_key="fabricItemList")
    extra = Metadata(data_key="metadata")


class ReceiptSchema(ReceiptSummarySchema):
    """A goods receipt with its fabric items and rolls."""

    fabric_items = List(fields.Nested(FabricItemSchema), data_key="fabricItemList")
