"""Payloads of the gap report."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel.schemas.fields import Number, Schema, Text

_MOST = 10**18 - 1


def _number(**kwargs: Any) -> Number:
    return Number(0, _MOST, **kwargs)


class GapQuery(Schema):
    """A stretch of a series; by default from its first number to its last."""

    prefix = Text(50, required=True, metadata={"description": "What stands before the digits: `LTPI-`."})
    first = _number()
    last = _number()


class GapSchema(Schema):
    """Missing numbers in a row."""

    first = fields.Integer()
    last = fields.Integer()
    count = fields.Integer()


class GapReportSchema(Schema):
    """What is there and what is not; ``next_first`` continues when the stretch was longer than one look."""

    prefix = fields.String()
    first = fields.Integer(allow_none=True)
    last = fields.Integer(allow_none=True)
    present = fields.Integer()
    missing = fields.Integer()
    gaps = fields.List(fields.Nested(GapSchema))
    next_first = fields.Integer(allow_none=True)
