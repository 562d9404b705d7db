"""Resolution of the host name in a request before its transaction: a slow name server holds no database connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request

from app.kernel.unit_of_work import commit_early
from app.webhooks.sender import ssrf

View = Callable[..., Any]


def resolves_url(view: View) -> View:
    """Decorator: resolve the host of the ``url`` that was sent, then call ``view``, which finds the result.

    Put it below the guard and above everything that writes: it ends the transaction in which the caller was found.
    """

    @wraps(view)
    def view_after_resolution(*args: Any, **kwargs: Any) -> Any:
        url = _sent_url()
        if url is None:
            return view(*args, **kwargs)
        commit_early()
        with ssrf.resolved_before(url):
            return view(*args, **kwargs)

    return view_after_resolution


def _sent_url() -> str | None:
    body: Any = request.get_json(silent=True) if request.is_json else request.form
    url = body.get("url") if hasattr(body, "get") else None
    return url if isinstance(url, str) else None
