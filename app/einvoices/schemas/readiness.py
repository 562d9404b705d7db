"""Schemas of the readiness of a draft."""

from __future__ import annotations

from marshmallow import fields

from app.kernel.schemas.fields import Schema
from app.kernel.schemas.list_field import List


class EinvoiceMissingSchema(Schema):
    """A field that a lawful document needs, and the legal profile that says so."""

    field = fields.String()
    message = fields.String()
    profile = fields.String()


class EinvoiceConflictSchema(Schema):
    """A refusal that the issue would answer with 409; ``data`` names the other e-invoice, if you may see it."""

    error = fields.String(attribute="code")
    message = fields.String()
    data = fields.Dict(keys=fields.String(), values=fields.Raw(), allow_none=True)


class EinvoiceReadinessSchema(Schema):
    """Whether a draft can be issued, and what is in the way."""

    ready = fields.Boolean()
    missing = List(fields.Nested(EinvoiceMissingSchema))
    conflicts = List(fields.Nested(EinvoiceConflictSchema))
