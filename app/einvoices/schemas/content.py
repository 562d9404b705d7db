"""Schemas of the content of an e-invoice: the buyer and the items."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from app.einvoices.models.legal_fields import BUYER_FACTS, ITEM_FACTS
from app.einvoices.schemas.legal_facts import ItemFactsSchema, PartySchema, tax_scheme
from app.kernel.money import LARGEST_AMOUNT
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Identifier, Number, Schema, Text
from app.kernel.schemas.switch import Switch


class EinvoiceBuyerSchema(PartySchema):
    """The buyer; what legal formats need besides is present in answers when somebody said it."""

    sometimes = frozenset(BUYER_FACTS)

    name = Text(300, required=True, blank=False)
    email = Text(254)
    phone = Text(50)
    tax_id = Identifier(50)
    tax_scheme = tax_scheme()
    tax_office = Text(100)
    address = Text(1000)
    shipping_address = Text(1000)
    place_of_supply = Identifier(
        2,
        allow_none=True,
        validate=validators.Length(max=2),
        metadata={
            "description": "India: code of the state that decides which GST is due.",
            "example": "29",
        },
    )
    is_business = Switch(
        allow_none=True,
        metadata={
            "description": "Whether the buyer is a company, which needs a tax number and is `commercial` at many "
            "marketplaces. Without it, a buyer with a tax office is a company."
        },
    )


class EinvoiceShownBuyerSchema(Schema):
    """The buyer, as shown in lists."""

    name = fields.String()
    email = fields.String()
    phone = fields.String()


class EinvoiceItemSchema(ItemFactsSchema):
    """A line; ``discount_amount`` is for the whole line, ``total`` includes its share of the VAT.

    What legal formats need is present in answers when somebody said it.
    """

    sometimes = frozenset({*ITEM_FACTS, "withheld_amount"})

    id = fields.Integer(dump_only=True)
    sku = Identifier(100)
    name = Text(500, required=True, blank=False)
    quantity = Number("0.0001", "999999999.9999", 4, required=True)
    unit_price = Number(0, "9999999999.9999999999", 10, required=True)
    vat_rate = Number(0, 100, 2, metadata={"description": "Percent; the default is the owner's setting."})
    vat_amount = Number(0, LARGEST_AMOUNT, 3, dump_only=True)
    discount_amount = Number(0, LARGEST_AMOUNT, 3)
    total = Number(0, LARGEST_AMOUNT, 3, dump_only=True)
    withheld_amount = Number(0, LARGEST_AMOUNT, 3, dump_only=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        value = super().get_attribute(obj, attr, default)
        return ma.missing if value is None and attr in self.sometimes else value
