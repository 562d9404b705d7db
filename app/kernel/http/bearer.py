"""The bearer token of a request: the only reader of the header ``Authorization``."""

from __future__ import annotations

from flask import request


def bearer_token() -> str | None:
    """The token of ``Authorization: Bearer …``; None when the header is missing or has another scheme.

    The scheme may be in any case (RFC 9110, section 11.1). A header without a token gives an empty one, which no
    authenticator accepts: the caller meant to use a token.
    """
    scheme, *token = request.headers.get("Authorization", "").split(maxsplit=1) or [""]
    return "".join(token).strip() if scheme.lower() == "bearer" else None
