"""Marshmallow's validators with errors that pages can translate: ``Length``, ``Range``, ``OneOf``."""

from __future__ import annotations

from typing import Any

from marshmallow import validate

from app.kernel.messages import N_, Message


class Length(validate.Length):
    """As marshmallow's; ``error`` may name ``%(min)s``, ``%(max)s`` and ``%(equal)s``."""

    message_min = N_("Shorter than minimum length %(min)s.")
    message_max = N_("Longer than maximum length %(max)s.")
    message_all = N_("Length must be between %(min)s and %(max)s.")
    message_equal = N_("Length must be %(equal)s.")

    def _format_error(self, value: Any, message: str) -> str:
        return Message(self.error or message, min=self.min, max=self.max, equal=self.equal)


class Range(validate.Range):
    """As marshmallow's with both bounds included; ``error`` may name ``%(min)s`` and ``%(max)s``."""

    message_min = N_("Must be greater than or equal to %(min)s.")
    message_max = N_("Must be less than or equal to %(max)s.")
    message_all = N_("Must be greater than or equal to %(min)s and less than or equal to %(max)s.")

    def __init__(self, min: Any = None, max: Any = None, *, error: str | None = None) -> None:  # noqa: A002 - as there
        super().__init__(min, max, error=error)

    def _format_error(self, value: Any, message: str) -> str:
        return Message(self.error or message, min=self.min, max=self.max)


class OneOf(validate.OneOf):
    """As marshmallow's; ``error`` may name ``%(choices)s``."""

    default_message = N_("Must be one of: %(choices)s.")

    def _format_error(self, value: Any) -> str:
        return Message(self.error, choices=self.choices_text)


#: Marshmallow's own texts of the fields that the hub uses as they are; English here, translated like all others.
LIBRARY_TEXTS = (
    N_("Not a valid integer."),
    N_("Number too large."),
    N_("Not a valid number."),
    N_("Special numeric values (nan or infinity) are not permitted."),
    N_("Not a valid boolean."),
    N_("Not a valid string."),
    N_("Not a valid utf-8 string."),
)
