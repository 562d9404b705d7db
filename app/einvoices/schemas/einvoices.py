"""Schemas of e-invoices: validation of requests, content of responses, and their documentation."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields
from sqlalchemy import inspect

from app.einvoices.currencies import CURRENCIES
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.legal_fields import DOCUMENT_FACTS, TaxRule
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.einvoices.schemas.content import EinvoiceBuyerSchema, EinvoiceItemSchema, EinvoiceShownBuyerSchema
from app.einvoices.schemas.legal_facts import SAID_FACTS, DocumentFactsSchema
from app.einvoices.status import Status, Type
from app.kernel.database.sequences import MAX_ID
from app.kernel.messages import N_
from app.kernel.money import LARGEST_AMOUNT
from app.kernel.schemas import validators
from app.kernel.schemas.fields import (
    CalendarDate,
    Choice,
    Identifier,
    Metadata,
    Number,
    Schema,
    Text,
    Timestamp,
)
from app.kernel.schemas.list_field import List
from app.kernel.schemas.switch import Switch

#: What the hub sets or computes, and what most e-invoices do not have.
SET_FACTS = frozenset(
    {"official_no", "uuid", "tax_rule", "withholding_total", "allowance_total", "charge_total", "canonical_sha256"}
)
#: Rendering takes about 9 ms for each line, so 1000 lines stay well within the time limit of the task.
MAX_ITEMS = 1000


class EinvoiceTotalsSchema(Schema):
    """``grand_total`` is ``subtotal`` (after discounts) plus ``tax_total``; no amount is negative."""

    subtotal = Number(0, LARGEST_AMOUNT, 3)
    tax_total = Number(0, LARGEST_AMOUNT, 3)
    discount_total = Number(0, LARGEST_AMOUNT, 3)
    grand_total = Number(0, LARGEST_AMOUNT, 3)
    currency = fields.String()


def provider_account() -> Number:
    """Field of an account: without it a draft gets the default account; null means the settings of the installation."""
    return Number(
        1,
        MAX_ID,
        allow_none=True,
        metadata={
            "description": "Account that it is sent through; by default the seller's default account, and null if "
            "`provider` is sent."
        },
    )


class EinvoiceSendSchema(Schema):
    """Another account than that of the draft, if the e-invoice shall be sent through it."""

    provider_account_id = Number(1, MAX_ID)


class EinvoiceDraftSchema(DocumentFactsSchema):
    """A draft; the owner's settings give the values of missing fields."""

    buyer = fields.Nested(EinvoiceBuyerSchema, required=True)
    prices_include_vat = Switch(
        metadata={
            "description": "Whether `unit_price` and `discount_amount` of these items include the VAT. The e-invoice "
            "has them without VAT, and its total is the same to the cent."
        }
    )
    items = List(
        fields.Nested(EinvoiceItemSchema),
        required=True,
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s items.")),
    )
    currency = Choice(*CURRENCIES)
    marketplace = Identifier(100, blank=False, allow_none=True)
    marketplace_order_no = Identifier(100, blank=False, allow_none=True)
    allow_duplicate_order = Switch(
        metadata={"description": "Whether this order of the marketplace may have another e-invoice; it is audited."}
    )
    provider = Choice(*PROVIDER_NAMES)
    provider_account_id = provider_account()
    notes = Text(2000)
    extra = Metadata(data_key="metadata", allow_none=True)


class EinvoiceChangeSchema(EinvoiceDraftSchema):
    """A change to a draft: only the fields in the request change, and ``items`` replaces all items."""

    buyer = fields.Nested(EinvoiceBuyerSchema)
    items = List(
        fields.Nested(EinvoiceItemSchema),
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s items.")),
    )


class EinvoiceReasonSchema(Schema):
    """The reason of an action."""

    reason = Text(1000, required=True, blank=False)


class EinvoiceCorrectionSchema(Schema):
    """A correction; the reason goes into the history of the rejected e-invoice."""

    reason = Text(1000)


class EinvoiceDoubtSchema(EinvoiceReasonSchema):
    """The decision about a sending in doubt, and its reason: what a person found out at the provider."""

    taken = Switch(required=True, metadata={"description": "Whether the provider has the e-invoice."})


class EinvoiceCreditedItemSchema(Schema):
    """The quantity of a line of the original that is credited."""

    item_id = fields.Integer(required=True, strict=True)
    quantity = Number("0.0001", "999999999.9999", 4, required=True)


class EinvoiceCreditSchema(EinvoiceReasonSchema):
    """A return or credit note; without ``items`` it credits everything that is left."""

    items = List(
        fields.Nested(EinvoiceCreditedItemSchema),
        validate=validators.Length(1, MAX_ITEMS, error=N_("Send %(min)s to %(max)s items.")),
    )
    notes = Text(2000)
    extra = Metadata(data_key="metadata", allow_none=True)


