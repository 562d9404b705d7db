"""Schemas of e-invoice lists: filters, pagination, and the report of the number series."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.einvoices.queries.problems import PROBLEMS
from app.einvoices.schemas.einvoices import EinvoiceSchema
from app.einvoices.status import Status, Type
from app.kernel.messages import N_
from app.kernel.pagination.limits import MAX_PAGE_SIZE, PAGE_SIZE
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, Cursor, DateTime, HubField, Identifier, Schema
from app.kernel.schemas.list_field import List

MAX_PAGE = 1_000_000


class Flag(HubField, fields.Boolean):
    """``1``, ``0``, ``true`` or ``false`` in a query."""

    default_error_messages = {"invalid": N_("Use 1, 0, true or false.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"1", "true", "True"}, falsy={"0", "false", "False"}, **kwargs)


class EinvoiceMetaSchema(Schema):
    """Position of a page; with ``next_cursor`` nothing is counted, and concurrent changes move no rows."""

    current_page = fields.Integer(allow_none=True)
    per_page = fields.Integer()
    total = fields.Integer(allow_none=True)
    last_page = fields.Integer(allow_none=True)
    next_cursor = fields.String(allow_none=True)


class EinvoiceListSchema(Schema):
    """A page of e-invoices."""

    data = List(fields.Nested(EinvoiceSchema))
    meta = fields.Nested(EinvoiceMetaSchema)


class ListQuery(Schema):
    """Filters of the list; a row must match all of them."""

    status = Choice(*Status)
    marketplace = Identifier(100)
    type = Choice(*Type)
    is_test = Flag(metadata={"description": "Whether it is a test document."})
    in_doubt = Flag(
        metadata={"description": "Whether a sending was given up in doubt: nobody knows if the provider has it."}
    )
    attention = Choice(
        *PROBLEMS,
        metadata={
            "description": "What needs a person: `rejected` by the provider, also after it was sent; `not_sent`: the "
            "hub gave it up; `in_doubt`; `contradicted`: the provider contradicts the decision of a person about a "
            "doubt; `accepted_late`: it accepted what was cancelled or corrected; `unconfirmed`: it did not confirm "
            "the decision."
        },
    )
    updated_since = DateTime()
    search = Identifier(
        100,
        metadata={
            "description": "The beginning of a number, order, e-mail or id; otherwise beginnings of words, also of the "
            "buyer."
        },
    )
    per_page = fields.Integer(load_default=PAGE_SIZE, validate=validators.Range(1, MAX_PAGE_SIZE))
    page = fields.Integer(load_default=1, validate=validators.Range(1, MAX_PAGE))
    cursor = Cursor(metadata={"description": "Empty for the first page, then the `next_cursor` of the previous page."})


class DetailQuery(Schema):
    """Parts of the detail to include."""

    include_items = Flag(load_default=True)
    include_events = Flag(
        load_default=False, metadata={"description": "The history: its newest 1,000 entries, at most 16 MiB of them."}
    )


class EinvoiceGapSchema(Schema):
    """A range of missing numbers."""

    first = fields.Integer()
    last = fields.Integer()


class EinvoiceSeriesSchema(Schema):
    """A number series, counted from its invoices; without gaps ``count`` equals ``last_number``."""

    prefix = fields.String()
    year = fields.Integer()
    is_test = fields.Boolean(metadata={"description": "Whether it numbers test documents, which are no legal ones."})
    first = fields.Integer(allow_none=True)
    last = fields.Integer(allow_none=True)
    last_number = fields.Integer()
    count = fields.Integer()
    cancelled = fields.Integer()
    gaps = List(fields.Nested(EinvoiceGapSchema))


class EinvoiceSeriesListSchema(Schema):
    """All series of the caller."""

    data = List(fields.Nested(EinvoiceSeriesSchema))
