"""``PeriodFilters``: the filters ``since`` and ``until`` of a list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.kernel.messages import N_
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Schema

_AFTER_2000 = validators.Range(min=datetime(2000, 1, 1, tzinfo=UTC), error=N_("Use a moment after 2000-01-01."))


class PeriodFilters(Schema):
    """Rows since a moment and before another one."""

    since = fields.AwareDateTime(format="iso", default_timezone=UTC, validate=_AFTER_2000)
    until = fields.AwareDateTime(format="iso", default_timezone=UTC, validate=_AFTER_2000)

    @validates_schema
    def _check_period(self, data: Mapping[str, Any], **_: Any) -> None:
        if "since" in data and "until" in data and data["since"] >= data["until"]:
            raise ValidationError(N_("Use a moment after the beginning."), "until")
