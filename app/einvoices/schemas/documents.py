"""Schemas of the legal documents of an e-invoice."""

from __future__ import annotations

from marshmallow import fields

from app.einvoices.documents.legal_documents import LegalFormat
from app.kernel.schemas.fields import Schema
from app.kernel.schemas.list_field import List


class DocumentProblemSchema(Schema):
    """What the e-invoice says and the format cannot say."""

    field = fields.String(metadata={"description": "Place in the canonical form."})
    message = fields.String()


class WrittenDocumentSchema(Schema):
    """A document; a new version never takes the place of an earlier one."""

    version = fields.Integer()
    origin = fields.String(metadata={"description": "`hub`, or `returned` by an authority or provider."})
    media_type = fields.String()
    sha256 = fields.String()
    size = fields.Integer(metadata={"description": "Bytes."})
    valid = fields.Boolean(
        allow_none=True,
        attribute="verdict.valid",
        metadata={"description": "No rule found an error when it was written."},
    )
    exact = fields.Boolean(
        allow_none=True, attribute="verdict.exact", metadata={"description": "Every sum follows by a named rule."}
    )


class EinvoiceDocumentSchema(Schema):
    """A format of the e-invoice."""

    format = fields.Enum(LegalFormat, by_value=True)
    writable = fields.Function(
        lambda each: not each.problems,
        metadata={"type": "boolean", "description": "The format can say what the e-invoice says."},
    )
    problems = List(fields.Nested(DocumentProblemSchema))
    document = fields.Nested(
        WrittenDocumentSchema,
        allow_none=True,
        metadata={"description": "The newest one; null until somebody asks for it."},
    )


class EinvoiceDocumentListSchema(Schema):
    data = List(fields.Nested(EinvoiceDocumentSchema))
