"""Schemas of public links."""

from __future__ import annotations

from marshmallow import fields

from app.einvoices.links.service import MAX_DAYS
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Schema, Timestamp
from app.kernel.schemas.list_field import List


class EinvoiceLinkDraftSchema(Schema):
    """A new link."""

    expires_in_days = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validators.Range(1, MAX_DAYS),
        metadata={"description": "Without it the link does not expire."},
    )


class EinvoiceLinkSchema(Schema):
    """A link; the token in its address is not stored."""

    id = fields.Integer()
    created_by = fields.String()
    created_at = Timestamp()
    expires_at = Timestamp(allow_none=True)
    revoked_at = Timestamp(allow_none=True)
    last_used_at = Timestamp(allow_none=True, metadata={"description": "Written at most once a minute."})
    is_valid = fields.Boolean()


class EinvoiceNewLinkSchema(EinvoiceLinkSchema):
    """A new link with its address, which only this answer shows."""

    url = fields.String()


class EinvoiceLinkListSchema(Schema):
    """The newest links of an e-invoice."""

    data = List(fields.Nested(EinvoiceLinkSchema))
