"""Payloads of goods receipts: the document's tables, as they come in and as they go out."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validates_schema
from marshmallow.exceptions import ValidationError

from app.grn.models.columns import LengthUnit, WidthUnit
from app.grn.schemas.fields import (
    CommaList,
    Compact,
    Day,
    Moment,
    PutBack,
    optional_quantity,
    quantity,
    reference,
    required_words,
    signed_quantity,
    words,
)
from app.kernel.messages import N_, Message
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, Metadata, Number, Schema

MOST_ITEMS, MOST_ROLLS = 200, 10_000
LARGEST_SERIAL = 1_000_000_000


def refuse_blanket(data: dict[str, Any]) -> None:
    """No more can be cut off a roll than there is."""
    length = data.get("inspected_length")
    length = data.get("supplier_length") if length is None else length
    if length is not None and (data.get("blanket_qty") or 0) > length:
        raise ValidationError(N_("Ensure this value is not greater than the roll's length."), "blanketQty")


class NewRollSchema(Schema):
    """A roll of the packing list; `length`, `width` and `weight` are what inspection measured."""

    supplier_roll_no = required_words(data_key="supplierRollNo")
    factory_roll_no = words(data_key="factoryRollNo")
    supplier_length = optional_quantity(data_key="supplierLength")
    supplier_width = optional_quantity(data_key="supplierWidth")
    supplier_weight = optional_quantity(data_key="supplierWeight")
    gsm = optional_quantity()
    inspected_length = optional_quantity(data_key="length")
    inspected_width = optional_quantity(data_key="width")
    inspected_weight = optional_quantity(data_key="weight")
    blanket_qty = optional_quantity(data_key="blanketQty")
    shade = words()
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _has_enough(self, data: dict[str, Any], **_kwargs: Any) -> None:
        refuse_blanket(data)


class NewFabricItemSchema(Schema):
    """A fabric item; `grnQty` is derived from the packing list where there is one."""

    serial = Number(0, LARGEST_SERIAL, allow_none=True)
    external_id = words(data_key="externalId")
    fabric_id = reference(data_key="fabricId", required=True)
    color = required_words()
    color_code = words(data_key="colorCode")
    color_shade = words(data_key="colorShade")
    order_id = reference(data_key="orderId", allow_none=True)
    external_order_ids = CommaList(data_key="externalOrderIds", allow_none=True)
    external_order_id = words(
        data_key="externalOrderId", load_only=True, metadata={"description": "The same as a list of one."}
    )
    fpo = words()
    order_qty = quantity(data_key="orderQty", required=True)
    ordering_width = quantity(data_key="orderingWidth", required=True)
    uom_width = Choice(*WidthUnit, data_key="uomWidth", allow_none=True)
    uom_length = Choice(*LengthUnit, data_key="uomLength", allow_none=True)
    ordering_gsm = optional_quantity(data_key="orderingGsm")
    invoice_qty = quantity(data_key="invoiceQty", required=True)
    grn = required_words()
    grn_qty = optional_quantity(data_key="grnQty")
    grn_date = Day(data_key="grnDate", allow_none=True)
    warehouse = words()
    blanket_qty = optional_quantity(data_key="blanketQty")
    rolls: Any = fields.List(
        fields.Nested(NewRollSchema),
        data_key="supplierRollList",
        load_default=list,
        allow_none=True,
        validate=validators.Length(max=MOST_ROLLS, error=N_("Send at most %(max)s rolls.")),
    )
    extra = Metadata(data_key="metadata", allow_none=True)

    @post_load
    def _one_list_of_orders(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        single = data.pop("external_order_id", None)
        if single and data.get("external_order_ids"):
            raise ValidationError(N_("Send externalOrderIds or externalOrderId, not both."), "externalOrderId")
        if single:
            data["external_order_ids"] = [single]
        data["rolls"] = data["rolls"] or []
        return data


class NewReceiptSchema(Schema):
    """A supplier's invoice with what it brought."""

    external_id = words(data_key="externalId", blank=False)
    supplier_id = reference(data_key="supplierId", required=True)
    invoice_no = required_words(data_key="invoiceNo")
    invoice_date = Day(data_key="invoiceDate", allow_none=True)
    erp_invoice_no = words(data_key="erpInvoiceNo")
    fabric_items: Any = fields.List(
        fields.Nested(NewFabricItemSchema),
        data_key="fabricItemList",
        required=True,
        validate=validators.Length(1, MOST_ITEMS, error=N_("Send %(min)s to %(max)s fabric items.")),
    )
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _bounded(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if sum(len(item["rolls"]) for item in data["fabric_items"]) > MOST_ROLLS:
            raise ValidationError(
                Message(N_("Send at most %(max)s rolls in one receipt."), max=MOST_ROLLS),
                "fabricItemList",
            )


class RollChangeSchema(PutBack, NewRollSchema):
    """A roll of a new packing list: told by `id`, else by `supplierRollNo`, it keeps what inspection found."""

    derived = frozenset({"uomLength", "uomWidth", "effectiveLength", "inspectedDate"})

    id = reference()


class FabricItemChangeSchema(PutBack, NewFabricItemSchema):
    """A fabric item, told by `id`, else by `externalId`; any other is a new one."""

    derived = frozenset({"rollCount"})

    id = reference()
    rolls = fields.List(
        fields.Nested(RollChangeSchema),
        data_key="supplierRollList",
        load_default=list,
        allow_none=True,
        validate=validators.Length(max=MOST_ROLLS, error=N_("Send at most %(max)s rolls.")),
    )


class ReceiptChangeSchema(PutBack, NewReceiptSchema):
    """The whole receipt as it shall be; what is left out is taken away."""

    derived = frozenset({"id", "createdDate"})

    fabric_items = fields.List(
        fields.Nested(FabricItemChangeSchema),
        data_key="fabricItemList",
        required=True,
        validate=validators.Length(1, MOST_ITEMS, error=N_("Send %(min)s to %(max)s fabric items.")),
    )


class PackingListSchema(Schema):
    """The whole packing list of a fabric item as it shall be."""

    rolls = fields.List(
        fields.Nested(RollChangeSchema),
        data_key="supplierRollList",
        required=True,
        validate=validators.Length(max=MOST_ROLLS, error=N_("Send at most %(max)s rolls.")),
    )


class InspectionSchema(Schema):
    """What inspection found; what is left out stays, null takes a finding back."""

    inspected_length = optional_quantity(data_key="length")
    inspected_width = optional_quantity(data_key="width")
    inspected_weight = optional_quantity(data_key="weight")
    gsm = optional_quantity()
    blanket_qty = optional_quantity(data_key="blanketQty")
    shade = words()
    extra = Metadata(data_key="metadata", allow_none=True)

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data:
            raise ValidationError(N_("Send at least one of length, width, weight, gsm, blanketQty, shade, metadata."))


class RollSchema(Compact):
    """A roll; `length`, `width` and `weight` are the supplier's until inspected."""

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
    inspected_at = Moment(data_key="inspectedDate")
    extra = fields.Raw(data_key="metadata")


class FabricItemSummarySchema(Compact):
    """A fabric item without its rolls, as lists show it."""

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
    grn_date = Day(data_key="grnDate")
    warehouse = fields.String()
    blanket_qty = quantity(data_key="blanketQty")
    roll_count = fields.Integer(data_key="rollCount")
    extra = fields.Raw(data_key="metadata")


class FabricItemSchema(FabricItemSummarySchema):
    """A fabric item with its packing list."""

    rolls = fields.List(fields.Nested(RollSchema), data_key="supplierRollList")


class ReceiptSummarySchema(Compact):
    """A goods receipt without rolls, as lists show it."""

    id = fields.Integer()
    external_id = fields.String(data_key="externalId")
    created_at = Moment(data_key="createdDate")
    supplier_id = fields.Integer(data_key="supplierId")
    invoice_no = fields.String(data_key="invoiceNo")
    invoice_date = Day(data_key="invoiceDate")
    erp_invoice_no = fields.String(data_key="erpInvoiceNo")
    fabric_items: Any = fields.List(fields.Nested(FabricItemSummarySchema), data_key="fabricItemList")
    extra = fields.Raw(data_key="metadata")


class ReceiptSchema(ReceiptSummarySchema):
    """A goods receipt in full."""

    fabric_items = fields.List(fields.Nested(FabricItemSchema), data_key="fabricItemList")
