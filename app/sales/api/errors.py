"""Error envelope of ``/api/sales``."""

from __future__ import annotations

from app.accounts.api_errors import AuthEnvelope
from app.kernel.http.error_envelopes import Json

API_KEY: Json = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-KEY",
    "description": "A key for sales imports.",
}


class SalesEnvelope(AuthEnvelope):
    """The shape of ``/api/auth``; an API key authenticates too."""

    prefixes = ("/api/sales",)
    authentication = {**AuthEnvelope.authentication, "apiKey": API_KEY}
