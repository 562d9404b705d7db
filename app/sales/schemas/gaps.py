"""Payloads of the gap report."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel.schemas.fields import Number, Schema, Text
from app.kernel.schemas.list_field import List

_MAX_NUMBER = 10**18 - 1


def _number(**kwargs: Any) -> Number:
    return Number(0, _MAX_NUMBER, **kwargs)


class GapQuery(Schema):
    """A range of a series; by default from its first number to its last."""

    prefix = Text(50, required=True, metadata={"description": "What stands before the digits: `LTPI-`."})
    first = _number()
    last = _number()


class GapSchema(Schema):
    """Consecutive missing numbers."""

    first = fields.Integer()
    last = fields.Integer()
    count = fields.Integer()


class GapReportSchema(Schema):
    """Present and missing numbers; ``next_first`` continues when the range was longer than one report."""

    prefix = fields.String()
    first = fields.Integer(allow_none=True)
    last = fields.Integer(allow_none=True)
    present = fields.Integer()
    missing = fields.Integer()
    gaps = List(fields.Nested(GapSchema))
    next_first = fields.Integer(allow_none=True)
