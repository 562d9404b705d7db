"""Schemas of a seller's own profile."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.einvoices.countries import TIMEZONES
from app.einvoices.currencies import CURRENCIES
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.kernel.messages import N_
from app.kernel.schemas.fields import Choice, Identifier, Number, Schema, Text
from app.kernel.schemas.switch import Switch
from app.languages import LANGUAGES


def _limit(name: str) -> int:
    limit: int = SellerProfile.__table__.columns[name].type.length
    return limit


class SellerChangeSchema(Schema):
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


class SellerSchema(Schema):
    """The profile of a seller; one that was never saved has the defaults."""

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
