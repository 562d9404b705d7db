"""Schemas of the readiness of a draft."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from app.kernel.schemas.fields import Choice, Schema
from app.kernel.schemas.list_field import List
from app.rules.findings import Severity
from app.rules.profiles import LegalProfile


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


class ReadinessQuery(Schema):
    """The legal profile to ask for."""

    profile = fields.Enum(
        LegalProfile,
        by_value=True,
        load_default=None,
        metadata={"description": "By default all that the seller chose."},
    )


class EinvoiceProfileFindingSchema(Schema):
    """What a rule of a legal profile says against the draft."""

    profile = Choice(*LegalProfile)
    rule = fields.String(metadata={"description": "Id of the rule, as `BR-CO-25`, or the element that lacks."})
    severity = fields.Enum(Severity, by_value=True)
    field = fields.String(metadata={"description": "Path in a request: `items.0.unit`."})
    message = fields.String()
    terms = List(fields.String(), metadata={"description": "Business terms of EN 16931 (BT, BG)."})
    path = fields.String(allow_none=True, metadata={"description": "Place in the document."})
    hint = fields.String(metadata={"description": "How to mend it."})


class EinvoiceReadinessSchema(Schema):
    """Whether a draft can be issued, and what is in the way.

    ``findings`` is present when a profile was asked for, or when the seller chose one.
    """

    sometimes = frozenset({"findings"})

    ready = fields.Boolean()
    missing = List(fields.Nested(EinvoiceMissingSchema))
    conflicts = List(fields.Nested(EinvoiceConflictSchema))
    findings = List(fields.Nested(EinvoiceProfileFindingSchema))

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        value = super().get_attribute(obj, attr, default)
        return ma.missing if attr == "findings" and value is None else value
