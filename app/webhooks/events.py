"""The event ``webhook.test``, which only the tested endpoint receives."""

from __future__ import annotations

from marshmallow import fields

from app import events
from app.kernel.schemas.fields import Schema
from app.kernel.schemas.list_field import List


class TestedSchema(Schema):
    """The endpoint that is tested."""

    id = fields.Integer()
    url = fields.String()
    description = fields.String()
    events = List(fields.String())


TEST = events.define(
    "webhook.test",
    TestedSchema,
    "A test was requested; only the tested endpoint receives it.",
    key="endpoint",
    ability="webhooks:manage",
)
