"""Schemas of what legal formats need: parties, addresses, references, delivery, payment, allowances."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.einvoices.content.gtin import is_gtin
from app.einvoices.currencies import CURRENCIES
from app.einvoices.models.legal_fields import DOCUMENT_COLUMNS, DOCUMENT_FACTS, VAT_CATEGORIES
from app.formats import unit_codes
from app.formats.code_lists import gib_codes
from app.formats.countries import TIMEZONES
from app.formats.tax_numbers import TaxScheme
from app.kernel.messages import N_
from app.kernel.money import LARGEST_AMOUNT
from app.kernel.schemas import validators
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Number, Schema, Text
from app.kernel.schemas.list_field import List
from app.kernel.schemas.switch import Switch

MAX_ROWS, MAX_SERIALS = 50, 1000
#: References that a request may make; the original of a credit note comes from its sale.
REFERENCE_KINDS = ("order", "contract", "despatch", "receipt", "project", "tender")
#: Kinds of supply of INV-01.
SUPPLY_TYPES = ("B2B", "SEZWP", "SEZWOP", "EXPWP", "EXPWOP", "DEXP")


def country(**kwargs: Any) -> Choice:
    """Field of a country."""
    about = {"description": "ISO 3166-1, two letters.", "example": "TR"}
    return Choice(*sorted(TIMEZONES), metadata=about, **kwargs)


class StoredDate(CalendarDate):
    """A day that is stored as text, in a JSON column."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).isoformat()

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return value.isoformat() if isinstance(value, date) else value


class EinvoicePostalAddressSchema(Schema):
    """An address in parts; the text ``address`` is what is printed."""

    sometimes = frozenset({"street", "additional", "building", "district", "city", "postcode", "region", "country"})

    street = Text(300)
    additional = Text(300)
    building = Text(50, metadata={"description": "Number of the building."})
    district = Text(100)
    city = Text(100)
    postcode = Identifier(20)
    region = Text(100, metadata={"description": "State or province; in India its code of two digits."})
    country = country()


class EinvoicePartyNumberSchema(Schema):
    """A number of a party, with the scheme that defines it: `MERSISNO`, `TICARETSICILNO`, `0088`."""

    sometimes = frozenset({"scheme"})

    value = Identifier(100, required=True, blank=False)
    scheme = Identifier(20)


class EinvoiceEndpointSchema(Schema):
    """An electronic address, with its scheme of the list EAS: `0088` GLN, `9952` VKN of Türkiye."""

    value = Identifier(100, required=True, blank=False)
    scheme = Identifier(10, required=True, blank=False)


class PartySchema(Schema):
    """What legal formats say of a party besides name, tax number and printed address."""

    trade_name = Text(300, allow_none=True)
    first_name = Text(100, allow_none=True, metadata={"description": "Of a person."})
    family_name = Text(100, allow_none=True)
    ids = List(fields.Nested(EinvoicePartyNumberSchema), allow_none=True, validate=validators.Length(max=MAX_ROWS))
    endpoint = fields.Nested(EinvoiceEndpointSchema, allow_none=True)
    postal_address = fields.Nested(EinvoicePostalAddressSchema, allow_none=True)
    contact_name = Text(200, allow_none=True)


def tax_scheme() -> Choice:
    """Field of the scheme of a tax number."""
    return Choice(
        *TaxScheme,
        allow_none=True,
        metadata={"description": "What `tax_id` is; its check digits are checked. Null: its form tells it, if it can."},
    )


class EinvoicePaymentSchema(Schema):
    """How the buyer pays; without it, the bank account of the seller is named."""

    sometimes = frozenset({"means", "iban", "bic", "holder", "reference"})

    means = Identifier(
        3, metadata={"description": "UNTDID 4461: 30 transfer, 58 SEPA, 48 card, 10 cash.", "example": "30"}
    )
    iban = Identifier(50)
    bic = Identifier(20)
    holder = Text(200)
    reference = Text(140)


class EinvoiceDeliverySchema(Schema):
    """When and where the goods were delivered."""

    sometimes = frozenset({"date", "name", "postal_address"})

    date = StoredDate()
    name = Text(300)
    postal_address = fields.Nested(EinvoicePostalAddressSchema)


class EinvoicePeriodSchema(Schema):
    """The days from which to which the e-invoice accounts for."""

    sometimes = frozenset({"start", "end"})

    start = StoredDate()
    end = StoredDate()


class EinvoiceReferenceSchema(Schema):
    """Another document."""

    sometimes = frozenset({"date", "type"})

    kind = Choice(*REFERENCE_KINDS, required=True)
    id = Identifier(100, required=True, blank=False)
    date = StoredDate()
    type = Identifier(20)


class ExemptionSchema(Schema):
    """A VAT category and its exemption."""

    vat_category = Choice(
        *VAT_CATEGORIES,
        allow_none=True,
        metadata={
            "description": "Of EN 16931. At the rate 0 it is not guessed: Z zero, E exempt, AE reverse charge, K in "
            "the EU, G export, O not subject."
        },
    )
    exemption_code = Identifier(
        40, allow_none=True, metadata={"description": "VATEX of EN 16931, or the code of GİB.", "example": "301"}
    )
    exemption_reason = Text(300, allow_none=True)


