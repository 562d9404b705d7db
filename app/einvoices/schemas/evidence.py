"""Payloads of the evidence: roots, records and proofs."""

from __future__ import annotations

from marshmallow import fields

from app.evidence.proofs import MAX_RECORDS
from app.kernel.database.sequences import MAX_ID
from app.kernel.schemas.fields import CalendarDate, Identifier, Number, Schema, Timestamp
from app.kernel.schemas.list_field import List

MAX_ROOTS = 400


class ExportQuery(Schema):
    """Whose month to export."""

    owner_id = Number(1, MAX_ID, load_default=None, metadata={"description": "For administrators: another owner."})


class PackageQuery(ExportQuery):
    """Which month of whom to export, on the page."""

    period = Identifier(7, load_default="")


class RootQuery(ExportQuery):
    """Which roots to read."""

    after = CalendarDate(load_default=None, metadata={"description": "The last day that you have; none at first."})
    limit = Number(1, MAX_ROOTS, load_default=100)


class RootSchema(Schema):
    """The root of one day; `statement` is what its `hash` and the next statement are made from."""

    day = fields.Date(metadata={"description": "In UTC."})
    first = fields.Integer(metadata={"description": "Position of the first record of the day."})
    last = fields.Integer()
    root = fields.String()
    hash = fields.String()
    statement = fields.String(attribute="body")
    created_at = Timestamp()
    stamped_at = Timestamp(
        allow_none=True, metadata={"description": "The moment of its time stamp (RFC 3161); `null` without one."}
    )


class RootListSchema(Schema):
    """Roots, oldest first."""

    data = List(fields.Nested(RootSchema))


class ProofSchema(Schema):
    """The way from a record to the root of its day (RFC 9162, section 2.1.3)."""

    day = fields.Date()
    index = fields.Integer(metadata={"description": "Place of the record in the day, from 0."})
    size = fields.Integer(metadata={"description": "Records of the day."})
    path = List(fields.String(), metadata={"description": "Hashes from the record to the root, the nearest first."})
    root = fields.String()


class ProvenRecordSchema(Schema):
    """A record of the chain, byte for byte, with its proof; `null` until its day is over."""

    position = fields.Integer()
    hash = fields.String()
    record = fields.String()
    proof = fields.Nested(ProofSchema, allow_none=True)


class RecordQuery(Schema):
    """Which records to read."""

    after = Number(0, MAX_ID, load_default=0, metadata={"description": "The last position that you have; 0 at first."})
    limit = Number(1, MAX_RECORDS, load_default=MAX_RECORDS)


class EvidenceSchema(Schema):
    """The records of one e-invoice, oldest first."""

    data = List(fields.Nested(ProvenRecordSchema))
