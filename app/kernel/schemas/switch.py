"""A field that is on or off."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel.messages import N_
from app.kernel.schemas.fields import HubField


class Switch(HubField, fields.Boolean):
    """``true`` or ``false``. In Python 0 and 1 equal them; here they are refused, as text is."""

    default_error_messages = {"invalid": N_("Not a valid boolean.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value
