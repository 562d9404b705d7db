"""The two families of signatures: the e-invoice document's own, and Standard Webhooks; one secret for both."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook

PREFIX = "whsec_"
_SECRET_BYTES = 32


def generate_secret() -> str:
    """A secret as its receiver keeps it: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature_headers(keys: Sequence[str], event_id: UUID, moment: datetime, body: str) -> dict[str, str]:
    """Headers that prove who sent ``body`` at ``moment`` (in UTC); the newest of ``keys`` comes first.

    The document's signature takes the bytes of the secret as they stand, Standard Webhooks what its base64 says.
    During a rotation the document's header, which has room for one, is signed with the new secret, and a header of
    its own carries the old one; Standard Webhooks takes a list.
    """
    timestamp = str(int(moment.timestamp()))
    documented = [_hub_signature(key, timestamp, body) for key in keys]
    standard = [Webhook(key).sign(str(event_id), moment, body) for key in keys]
    headers = {
        "X-Webhook-Id": str(event_id),
        "X-Webhook-Timestamp": timestamp,
        "X-Webhook-Signature": documented[0],
        "webhook-id": str(event_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(standard),
    }
    if len(documented) > 1:
        headers["X-Webhook-Signature-Previous"] = documented[1]
    return headers


def _hub_signature(key: str, timestamp: str, body: str) -> str:
    return hmac.new(key.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()