def _require_unit(code: str) -> None:
    if code and not unit_codes.is_known(code):
        raise ValidationError(N_("No unit has this code. Use UN/ECE Recommendation 20 or 21: C62, MTR, KGM, XBX."))


def _require_hsn(code: str) -> None:
    if code and not re.fullmatch(r"[0-9]{4}([0-9]{2}){0,2}", code):
        raise ValidationError(N_("An HSN code has 4, 6 or 8 digits."))


def _require_gtin(number: str) -> None:
    if number and not is_gtin(number):
        raise ValidationError(N_("A GTIN has 8, 12, 13 or 14 digits; the last one is the check digit."))


class ItemFactsSchema(ExemptionSchema):
    """What legal formats say of an item."""

    unit = Identifier(
        10,
        allow_none=True,
        validate=_require_unit,
        metadata={
            "description": "UN/ECE Recommendation 20 or 21; each format gets its own code of the unit.",
            "example": "MTR",
        },
    )
    withholding_code = Identifier(10, allow_none=True, metadata={"description": "Code of GİB for tevkifat: 601."})
    withholding_rate = Number(0, 100, 2, allow_none=True, metadata={"description": "Percent of the VAT."})
    hsn = Identifier(8, allow_none=True, validate=_require_hsn, metadata={"description": "4, 6 or 8 digits."})
    is_service = Switch(allow_none=True)
    gtin = Identifier(14, allow_none=True, validate=_require_gtin)
    batch = Identifier(100, allow_none=True)
    expiry = CalendarDate(allow_none=True)
    serials = List(Identifier(100, blank=False), allow_none=True, validate=validators.Length(max=MAX_SERIALS))
    discount_reason = Text(200, allow_none=True)
    discount_reason_code = Identifier(10, allow_none=True, metadata={"description": "UNTDID 5189."})
    origin_country = country(allow_none=True)
    buyer_item_code = Identifier(100, allow_none=True)
    description = Text(1000, allow_none=True)
    order_line = Identifier(50, allow_none=True)


class EinvoiceAllowanceChargeSchema(ExemptionSchema):
    """An allowance (discount) or charge of the whole document, without VAT."""

    sometimes = frozenset(
        {"percent", "base", "reason", "reason_code", "vat_category", "exemption_code", "exemption_reason"}
    )

    is_charge = Switch()
    amount = Number(0, LARGEST_AMOUNT, 3)
    percent = Number(0, 100, 4, metadata={"description": "Of the items of its VAT rate; the amount follows from it."})
    base = Number(0, LARGEST_AMOUNT, 3, dump_only=True)
    reason = Text(200)
    reason_code = Identifier(10, metadata={"description": "UNTDID 5189 or 7161; 95 is a discount."})
    vat_rate = Number(
        0, 100, 2, allow_none=True, metadata={"description": "Rate of one of the items; by default the only one."}
    )

    @validates_schema
    def _require_one(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data.keys() & {"amount", "percent"}:
            raise ValidationError(N_("Send an amount or a percentage."), "amount")


class DocumentFactsSchema(Schema):
    """What legal formats say of the document; everything is optional until a profile needs it."""

    due_date = CalendarDate(allow_none=True)
    payment_terms = Text(500, allow_none=True)
    tax_point_date = StoredDate(allow_none=True)
    period = fields.Nested(EinvoicePeriodSchema, allow_none=True)
    buyer_reference = Identifier(100, allow_none=True)
    references = List(fields.Nested(EinvoiceReferenceSchema), allow_none=True, validate=validators.Length(max=MAX_ROWS))
    delivery = fields.Nested(EinvoiceDeliverySchema, allow_none=True)
    payment = fields.Nested(EinvoicePaymentSchema, allow_none=True)
    allowances = List(
        fields.Nested(EinvoiceAllowanceChargeSchema), allow_none=True, validate=validators.Length(max=MAX_ROWS)
    )
    prepaid_amount = Number(0, LARGEST_AMOUNT, 3, allow_none=True)
    rounding_amount = Number("-99.99", "99.99", 3, allow_none=True)
    tax_currency = Choice(*CURRENCIES, allow_none=True, metadata={"description": "Of the VAT accounts, if another."})
    exchange_rate = Number(
        "0.000001",
        "9999999999",
        6,
        allow_none=True,
        metadata={"description": "Amount in the currency of the VAT accounts, or in TRY or INR, for one unit."},
    )
    exchange_date = StoredDate(allow_none=True)
    exchange_source = Text(100, allow_none=True)
    scenario = Choice(
        *sorted(gib_codes("ProfileIDType") | gib_codes("ProfileIDTypeEarchive")),
        allow_none=True,
        metadata={"description": "Of UBL-TR; by default it follows from the buyer."},
    )
    local_type = Choice(
        *sorted(gib_codes("InvoiceTypeCodeList")),
        allow_none=True,
        metadata={"description": "Type of UBL-TR where it does not follow from the content."},
    )
    supply_type = Choice(*SUPPLY_TYPES, allow_none=True, metadata={"description": "Of INV-01; by default B2B."})
    reverse_charge = Switch(allow_none=True, metadata={"description": "Of INV-01: the buyer pays the tax."})


#: The facts that an answer has only where somebody said them.
SAID_FACTS = frozenset(DOCUMENT_FACTS) | frozenset(DOCUMENT_COLUMNS)
