"""Limits of password attempts: failures are counted by account and by network, successes are not."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

import limits
from flask import current_app, g, request

from app.accounts.login import attempt_counts
from app.accounts.login.attempt_counts import Exhausted, Limit, subject
from app.accounts.models.accounts import User
from app.accounts.users import ACCOUNT, normalized_email
from app.kernel import clock
from app.kernel.errors import TooManyRequests
from app.kernel.http.client_address import client_network
from app.kernel.unit_of_work import commit_early

View = Callable[..., Any]
#: Failed attempts; the setting ``LOGIN_LIMIT`` replaces it in one installation.
DEFAULT_LIMIT = "10 per minute"
#: Guesses at one account slow down: (factor of the amount, factor of the period). 10 a minute are also 30 in 15 minutes
#: and 60 an hour.
_BACK_OFF = ((1, 1), (3, 15), (6, 60))


def limit_by_network(view: View) -> View:
    """Decorator: refuse a POST when the network of the client used up ``LOGIN_LIMIT``."""
    return _limited(view, lambda: list(_network_limits()))


def limit_by_network_and_account(view: View) -> View:
    """Decorator: the same, and for each account too: guesses at one account may come from many networks.

    A network where the user signed in before has its own count, so guesses from elsewhere do not keep the user out.
    """
    return _limited(view, lambda: [*_network_limits(), *_account_limits(_account())])


def give_back() -> None:
    """Remove this attempt from the counts, because it succeeded.

    An attempt is counted before the password is checked: otherwise many guesses at once would pass before the first
    one has failed.
    """
    if counted := g.pop("login_limits", None):
        attempt_counts.give_back(counted)


def remember_network(user: User) -> None:
    """Note that the user signed in at the network of the client."""
    attempt_counts.remember_network(user, client_network())


def _limited(view: View, find_limits: Callable[[], list[Limit]]) -> View:
    @wraps(view)
    def view_with_limit(*args: Any, **kwargs: Any) -> Any:
        if request.method == "POST":
            g.login_limits = find_limits()
            exhausted = attempt_counts.count(g.login_limits)
            # Other requests see the count at once, and no connection is held while the password is checked.
            commit_early()
            if exhausted:
                raise TooManyRequests(headers=_headers(exhausted))
        return view(*args, **kwargs)

    return view_with_limit


def _headers(exhausted: Exhausted) -> dict[str, str]:
    wait = (exhausted.ends_at - clock.now()).total_seconds()
    return {
        "Retry-After": str(min(max(1, math.ceil(wait)), exhausted.limit.seconds)),
        "X-RateLimit-Limit": str(exhausted.limit.amount),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(math.ceil(exhausted.ends_at.timestamp())),
    }


def _network_limits() -> Iterator[Limit]:
    key = subject("network", client_network())
    for amount, seconds in _periods(current_app.config["LOGIN_LIMIT"] or DEFAULT_LIMIT):
        yield Limit(key, amount, seconds)


def _account_limits(email: str) -> Iterator[Limit]:
    network = client_network()
    is_known = attempt_counts.is_known_network(email, network)
    key = subject(ACCOUNT, email, network) if is_known else subject(ACCOUNT, email)
    for amount, seconds in _periods(current_app.config["LOGIN_LIMIT"] or DEFAULT_LIMIT):
        for more, longer in _BACK_OFF:
            yield Limit(key, amount * more, seconds * longer)


@functools.cache
def _periods(text: str) -> list[tuple[int, int]]:
    """Amount and seconds of each limit of a text such as ``10 per minute; 100 per day``."""
    return [(item.amount, item.get_expiry()) for item in limits.parse_many(text)]


def _account() -> str:
    """The account that a request is about: the signed-in user, or the e-mail address of the form or body."""
    user = g.get("user")
    return normalized_email(user.email if user else _sent_email())


def _sent_email() -> str:
    body: Any = request.get_json(silent=True) if request.is_json else request.form
    email = body.get("email") if isinstance(body, Mapping) else None
    return email if isinstance(email, str) else ""
