"""``Idempotency-Key``: a creating POST that is sent twice happens once, whatever was lost on the way."""

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
    """Replay the stored answer when the same caller sends the same key and body again.

    The key's row is written in the transaction of what the view creates; while that runs, an advisory lock
    answers parallel twins with 409. Only success is kept: a refused request may be mended and sent again. An answer
    that shows a secret is stored ``sealed``.
    """
    if view is None:
        return lambda later: idempotent(later, sealed=sealed)

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
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

    documented: Any = refuses(KeyInUse, KeyReused)(once)
    documented._apidoc["manual_doc"][IDEMPOTENT] = True
    return documented


def _claim(credential: str, key: str) -> IdempotencyKey | None:
    """Hold the key for the present transaction; returns what an earlier one stored under it."""
    lock = func.hashtextextended(f"{credential}\n{key}", 0)
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(lock))):
        raise KeyInUse(headers={"Retry-After": "1"})
    stored: IdempotencyKey | None = db.session.get(IdempotencyKey, (credential, key))
    if stored and stored.created_at <= clock.now() - current_app.config["IDEMPOTENCY_LIFETIME"]:
        db.session.delete(stored)
        db.session.flush()
        return None
    return stored


def _store_response(credential: str, key: str, answer: Response, sealed: bool) -> Response:
    kept = {name: answer.headers[name] for name in _STORED_HEADERS if name in answer.headers}
    db.session.add(
        IdempotencyKey(
            credential=credential,
            key=key,
            fingerprint=_fingerprint(),
            status=answer.status_code,
            headers=kept,
            body=seal(answer.get_data()) if sealed else answer.get_data(),
        )
    )
    return answer


def _fingerprint() -> bytes:
    address = f"{request.method} {request.path.rstrip('/')}?".encode() + request.query_string
    parts = (address, request.get_data(cache=True))
    return hashlib.sha256(b"\0".join(parts)).digest()