class EinvoiceVatRateSchema(Schema):
    """The VAT rate of the lines with this item code."""

    item_code = Identifier(100, required=True, blank=False)
    vat_rate = Number(0, 100, 2, required=True)


class FromSalesSchema(Schema):
    """A sales invoice number; ``vat_rates`` lists items whose rate differs from ``vat_rate`` or the owner's default."""

    invoice_no = Identifier(50, required=True, blank=False)
    vat_rate = Number(0, 100, 2)
    vat_rates = List(fields.Nested(EinvoiceVatRateSchema), validate=validators.Length(max=MAX_ITEMS))
    prices_include_vat = Switch(
        metadata={"description": "Whether the prices include the VAT; the default is the owner's setting."}
    )
    currency = Choice(*CURRENCIES)
    provider = Choice(*PROVIDER_NAMES)
    provider_account_id = provider_account()


class EinvoiceEventSchema(Schema):
    """An entry in the history of an e-invoice."""

    id = fields.Integer()
    type = fields.String()
    payload = fields.Raw()
    created_at = Timestamp()


class EinvoiceSchema(Schema):
    """An e-invoice, as shown in lists."""

    id = fields.Integer()
    invoice_no = fields.String(allow_none=True)
    status = Choice(*Status)
    type = Choice(*Type)
    is_test = fields.Boolean(
        metadata={"description": "Whether it is no legal document: it was issued for a test account."}
    )
    issued_at = Timestamp(allow_none=True)
    issued_on = CalendarDate(
        dump_only=True, allow_none=True, metadata={"description": "The legal date: the day in the seller's time zone."}
    )
    marketplace = fields.String(allow_none=True)
    marketplace_order_no = fields.String(allow_none=True)
    buyer = fields.Nested(EinvoiceShownBuyerSchema)
    totals = fields.Nested(EinvoiceTotalsSchema)
    provider = fields.String()
    provider_status = fields.String(allow_none=True)
    provider_invoice_id = fields.String(allow_none=True)
    pdf_url = fields.String(allow_none=True)
    updated_at = Timestamp()
    extra = Metadata(data_key="metadata", allow_none=True)


class EinvoiceDetailSchema(EinvoiceSchema, DocumentFactsSchema):
    """An e-invoice with all fields; ``items`` and ``events`` are present when they were requested.

    What legal formats need is present when somebody said it, or when the issue set it.
    """

    sometimes = frozenset({"items", "events"}) | SAID_FACTS | SET_FACTS

    buyer = fields.Nested(EinvoiceBuyerSchema)
    original_id = fields.Integer(allow_none=True)
    corrects_id = fields.Integer(
        allow_none=True, metadata={"description": "The rejected e-invoice that this one corrects."}
    )
    corrected_by_id = fields.Integer(
        allow_none=True, metadata={"description": "The correction that took the place of this rejected e-invoice."}
    )
    sales_invoice_no = fields.String(allow_none=True)
    allow_duplicate_order = fields.Boolean()
    notes = fields.String()
    reason = fields.String()
    provider_account_id = fields.Integer(allow_none=True)
    waiting_because = fields.String(
        allow_none=True, metadata={"description": "Why a queued sending waits: the state of its provider account."}
    )
    official_no = fields.String(
        metadata={"description": "The number on legal documents, where the law wants another form than `invoice_no`."}
    )
    uuid = fields.UUID(metadata={"description": "Of the document (ETTN in Türkiye)."})
    tax_rule = Choice(*TaxRule)
    withholding_total = Number(0, LARGEST_AMOUNT, 3, metadata={"description": "VAT that the buyer withholds."})
    allowance_total = Number(0, LARGEST_AMOUNT, 3)
    charge_total = Number(0, LARGEST_AMOUNT, 3)
    payable = Number(
        0,
        LARGEST_AMOUNT,
        3,
        attribute="amount_due",
        metadata={"description": "`grand_total` less withholding and prepaid amount, plus the rounding."},
    )
    canonical_sha256 = fields.String(metadata={"description": "Hash of the canonical form, stored at the issue."})
    pdf_state = fields.String(allow_none=True)
    pdf_error = fields.String(allow_none=True)
    created_at = Timestamp()
    items = List(fields.Nested(EinvoiceItemSchema))
    events = List(fields.Nested(EinvoiceEventSchema))

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        if attr in {"items", "events"} and isinstance(obj, Einvoice) and attr in inspect(obj).unloaded:
            return ma.missing
        if isinstance(obj, Einvoice) and attr in DOCUMENT_FACTS:
            return (obj.legal or {}).get(attr, ma.missing)
        value = super().get_attribute(obj, attr, default)
        return ma.missing if attr in SAID_FACTS | SET_FACTS and not value else value
