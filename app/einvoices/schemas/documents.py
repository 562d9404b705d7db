"""Schemas of the legal documents of an e-invoice."""

from __future__ import annotations

from marshmallow import fields

from app.einvoices.schemas.legal import OfficialOpinionSchema, RuleSetSchema
from app.formats.legal_format import LegalFormat
from app.kernel.schemas.fields import Choice, Schema
from app.kernel.schemas.list_field import List
from app.kernel.worker.work_queue import WorkState


class DocumentProblemSchema(Schema):
    """What the e-invoice says and the format cannot say."""

    field = fields.String(metadata={"description": "Place in the canonical form."})
    message = fields.String()


class OfficialCheckSchema(OfficialOpinionSchema):
    """The second opinion on a document of the hub."""

    state = Choice(*WorkState)


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
        dump_default=None,
        metadata={"description": "No rule found an error when it was written."},
    )
    exact = fields.Boolean(
        allow_none=True,
        attribute="verdict.exact",
        dump_default=None,
        metadata={"description": "Every sum follows by a named rule."},
    )
    rule_sets = List(
        fields.Nested(RuleSetSchema),
        attribute="verdict.rule_sets",
        dump_default=list,
        metadata={"description": "The rules that were applied when it was written."},
    )
    official = fields.Nested(
        OfficialCheckSchema,
        allow_none=True,
        attribute="official_check",
        metadata={"description": "null where the format has no official rules, or their package is not installed."},
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
