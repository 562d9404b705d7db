"""Resolution of the host names in a request before its transaction: a slow name server holds no database connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any

from flask import request

from app.kernel.errors import MalformedJson, NotFound
from app.kernel.http.request_parser import parse_early
from app.kernel.outbound import ssrf
from app.kernel.unit_of_work import commit_early

View = Callable[..., Any]


def resolves(*fields: str, stored: Callable[..., Mapping[str, str]] | None = None) -> Callable[[View], View]:
    """Decorator: resolve the hosts of the URLs that the view will check, then call the view, which finds them.

    These are the URLs that were sent in ``fields``; with ``allowances`` also those of ``stored``, which gets the
    arguments of the view. Put it below the guard and above everything that writes: it ends the transaction in which the
    caller was found.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def view_after_resolution(*args: Any, **kwargs: Any) -> Any:
            body = _body()
            known = dict(stored(**kwargs)) if stored and "allowances" in body else {}
            urls = _texts(known | {name: body[name] for name in fields if name in body})
            if not urls:
                return view(*args, **kwargs)
            commit_early()
            with ssrf.resolved_before(*urls):
                return view(*args, **kwargs)

        return view_after_resolution

    return decorate


def stored_urls(find: Callable[[int], Any], row_id: int, fields: Sequence[str]) -> dict[str, str]:
    """The URLs of a row; none if it does not exist, which the view refuses."""
    with suppress(NotFound):
        row = find(row_id)
        return {name: getattr(row, name) for name in fields}
    return {}


def _body() -> Mapping[str, Any]:
    try:
        body: Any = parse_early(request) if request.is_json else request.form
    except MalformedJson:
        return {}  # the view refuses it
    return body if isinstance(body, Mapping) else {}


def _texts(urls: Mapping[str, Any]) -> list[str]:
    return [url for url in urls.values() if isinstance(url, str) and url]
