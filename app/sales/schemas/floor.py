"""Schemas of the sales floor: payloads of the steps, bulk steps, history and queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validates_schema

from app.kernel.database.sequences import MAX_ID
from app.kernel.messages import N_, Code, Message
from app.kernel.pagination.keyset import KeysetQuery
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, Identifier, Number, Schema, Text, Timestamp
from app.kernel.schemas.list_field import List
from app.sales.schemas.invoices import InvoiceSchema, WorkerSchema
from app.sales.state_machine import DELIVERY_FIELDS, DeliveryType, Status

MAX_INVOICES = 200
_WORKER = {"description": "Billing and admins may name the worker they act for; the caller by default."}


def _id(**kwargs: Any) -> Number:
    return Number(1, MAX_ID, **kwargs)


class StepSchema(Schema):
    """A step of one invoice."""

    invoice_no = Identifier(50, required=True, blank=False)
    note = Text(5000, load_default="")


class StartSchema(StepSchema):
    """The start of a session."""

    worker_id = _id(metadata=_WORKER)


class BoxingSchema(StepSchema):
    """The end of packing."""

    label_count = Number(1, 10_000, required=True, metadata={"description": "Boxes that were labelled."})


class DeliveryStartSchema(StepSchema):
    """COURIER needs ``courier`` and ``tracking_no``, INTERNAL needs ``driver_id``."""

    delivery_type = Choice(*DeliveryType, required=True)
    courier = Identifier(50, blank=False, metadata={"description": "The courier's code."})
    tracking_no = Identifier(100, blank=False)
    driver_id = _id(metadata={"description": "The user who drives."})
    proof_note = Text(5000, metadata={"description": "With DIRECT and COURIER: who took it."})

    @validates_schema
    def _check_fields_of_type(self, data: Mapping[str, Any], **_kwargs: Any) -> None:
        needed = DELIVERY_FIELDS[data["delivery_type"]]
        missing = {name: [N_("This field is required.")] for name in needed if name not in data}
        others = {name for names in DELIVERY_FIELDS.values() for name in names} - {*needed}
        if data["delivery_type"] == DeliveryType.INTERNAL:
            others.add("proof_note")  # the driver sends the proof after the delivery
        foreign = {
            name: [Message(N_("Not with %(type)s."), type=Code(data["delivery_type"]))]
            for name in others
            if name in data
        }
        if missing or foreign:
            raise ValidationError({**missing, **foreign})


class DeliveryCompleteSchema(StepSchema):
    """The invoice was delivered to the customer."""

    proof_note = Text(5000, metadata={"description": "Who took it, where it was left."})


class HoldRequestSchema(StepSchema):
    """A hold with its reason."""

    reason = Text(1000, required=True, blank=False)


class BulkBase(Schema):
    """Many invoices in one request; each at most once."""

    @validates_schema
    def _check_each_once(self, data: Mapping[str, Any], **_kwargs: Any) -> None:
        numbers = [order["invoice_no"] for order in data["invoices"]]
        twice = {
            place: {"invoice_no": [N_("Named twice in this request.")]}
            for place, number in enumerate(numbers)
            if number in numbers[:place]
        }
        if twice:
            raise ValidationError({"invoices": twice})


def _bulk(name: str, step: type[StepSchema], **shared: Any) -> type[ma.Schema]:
    """A step with up to 200 invoices; ``shared`` are fields for all of them."""
    several = List(
        fields.Nested(step),
        required=True,
        validate=validators.Length(1, MAX_INVOICES, error=N_("Send %(min)s to %(max)s invoices.")),
    )
    return BulkBase.from_dict({"invoices": several, **shared}, name=name)


BulkStartSchema = _bulk("BulkStartSchema", StepSchema, worker_id=_id(metadata=_WORKER))
BulkStepSchema = _bulk("BulkStepSchema", StepSchema)
BulkBoxingSchema = _bulk("BulkBoxingSchema", BoxingSchema)
BulkDeliveryStartSchema = _bulk("BulkDeliveryStartSchema", DeliveryStartSchema)
BulkDeliveryCompleteSchema = _bulk("BulkDeliveryCompleteSchema", DeliveryCompleteSchema)


class BulkResultSchema(Schema):
    """The result of one invoice: ``invoice`` when the step was taken, else the refusal."""

    sometimes = frozenset({"message", "errors", "data", "invoice"})

    invoice_no = fields.String()
    success = fields.Boolean()
    status = fields.Integer(metadata={"description": "What the single endpoint would have answered."})
    message = fields.String()
    errors = fields.Dict()
    data = fields.Dict()
    invoice = fields.Nested(InvoiceSchema)


class BulkResultsSchema(Schema):
    """Results in the order of the request."""

    results = List(fields.Nested(BulkResultSchema))


class BulkAnswerSchema(Schema):
    """``success`` when every invoice took the step."""

    success = fields.Boolean()
    message = fields.String()
    data = fields.Nested(BulkResultsSchema)


class HistoryQuery(KeysetQuery):
    """A page of the history of an invoice."""


class HistoryEntrySchema(Schema):
    """A step: ``actor`` took it, for ``worker`` if the session belongs to another user."""

    id = fields.Integer()
    step = fields.String()
    from_status = Choice(*Status, allow_none=True)
    to_status = Choice(*Status)
    actor = fields.String()
    actor_id = fields.Integer(allow_none=True)
    worker = fields.String(allow_none=True)
    worker_id = fields.Integer(allow_none=True)
    note = fields.String()
    details = fields.Dict()
    at = Timestamp()


class QueueSchema(Schema):
    """A queue and the number of its invoices."""

    name = fields.String()
    description = fields.String()
    count = fields.Integer()
    count_exact = fields.Boolean()


class QueuesSchema(Schema):
    """All queues of the floor."""

    results = List(fields.Nested(QueueSchema))


class WorkersSchema(Schema):
    """All users who may take steps, for assigning drivers."""

    results = List(fields.Nested(WorkerSchema))
