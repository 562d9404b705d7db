"""Signatures of requests in two formats with one secret: the e-invoice API document's, and Standard Webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook


def signature_headers(keys: Sequence[str], event_id: UUID, moment: datetime, body: str) -> dict[str, str]:
    """Return the headers that sign ``body`` at ``moment`` (UTC) with each of ``keys``, the newest key first.

    The document's format uses the bytes of the secret text as the key; Standard Webhooks decodes the base64 after
    ``whsec_``. During a rotation ``X-Webhook-Signature`` holds the signature of the new secret and
    ``X-Webhook-Signature-Previous`` that of the old one; ``webhook-signature`` holds a list of both.
    """
    timestamp = str(int(moment.timestamp()))
    document = [_document_signature(key, timestamp, body) for key in keys]
    standard = [Webhook(key).sign(str(event_id), moment, body) for key in keys]
    headers = {
        "X-Webhook-Id": str(event_id),
        "X-Webhook-Timestamp": timestamp,
        "X-Webhook-Signature": document[0],
        "webhook-id": str(event_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(standard),
    }
    if len(document) > 1:
        headers["X-Webhook-Signature-Previous"] = document[1]
    return headers


def _document_signature(key: str, timestamp: str, body: str) -> str:
    return hmac.new(key.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()
