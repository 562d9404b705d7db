"""Payloads of the bulk import."""

from __future__ import annotations

from marshmallow import fields

from app.kernel.money import LARGEST_AMOUNT
from app.kernel.schemas.fields import Number, Schema
from app.kernel.schemas.list_field import List


class BulkQuery(Schema):
    """Options of a bulk import."""

    atomic = fields.Boolean(load_default=False, metadata={"description": "All or nothing: one refusal refuses all."})


class VerdictSchema(Schema):
    """The result of one invoice; ``status`` as the single import answers, or 424 when others were refused."""

    sometimes = frozenset({"id", "total_amount", "total_difference", "message", "errors", "data"})

    index = fields.Integer()
    invoice_no = fields.String(allow_none=True)
    status = fields.Integer()
    id = fields.Integer()
    total_amount = Number(0, LARGEST_AMOUNT, 2)
    total_difference = Number(-LARGEST_AMOUNT, LARGEST_AMOUNT, 2, allow_none=True)
    message = fields.String()
    errors = fields.Dict()
    data = fields.Dict()


class ReportSchema(Schema):
    """Counts, and the results in the order of the request."""

    imported = fields.Integer()
    duplicates = fields.Integer()
    refused = fields.Integer()
    results = List(fields.Nested(VerdictSchema))


class BulkImportAnswerSchema(Schema):
    """``success`` when every invoice is stored as sent, by this import or an earlier one."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(ReportSchema)
