"""Limits of password attempts: failures are counted by account and by network, successes are not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import structlog
from flask import current_app, g, request

from app.accounts.users import normalized_email
from app.extensions import limiter
from app.kernel.http.client_address import client_network

log = structlog.get_logger(__name__)
View = Callable[..., Any]
#: Failed attempts; the setting ``LOGIN_LIMIT`` replaces it in one installation.
DEFAULT_LIMIT = "10 per minute"


def limit_by_network(view: View) -> View:
    """Decorator: refuse a POST when the network of the client used up ``LOGIN_LIMIT``."""
    return _limited(view, "network", client_network)


def limit_by_network_and_account(view: View) -> View:
    """Decorator: the same, and for each account too: guesses at one account may come from many networks."""
    counted = limit_by_network(_limited(view, "account", lambda: g.login_account))

    @wraps(view)
    def view_with_limits(*args: Any, **kwargs: Any) -> Any:
        # Read here, because Flask-Limiter takes every exception of a key function for a failure of Redis.
        g.login_account = _account()
        return counted(*args, **kwargs)

    return view_with_limits


def give_back() -> None:
    """Remove this attempt from the counts, because it succeeded.

    An attempt is counted before the password is checked: otherwise many guesses at once would pass before the first
    one has failed.
    """
    for counted in limiter.current_limits:
        try:
            storage = counted.limiter.storage
            storage.incr(counted.key, counted.limit.get_expiry(), amount=-1)
        except Exception as error:  # noqa: BLE001 - a failure of Redis must not lose the sign-in
            log.warning("login_attempt_not_given_back", error=str(error))


def _limited(view: View, scope: str, key: Callable[[], str]) -> View:
    counted: View = limiter.shared_limit(
        lambda: current_app.config["LOGIN_LIMIT"] or DEFAULT_LIMIT,
        scope=f"login by {scope}",
        key_func=key,
        methods=["POST"],
    )(view)
    return counted


def _account() -> str:
    """Key of the account that a request is about: the signed-in user, or the e-mail address of the form or body.

    It is hashed, so that Redis holds no e-mail address.
    """
    user = g.get("user")
    email = user.email if user else _sent_email()
    return hashlib.sha256(normalized_email(email).encode("utf-8", "surrogatepass")).hexdigest()


def _sent_email() -> str:
    body: Any = request.get_json(silent=True) if request.is_json else request.form
    email = body.get("email") if isinstance(body, Mapping) else None
    return email if isinstance(email, str) else ""
