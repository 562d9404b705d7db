"""Payloads of e-invoices: one declaration validates what comes in, shapes what goes out, and documents both."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields
from sqlalchemy import inspect

from app.config import KIB
from app.einvoices.currencies import CURRENCIES
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.einvoices.status import Status, Type
from app.kernel import json
from app.kernel.messages import N_, Message
from app.kernel.money import LARGEST_AMOUNT
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, DateTime, HubField, Metadata, Number, Schema, Text, Timestamp, has_nul

#: Rendering takes about 9 ms a line; a thousand lines stay well within a task's time.
MAX_ITEMS = 1000
MAX_RAW_BYTES = 64 * KIB


class RawResponse(HubField):
    """What a provider said, an object or an array of at most 64 KiB, kept as it came."""

    default_error_messages = {
        "invalid": N_("Expected an object or an array."),
        "large": Message(N_("Ensure this field has no more than %(n)s bytes of JSON."), n=MAX_RAW_BYTES),
        "nul": N_("NUL characters are not allowed."),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict | list):
            raise self.make_error("invalid")
        text = json.encode_text(value)
        if len(text.encode()) > MAX_RAW_BYTES:
            raise self.make_error("large")
        if has_nul(value):
            raise self.make_error("nul")
        return value


class EinvoiceBuyerSchema(Schema):
    """Who buys."""

    name = Text(300, required=True, blank=False)
    email = Text(254)
    phone = Text(50)
    tax_id = Text(50)
    tax_office = Text(100)
    address = Text(1000)
    shipping_address = Text(1000)


class EinvoiceShownBuyerSchema(Schema):
    """Who buys, as lists show it."""

    name = fields.String()
    email = fields.String()
    phone = fields.String()


class EinvoiceTotalsSchema(Schema):
    """``grand_total`` is ``subtotal`` (discounts are off already) and ``tax_total``; all are positive."""

    subtotal = Number(0, LARGEST_AMOUNT, 3)
    tax_total = Number(0, LARGEST_AMOUNT, 3)
    discount_total = Number(0, LARGEST_AMOUNT, 3)
    grand_total = Number(0, LARGEST_AMOUNT, 3)
    currency = fields.String()


class EinvoiceItemSchema(Schema):
    """A line; ``discount_amount`` is for the whole line, ``total`` includes its share of the VAT."""

    id = fields.Integer(dump_only=True)
    sku = Text(100)
    name = Text(500, required=True, blank=False)
    quantity = Number("0.0001", "999999999.9999", 4, required=True)
    unit_price = Number(0, "9999999999.9999", 4, required=True)
    vat_rate = Number(0, 100, 2, metadata={"description": "Percent; the owner's default when left out."})
    vat_amount = Number(0, LARGEST_AMOUNT, 3, dump_only=True)
    discount_amount = Number(0, LARGEST_AMOUNT, 3)
    total = Number(0, LARGEST_AMOUNT, 3, dump_only=True)


class EinvoiceDraftSchema(Schema):
    """A draft; what is left out comes from the owner's settings."""

    buyer = fields.Nested(EinvoiceBuyerSchema, required=True)
    items = fields.List(
        fields.Nested(EinvoiceItemSchema),
        required=True,
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s items.")),
    )
    currency = Choice(*CURRENCIES)
    marketplace = Text(100, blank=False, allow_none=True)
    marketplace_order_no = Text(100, blank=False, allow_none=True)
    provider = Choice(*PROVIDER_NAMES)
    notes = Text(2000)
    extra = Metadata(data_key="metadata", allow_none=True)


class EinvoiceChangeSchema(EinvoiceDraftSchema):
    """A change to a draft: only what is sent changes, and ``items`` replaces them all."""

    buyer = fields.Nested(EinvoiceBuyerSchema)
    items = fields.List(
        fields.Nested(EinvoiceItemSchema),
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s items.")),
    )


class EinvoiceReasonSchema(Schema):
    """Why."""

    reason = Text(1000, required=True, blank=False)


class EinvoiceCreditedItemSchema(Schema):
    """How many of a line of the original are given back."""

    item_id = fields.Integer(required=True, strict=True)
    quantity = Number("0.0001", "999999999.9999", 4, required=True)


class EinvoiceCreditSchema(EinvoiceReasonSchema):
    """What is given back and why; without ``items`` all that is left."""

    items = fields.List(
        fields.Nested(EinvoiceCreditedItemSchema),
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s items.")),
    )
    notes = Text(2000)
    extra = Metadata(data_key="metadata", allow_none=True)


class EinvoiceVatRateSchema(Schema):
    """The VAT rate of the lines with this item code."""

    item_code = Text(100, required=True, blank=False)
    vat_rate = Number(0, 100, 2, required=True)


class FromSalesSchema(Schema):
    """A sales invoice by its number; ``vat_rates`` where they differ from ``vat_rate`` or the owner's default."""

    invoice_no = Text(50, required=True, blank=False)
    vat_rate = Number(0, 100, 2)
    vat_rates = fields.List(fields.Nested(EinvoiceVatRateSchema), validate=validators.Length(max=MAX_ITEMS))
    currency = Choice(*CURRENCIES)
    provider = Choice(*PROVIDER_NAMES)


class ProviderStatusSchema(Schema):
    """A provider's word about an e-invoice."""

    provider_status = Text(100, required=True, blank=False)
    provider_invoice_id = Text(255, allow_none=True)
    raw = RawResponse(allow_none=True)
    occurred_at = DateTime(
        metadata={"description": "When it was so; older word than the stored is recorded and changes nothing."}
    )


class EinvoiceEventSchema(Schema):
    """Something that happened to an e-invoice."""

    id = fields.Integer()
    type = fields.String()
    payload = fields.Raw()
    created_at = Timestamp()


class EinvoiceSchema(Schema):
    """An e-invoice as lists show it."""

    id = fields.Integer()
    invoice_no = fields.String(allow_none=True)
    status = Choice(*Status)
    type = Choice(*Type)
    issued_at = Timestamp(allow_none=True)
    marketplace = fields.String(allow_none=True)
    marketplace_order_no = fields.String(allow_none=True)
    buyer = fields.Nested(EinvoiceShownBuyerSchema)
    totals = fields.Nested(EinvoiceTotalsSchema)
    provider = fields.String()
    provider_status = fields.String(allow_none=True)
    provider_invoice_id = fields.String(allow_none=True)
    pdf_url = fields.String(allow_none=True)
    updated_at = Timestamp()
    extra = fields.Raw(data_key="metadata", allow_none=True)


class EinvoiceDetailSchema(EinvoiceSchema):
    """An e-invoice in full; ``items`` and ``events`` are there when they were asked for."""

    buyer = fields.Nested(EinvoiceBuyerSchema)
    original_id = fields.Integer(allow_none=True)
    sales_invoice_no = fields.String(allow_none=True)
    notes = fields.String()
    reason = fields.String()
    pdf_state = fields.String(allow_none=True)
    pdf_error = fields.String(allow_none=True)
    created_at = Timestamp()
    items = fields.List(fields.Nested(EinvoiceItemSchema))
    events = fields.List(fields.Nested(EinvoiceEventSchema))

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        if attr in {"items", "events"} and isinstance(obj, Einvoice) and attr in inspect(obj).unloaded:
            return ma.missing
        return super().get_attribute(obj, attr, default)
