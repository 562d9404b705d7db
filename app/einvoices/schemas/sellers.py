"""Schemas of a seller's own profile."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validates_schema

from app.einvoices.currencies import CURRENCIES
from app.einvoices.models.legal_fields import SELLER_FACTS, TaxRule
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.einvoices.schemas.legal_facts import EinvoicePaymentSchema, PartySchema, tax_scheme
from app.einvoices.sellers import MAX_PAYMENT_DAYS
from app.formats.countries import TIMEZONES
from app.kernel.messages import N_
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, Identifier, Number, Text
from app.kernel.schemas.list_field import List
from app.kernel.schemas.switch import Switch
from app.languages import LANGUAGES
from app.rules.profiles import LegalProfile


def _limit(name: str) -> int:
    limit: int = SellerProfile.__table__.columns[name].type.length
    return limit


class SellerFactsSchema(PartySchema):
    """What legal formats say of a seller; everything is optional until a profile needs it."""

    tax_scheme = tax_scheme()
    tax_rule = Choice(
        *TaxRule,
        metadata={
            "description": "`per_rate`, also where it is absent: VAT once for each rate; `gst_item`: GST of each item."
        },
    )
    legal_profiles = List(
        Choice(*LegalProfile),
        allow_none=True,
        validate=validators.Length(max=len(LegalProfile)),
        metadata={"description": "Profiles that each issue must be ready for."},
    )
    payment_days = Number(
        0, MAX_PAYMENT_DAYS, allow_none=True, metadata={"description": "Days from the issue to the due date."}
    )
    payment = fields.Nested(EinvoicePaymentSchema, allow_none=True, metadata={"description": "Your bank account."})


class SellerChangeSchema(SellerFactsSchema):
    """Changes to the profile; fields that are not sent keep their values."""

    rules = {"minProperties": 1}

    name = Text(_limit("name"), blank=False, metadata={"description": "The name that e-invoices print."})
    tax_id = Identifier(_limit("tax_id"))
    tax_office = Text(_limit("tax_office"))
    address = Text(_limit("address"))
    email = Text(_limit("email"))
    phone = Text(_limit("phone"))
    website = Text(_limit("website"))
    bank = Text(_limit("bank"))
    footer = Text(_limit("footer"), metadata={"description": "Printed on each page."})
    language = Choice(*LANGUAGES, metadata={"description": "Language of the PDF."})
    currency = Choice(*CURRENCIES, metadata={"description": "Of new drafts."})
    country = Choice(*sorted(TIMEZONES), metadata={"description": "ISO 3166-1, two letters; it brings its time zone."})
    timezone = Text(
        _limit("timezone"),
        metadata={"description": "Issue dates and years of numbers are days of it; blank: that of the country."},
    )
    prefix = Text(
        _limit("prefix"),
        metadata={
            "description": "Prefix `EA` gives numbers like EA-2026-000001; another one starts a new series.",
            "pattern": "^[A-Z0-9]{1,10}$",
        },
    )
    default_vat_rate = Number(0, 100, 2, metadata={"description": "Percent, of lines that name none."})
    prices_include_vat = Switch(metadata={"description": "Whether the prices of sales invoices include the VAT."})
    provider = Choice(*PROVIDER_NAMES, metadata={"description": "Of new drafts without a provider account."})

    @validates_schema
    def _require_a_change(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data:
            raise ValidationError(N_("Nothing to change was sent."))


class SellerSchema(SellerFactsSchema):
    """The profile of a seller; one that was never saved has the defaults.

    What legal formats need is present when the seller said it.
    """

    sometimes = frozenset({*SELLER_FACTS, "tax_scheme", "tax_rule", "legal_profiles", "payment_days"})

    name = fields.String()
    tax_id = fields.String()
    tax_office = fields.String()
    address = fields.String()
    email = fields.String()
    phone = fields.String()
    website = fields.String()
    bank = fields.String()
    footer = fields.String()
    language = Choice(*LANGUAGES)
    currency = fields.String()
    country = fields.String(allow_none=True)
    timezone = fields.String()
    prefix = fields.String()
    default_vat_rate = Number(0, 100, 2)
    prices_include_vat = fields.Boolean()
    provider = Choice(*PROVIDER_NAMES)
    logo_sha256 = fields.String(
        allow_none=True, metadata={"description": "Hash of the logo, which is set on the page *Seller*."}
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        if attr in SELLER_FACTS:
            return (obj.legal or {}).get(attr, ma.missing)
        value = super().get_attribute(obj, attr, default)
        is_usual = value is None or (attr == "tax_rule" and value == TaxRule.PER_RATE)
        return ma.missing if is_usual and attr in self.sometimes else value
