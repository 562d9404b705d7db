"""Resolution of the host names in a request before its transaction: a slow name server holds no database connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from flask import request

from app.kernel.outbound import ssrf
from app.kernel.unit_of_work import commit_early

View = Callable[..., Any]


def resolves(*fields: str) -> Callable[[View], View]:
    """Decorator: resolve the hosts of the URLs that were sent in ``fields``, then call the view, which finds them.

    Put it below the guard and above everything that writes: it ends the transaction in which the caller was found.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def view_after_resolution(*args: Any, **kwargs: Any) -> Any:
            urls = _sent_texts(fields)
            if not urls:
                return view(*args, **kwargs)
            commit_early()
            with ssrf.resolved_before(*urls):
                return view(*args, **kwargs)

        return view_after_resolution

    return decorate


def _sent_texts(fields: Sequence[str]) -> list[str]:
    body: Any = request.get_json(silent=True) if request.is_json else request.form
    sent = [body.get(name) for name in fields] if hasattr(body, "get") else []
    return [text for text in sent if isinstance(text, str) and text]
