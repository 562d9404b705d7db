"""The bearer token of a request: the only reader of the header ``Authorization``."""

from __future__ import annotations

from flask import request


def bearer_token() -> str | None:
    """The token of ``Authorization: Bearer …``; None when the header is missing or has another scheme.

    The scheme may be in any case (RFC 9110, section 11.1).
    """
    parts = request.headers.get("Authorization", "").split(maxsplit=1)
    if len(parts) != 2 or parts[0].lower() != "bearer":  # noqa: PLR2004 - the scheme and the token
        return None
    return parts[1].strip()
