"""Secrets that the hub shares with another machine (Standard Webhooks), and the check of what that machine signed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

PREFIX = "whsec_"
#: A signed message may be so much older or newer than the clock of the hub says.
TOLERANCE = timedelta(minutes=5)
_SECRET_BYTES = 32
_MAX_HEADER_LENGTH = 2000


def generate_secret() -> str:
    """Generate a secret: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def is_signed(shared: Sequence[str], headers: Mapping[str, str], body: bytes, moment: datetime) -> bool:
    """Whether ``body`` is signed with one of the secrets, and its time is within ``TOLERANCE`` of ``moment``.

    Headers: ``webhook-id``, ``webhook-timestamp`` (seconds since 1970) and ``webhook-signature`` (a list of ``v1,…``).
    """
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message_id, timestamp, signatures = (headers.get(name, "") for name in names)
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12  # noqa: PLR2004
    if not is_number or abs(int(timestamp) - moment.timestamp()) > TOLERANCE.total_seconds():
        return False
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    expected = [b"v1," + b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)) for secret in shared]
    sent = [text.encode() for text in signatures[:_MAX_HEADER_LENGTH].split(" ")]
    matches = [hmac.compare_digest(right, text) for right in expected for text in sent]  # each pair, in constant time
    return any(matches)


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(PREFIX))
