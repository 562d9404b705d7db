"""Schema of a provider's report about an e-invoice."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from app.config import KIB
from app.einvoices.status import OwnWord, is_own_word
from app.kernel import json
from app.kernel.messages import N_, Message
from app.kernel.schemas.fields import DateTime, HubField, Identifier, Schema, has_nul

MAX_RAW_BYTES = 64 * KIB


OWN_WORDS = ", ".join(OwnWord)


def require_providers_word(word: str) -> None:
    """Refuse a word that is the hub's own.

    Raises:
        ValidationError: it is one.
    """
    if is_own_word(word):
        raise ValidationError(Message(N_("These words are the hub's own: %(words)s."), words=OWN_WORDS))


class RawResponse(HubField):
    """The raw response of a provider: a JSON object or array of at most 64 KiB, stored unchanged."""

    default_error_messages = {
        "invalid": N_("Expected an object or an array."),
        "large": Message(N_("Ensure this field has no more than %(n)s bytes of JSON."), n=MAX_RAW_BYTES),
        "nul": N_("NUL characters are not allowed."),
    }

    def __init__(self, **kwargs: Any) -> None:
        shape = {"type": ["object", "array"], "additionalProperties": True, "items": {}}
        super().__init__(metadata=shape, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict | list):
            raise self.make_error("invalid")
        text = json.encode_text(value)
        if len(text.encode()) > MAX_RAW_BYTES:
            raise self.make_error("large")
        if has_nul(value):
            raise self.make_error("nul")
        return value


class ProviderStatusSchema(Schema):
    """A provider's report about an e-invoice."""

    provider_status = Identifier(
        100,
        required=True,
        blank=False,
        validate=require_providers_word,
        metadata={"description": f"Not one of the hub's own words: {OWN_WORDS}."},
    )
    provider_invoice_id = Identifier(255, allow_none=True)
    raw = RawResponse(allow_none=True)
    occurred_at = DateTime(
        metadata={"description": "Moment of the status; a report that is older than the stored one is only recorded."}
    )
