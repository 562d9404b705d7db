"""Schemas of sales invoices: validation of requests, form of answers, and their documentation."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validates_schema
from marshmallow.exceptions import ValidationError

from app.kernel.messages import N_
from app.kernel.money import LARGEST_AMOUNT
from app.kernel.schemas import validators
from app.kernel.schemas.empty_values import EmptyClearsSchema, EmptyIsMissingSchema
from app.kernel.schemas.fast_schema import FastDumpSchema, FastLoadSchema
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Metadata, Number, Schema, Text, Timestamp
from app.kernel.schemas.list_field import List
from app.kernel.schemas.switch import Switch
from app.sales.state_machine import BillingStatus, DeliveryType, Priority, Section, Status

MAX_ITEMS = 2000


def _quantity(**kwargs: Any) -> Number:
    return Number(1, 1_000_000_000, **kwargs)


def _price(**kwargs: Any) -> Number:
    return Number(0, "9999999999.9999", 4, **kwargs)


class CustomerSchema(EmptyIsMissingSchema):
    """A customer; optional fields that are left out, null or "" keep their stored values."""

    id = fields.Integer(dump_only=True)
    code = Identifier(50, required=True, blank=False)
    name = Text(200, required=True, blank=False)
    area = Text(200)
    address1 = Text(300)
    address2 = Text(300)
    address3 = Text(300)
    pincode = Text(20)
    phone1 = Text(50)
    phone2 = Text(50)
    email = Text(254)


class ItemSchema(EmptyIsMissingSchema):
    """A line: ``quantity`` pieces at ``mrp`` each."""

    id = fields.Integer(dump_only=True)
    line_no = fields.Integer(dump_only=True)
    name = Text(300, required=True, blank=False)
    item_code = Identifier(100, required=True, blank=False)
    barcode = Identifier(100)
    quantity = _quantity(required=True)
    mrp = _price(required=True)
    company_name = Text(200)
    packing = Text(100)
    shelf_location = Text(100)
    batch_no = Identifier(100)
    expiry_date = CalendarDate(allow_none=True)
    remarks = Text(1000)
    line_total = Number(0, LARGEST_AMOUNT, 2, dump_only=True)


class ImportSchema(FastLoadSchema, EmptyIsMissingSchema):
    """An invoice as the ERP posts it; null and "" mean that an optional field was left out."""

    invoice_no = Identifier(50, required=True, blank=False)
    invoice_date = CalendarDate(required=True)
    salesman = Identifier(200, blank=False, allow_none=True)
    created_by = Text(200)
    priority = Choice(*Priority, load_default=Priority.MEDIUM.value)
    customer = fields.Nested(CustomerSchema, required=True)
    items = List(
        fields.Nested(ItemSchema),
        required=True,
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s items.")),
    )
    declared_total = Number(
        0,
        LARGEST_AMOUNT,
        2,
        data_key="Total",
        allow_none=True,
        metadata={
            "description": "Your own total; a difference to the computed total is stored and shown, not refused."
        },
    )
    temp_name = Text(200)
    remarks = Text(1000)
    extra = Metadata(data_key="metadata")


class ItemCorrectionSchema(EmptyClearsSchema, ItemSchema):
    """A line found by ``barcode``, else by ``item_code``; only fields that are sent change.

    Of several lines ``batch_no`` tells which, then their order.
    """

    class Meta(Schema.Meta):
        exclude = ("id", "line_no", "line_total")

    name = Text(300, blank=False)
    item_code = Identifier(100, blank=False)
    quantity = _quantity()
    mrp = _price()

    @validates_schema
    def _check_line_is_named(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data.get("barcode") and not data.get("item_code"):
            raise ValidationError(N_("Send barcode or item_code to tell which item is meant."), "item_code")


class CustomerCorrectionSchema(EmptyClearsSchema, CustomerSchema):
    """A customer found by ``code``; only a new customer needs ``name``."""

    name = Text(200, blank=False)


class CorrectionSchema(EmptyClearsSchema):
    """A correction to an invoice in REVIEW; only the fields that are sent change."""

    invoice_no = Identifier(50, required=True, blank=False)
    invoice_date = CalendarDate()
    salesman = Identifier(200)
    created_by = Text(200)
    priority = Choice(*Priority)
    customer = fields.Nested(CustomerCorrectionSchema)
    items = List(
        fields.Nested(ItemCorrectionSchema),
        load_default=list,
        validate=validators.Length(max=MAX_ITEMS, error=N_("Send at most %(max)s items.")),
    )
    declared_total = Number(0, LARGEST_AMOUNT, 2, data_key="Total", allow_none=True)
    temp_name = Text(200)
    remarks = Text(1000)
    replace_items = Switch(load_default=False)
    resolution_notes = Text(5000, load_default="")
    extra = Metadata(data_key="metadata")

    @validates_schema
    def _check_an_item_remains(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data.get("replace_items") and not data.get("items"):
            raise ValidationError(N_("With replace_items at least one item must be sent."), "items")


class ReturnSchema(Schema):
    """Send an invoice back to billing."""

    invoice_no = Identifier(50, required=True, blank=False)
    return_reason = Text(5000, required=True, blank=False)


class SalesmanSchema(Schema):
    """The salesman of an invoice."""

    id = fields.Integer()
    name = fields.String()


class ReturnInfoSchema(Schema):
    """A return to billing and, after the correction, its resolution."""

    id = fields.Integer()
    return_reason = fields.String(attribute="reason")
    returned_from_section = Choice(*Section, attribute="section")
    returned_from_status = Choice(*Status)
    returned_by = fields.String()
    returned_at = Timestamp()
    resolution_notes = fields.String()
    resolved_by = fields.String(allow_none=True)
    resolved_at = Timestamp(allow_none=True)


class WorkerSchema(Schema):
    """A worker of the sales floor."""

    id = fields.Integer()
    name = fields.String()


class HandlingSchema(Schema):
    """The worker who has the invoice, the section, and since when."""

    section = Choice(*Section)
    worker = fields.Nested(WorkerSchema)
    session_id = fields.Integer()
    since = Timestamp(attribute="started_at")


class HoldSchema(Schema):
    """The hold of an invoice."""

    reason = fields.String()
    held_by = fields.String()
    held_at = Timestamp()


class CourierShortSchema(Schema):
    """A courier, short form."""

    id = fields.Integer()
    code = fields.String()
    name = fields.String()


class DeliverySchema(Schema):
    """The delivery of an invoice."""

    delivery_type = Choice(*DeliveryType)
    courier = fields.Nested(CourierShortSchema, allow_none=True)
    tracking_no = fields.String(allow_none=True)
    driver = fields.String(allow_none=True)
    driver_id = fields.Integer(allow_none=True)
    dispatched_at = Timestamp()
    delivered_at = Timestamp(allow_none=True)
    proof_note = fields.String()


class InvoiceSchema(FastDumpSchema):
    """The full invoice, as reads, streams and webhooks return it."""

    id = fields.Integer()
    invoice_no = fields.String()
    invoice_date = CalendarDate()
    status = Choice(*Status)
    billing_status = Choice(*BillingStatus)
    priority = Choice(*Priority)
    customer = fields.Nested(CustomerSchema)
    salesman = fields.Nested(SalesmanSchema, allow_none=True)
    created_by = fields.String()
    created_user = fields.Integer(attribute="created_user_id", allow_none=True)
    temp_name = fields.String()
    remarks = fields.String()
    items = List(fields.Nested(ItemSchema))
    total_amount = Number(0, LARGEST_AMOUNT, 2)
    declared_total = Number(0, LARGEST_AMOUNT, 2, data_key="Total", allow_none=True)
    total_difference = Number(-LARGEST_AMOUNT, LARGEST_AMOUNT, 2, allow_none=True)
    handling = fields.Nested(HandlingSchema, allow_none=True)
    hold = fields.Nested(HoldSchema, allow_none=True)
    label_count = fields.Integer(allow_none=True)
    delivery = fields.Nested(DeliverySchema, allow_none=True)
    return_info = fields.Nested(ReturnInfoSchema, allow_none=True)
    extra = Metadata(data_key="metadata", allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()


class ImportedSchema(InvoiceSchema):
    """The answer to an import."""

    class Meta(Schema.Meta):
        fields = (
            "id",
            "invoice_no",
            "total_amount",
            "total_difference",
            "status",
            "billing_status",
            "priority",
            "created_at",
        )


class ImportedAnswerSchema(FastDumpSchema):
    """An import in the envelope of this API."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(ImportedSchema)


class InvoiceAnswerSchema(Schema):
    """A full invoice in the envelope of this API."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(InvoiceSchema)
