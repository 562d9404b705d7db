"""Schemas of checks and verdicts of legal documents."""

from __future__ import annotations

from marshmallow import fields

from app.einvoices.official.request_queue import OfficialState
from app.formats.canonical import DOCUMENT_FORMATS
from app.kernel.schemas.fields import Choice, Schema
from app.kernel.schemas.list_field import List
from app.rules.document_check import Profile
from app.rules.findings import Severity
from app.rules.terms import term_of


class CheckQuery(Schema):
    profile = fields.Enum(
        Profile,
        by_value=True,
        load_default=None,
        metadata={"description": "By default the one that the document names."},
    )

    official = fields.Boolean(
        load_default=False,
        metadata={"description": "Have the official rules applied too, and wait for them for at most 5 seconds."},
    )


class RuleSetSchema(Schema):
    name = fields.String()
    version = fields.String(metadata={"description": "Of the package that has the rules."})
    sha256 = fields.String(
        allow_none=True,
        dump_default=None,
        metadata={
            "description": "Of the content of the rule set or its package; null in verdicts of earlier releases."
        },
    )


class RuleFindingSchema(Schema):
    """What a rule says against the document."""

    rule = fields.String()
    severity = fields.Enum(Severity, by_value=True)
    message = fields.String()
    field = fields.String(allow_none=True, metadata={"description": "Place in the canonical form."})
    terms = List(fields.String(), metadata={"description": "Business terms of EN 16931 (BT, BG)."})
    path = fields.String(allow_none=True, metadata={"description": "Place in the document."})
    hint = fields.String(allow_none=True, metadata={"description": "How to mend it."})


class OfficialFindingSchema(Schema):
    """What an official rule says against the document."""

    rule = fields.String()
    severity = Choice(*Severity)
    message = fields.String()
    path = fields.String(allow_none=True, metadata={"description": "Place in the document."})
    rule_set = fields.String(
        allow_none=True,
        dump_default=None,
        metadata={"description": "Name of the set that has the rule; null in results of earlier releases."},
    )


class OfficialOpinionSchema(Schema):
    """The official rules (Schematron) of the format, applied in the background."""

    valid = fields.Boolean(
        allow_none=True,
        attribute="is_valid",
        metadata={
            "description": "No official rule found an error; null until it was checked, and without a rule set for it."
        },
    )
    error = fields.String(allow_none=True, metadata={"description": "Why it could not be checked."})
    checked_at = fields.String(allow_none=True, dump_default=None, attribute="opinion.checked_at")
    rule_sets = List(fields.Nested(RuleSetSchema), attribute="opinion.rule_sets", dump_default=list)
    findings = List(
        fields.Nested(OfficialFindingSchema),
        attribute="opinion.findings",
        dump_default=list,
        metadata={"description": "At most 200."},
    )


class OfficialAnswerSchema(OfficialOpinionSchema):
    """The official rules on a document that somebody sent."""

    id = fields.Integer(
        allow_none=True, metadata={"description": "Of the request, which is kept for 10 minutes; null without one."}
    )
    state = fields.Enum(
        OfficialState,
        by_value=True,
        metadata={
            "description": "`pending`: ask again by its `id`. `busy`: too many documents wait, send it again later. "
            "`not_available`: `error` says why."
        },
    )


class EinvoiceCheckSchema(Schema):
    """What the rules of a profile say about a document, and if asked, the official rules."""

    format = Choice(*DOCUMENT_FORMATS, attribute="own.invoice.format")
    number = fields.String(allow_none=True, attribute="own.invoice.number")
    sha256 = fields.String(attribute="own.sha256", metadata={"description": "Of the canonical form (RFC 8785)."})
    profile = fields.Enum(Profile, by_value=True, attribute="own.profile")
    valid = fields.Boolean(attribute="own.is_valid", metadata={"description": "No finding is an error."})
    rule_sets = List(fields.Nested(RuleSetSchema), attribute="own.rule_sets")
    findings = List(
        fields.Nested(RuleFindingSchema), attribute="own.findings", metadata={"description": "At most 500."}
    )
    official = fields.Nested(
        OfficialAnswerSchema, allow_none=True, metadata={"description": "null without `official=true`."}
    )


class SumFindingSchema(Schema):
    """An amount that does not follow from the others."""

    field = fields.String(metadata={"description": "Place in the canonical form."})
    term = fields.Function(
        lambda finding: term_of(finding.field),
        metadata={"type": ["string", "null"], "description": "Business term of EN 16931."},
    )
    got = fields.String(allow_none=True, metadata={"description": "null where the document does not have it."})
    expected = fields.String(allow_none=True, metadata={"description": "null where the document has no number."})
    rule = fields.String()


class EinvoiceVerdictSchema(Schema):
    """Whether every sum is exact, and by which named rounding rule."""

    format = Choice(*DOCUMENT_FORMATS)
    number = fields.String(allow_none=True)
    sha256 = fields.String(metadata={"description": "Of the canonical form (RFC 8785)."})
    exact = fields.Boolean(attribute="verdict.is_exact")
    rule = fields.String(
        attribute="verdict.rule",
        metadata={"description": "The named rules that fit, or fit best, as `per_rate+cash_rounding`."},
    )
    findings = List(
        fields.Nested(SumFindingSchema), attribute="verdict.findings", metadata={"description": "At most 100."}
    )
    unverified = List(
        fields.String(),
        attribute="verdict.unverified",
        metadata={
            "description": "Amounts that no rule tells: one cent more or less in them would not be found. At most 100; "
            "empty with findings."
        },
    )
