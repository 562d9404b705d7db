"""Payloads of customers, salesmen and couriers."""

from __future__ import annotations

from marshmallow import fields

from app.formats.countries import TIMEZONES
from app.formats.tax_numbers import TaxScheme
from app.kernel.pagination.keyset import KeysetQuery
from app.kernel.schemas.fields import Choice, Identifier, Schema, Text, Timestamp
from app.kernel.schemas.switch import Switch
from app.sales.schemas.invoices import CustomerSchema, SalesmanSchema


class MasterQuery(KeysetQuery):
    """``search`` matches the beginnings of words."""

    search = Identifier(100)


class CustomerFactsSchema(Schema):
    """What legal documents need of a customer; an e-invoice from a sales invoice takes it over. "" is unknown."""

    tax_id = Identifier(50)
    tax_scheme = Choice("", *TaxScheme, metadata={"description": "What `tax_id` is; its check digits are checked."})
    tax_office = Text(100)
    district = Text(100)
    city = Text(100)
    region = Text(100, metadata={"description": "State or province; in India its code of two digits."})
    country = Choice("", *sorted(TIMEZONES), metadata={"description": "ISO 3166-1, two letters."})
    endpoint = Identifier(100, metadata={"description": "Electronic address, as of Peppol, or alias of e-Fatura."})
    endpoint_scheme = Identifier(10, metadata={"description": "Of the list EAS: `0088` GLN, `9952` VKN of Türkiye."})


class CustomerMasterSchema(CustomerFactsSchema, CustomerSchema):
    """A customer with its facts for legal documents and its timestamps."""

    created_at = Timestamp()
    updated_at = Timestamp()


class CustomerEditSchema(CustomerFactsSchema, CustomerSchema):
    """Only fields that are sent change; the code belongs to the ERP and stays."""

    class Meta(Schema.Meta):
        exclude = ("id", "code")

    empty_is_missing = False  # "" clears a field
    name = Text(200, blank=False)


class SalesmanEditSchema(Schema):
    """A salesman's name."""

    name = Identifier(200, required=True, blank=False)


class CourierSchema(Schema):
    """A carrier; ``{tracking_no}`` in ``tracking_url`` is replaced by the number of the parcel."""

    id = fields.Integer(dump_only=True)
    code = Identifier(50, required=True, blank=False)
    name = Text(200, required=True, blank=False)
    tracking_url = Text(500)
    phone = Text(50)
    is_active = Switch()
    created_at = Timestamp()


class CourierEditSchema(CourierSchema):
    """Only fields that are sent change; the code stays."""

    class Meta(Schema.Meta):
        exclude = ("id", "code", "created_at")

    name = Text(200, blank=False)


class CustomerAnswerSchema(Schema):
    """A customer in the envelope of this API."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(CustomerMasterSchema)


class SalesmanAnswerSchema(Schema):
    """A salesman in the envelope of this API."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(SalesmanSchema)


class CourierAnswerSchema(Schema):
    """A courier in the envelope of this API."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(CourierSchema)
