"""``Idempotency-Key``: a creating POST that is sent twice is executed once; the stored response is replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, current_app, make_response, request
from sqlalchemy import func, select

from app.accounts.errors import KeyInUse, KeyReused
from app.accounts.models.accounts import IdempotencyKey
from app.accounts.principals import authenticate
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.http.openapi import IDEMPOTENT, refuses
from app.kernel.messages import N_, Message
from app.kernel.secret_box import seal, unseal

HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotent-Replayed"
MAX_KEY_LENGTH = 255
_STORED_HEADERS = ("Location", "Content-Type")

View = Callable[..., Any]


def idempotent(view: View | None = None, *, sealed: bool = False) -> Any:
    """Replay the stored response when the same caller sends the same key and body again.

    The row of the key is written in the transaction of the view. While that runs, an advisory lock makes parallel
    requests with the same key fail with 409. Only success is stored: a refused request may be corrected and sent
    again. A response that shows a secret is stored encrypted (``sealed``).
    """
    if view is None:
        return lambda decorated: idempotent(decorated, sealed=sealed)

    @wraps(view)
    def idempotent_view(*args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(HEADER)
        if key is None:
            return view(*args, **kwargs)
        if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
            raise Invalid({HEADER: [Message(N_("Use 1 to %(n)s printable characters."), n=MAX_KEY_LENGTH)]})
        credential = authenticate().credential
        stored = _claim(credential, key)
        if stored is None:
            return _store_response(credential, key, make_response(view(*args, **kwargs)), sealed)
        if stored.fingerprint != _fingerprint():
            raise KeyReused
        body = unseal(stored.body) if sealed else stored.body
        return Response(body, stored.status, headers={**stored.headers, REPLAYED_HEADER: "true"})

    documented: Any = refuses(KeyInUse, KeyReused)(idempotent_view)
    documented._apidoc["manual_doc"][IDEMPOTENT] = True
    return documented


def _claim(credential: str, key: str) -> IdempotencyKey | None:
    """Lock the key for the current transaction and return the row that an earlier request stored under it."""
    lock = func.hashtextextended(f"{credential}\n{key}", 0)
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(lock))):
        raise KeyInUse
    stored: IdempotencyKey | None = db.session.get(IdempotencyKey, (credential, key))
    if stored and stored.created_at <= clock.now() - current_app.config["IDEMPOTENCY_LIFETIME"]:
        db.session.delete(stored)
        db.session.flush()
        return None
    return stored


def _store_response(credential: str, key: str, response: Response, sealed: bool) -> Response:
    headers = {name: response.headers[name] for name in _STORED_HEADERS if name in response.headers}
    db.session.add(
        IdempotencyKey(
            credential=credential,
            key=key,
            fingerprint=_fingerprint(),
            status=response.status_code,
            headers=headers,
            body=seal(response.get_data()) if sealed else response.get_data(),
        )
    )
    return response


def _fingerprint() -> bytes:
    address = f"{request.method} {request.path.rstrip('/')}?".encode() + request.query_string
    parts = (address, request.get_data(cache=True))
    return hashlib.sha256(b"\0".join(parts)).digest()
