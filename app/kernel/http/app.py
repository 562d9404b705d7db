"""The Flask application and blueprint that every surface stands on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Request, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_smorest import Blueprint
from werkzeug.exceptions import MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.routing import IntegerConverter, Map

from app.kernel.errors import UnsupportedMediaType
from app.kernel.json import HubJsonProvider
from app.kernel.messages import N_
from app.kernel.schemas.fields import HubParser
from app.kernel.sequences import MAX_ID
from app.kernel.unit_of_work import unit_of_work

#: Everything below is for people with a browser: pages instead of JSON, a session instead of a credential.
PAGES = "/admin"


def is_page(path: str) -> bool:
    """Whether a request path belongs to the pages."""
    return path == PAGES or path.startswith(f"{PAGES}/")


class HubRequest(Request):
    """A request whose body is bounded in chunks too: Werkzeug cuts those off at the limit without a word."""

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        data = super().get_data(*args, **kwargs)
        limit = self.max_content_length
        cut_off = self.content_length is None and limit is not None and len(data) >= limit
        if cut_off and self.environ["wsgi.input"].read(1):
            raise RequestEntityTooLarge
        return data


class IdConverter(IntegerConverter):
    """``<int:…>`` in a path: an id that a row can have; a larger number is not found."""

    def __init__(self, map: Map, **kwargs: Any) -> None:  # noqa: A002 - Werkzeug's own name for it
        super().__init__(map, **{"max": MAX_ID, **kwargs})


class PageSessionInterface(SecureCookieSessionInterface):
    """Flask's own sessions. Callers of the API send no cookie: for them none is looked for."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if request.cookies else self.session_class()


class Hub(Flask):
    """A request is one transaction; a trailing slash is optional, without a redirect."""

    json_provider_class = HubJsonProvider
    session_interface = PageSessionInterface()
    request_class = HubRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url_map.strict_slashes = False
        self.url_map.merge_slashes = False
        self.url_map.converters["int"] = IdConverter

    def dispatch_request(self, *args: Any) -> Any:
        # Here and not in ``after_request``, where a failed commit could only become a 500.
        self._tell_method_from_path()
        with unit_of_work():
            if request.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise UnsupportedMediaType(N_("Send the body as it is, without Content-Encoding."))
            return super().dispatch_request(*args)

    def _tell_method_from_path(self) -> None:
        """Werkzeug knows the methods of ``/a/`` for ``/a`` only when one of them fits: 404 where 405 is meant."""
        if not isinstance(request.routing_exception, NotFound) or request.path.endswith("/"):
            return
        adapter = self.create_url_adapter(request)
        allowed = list(adapter.allowed_methods(f"{request.path}/")) if adapter else []
        # With the method among them it is the path that is wrong: an id, say, that no row can have.
        if allowed and request.method not in allowed:
            raise MethodNotAllowed(allowed)


class ApiBlueprint(Blueprint):
    """A flask-smorest blueprint that parses with the hub's own strictness."""

    ARGUMENTS_PARSER = HubParser()

    def arguments(self, schema: Any, **kwargs: Any) -> Any:
        """Parse with one schema for all requests: making one anew copies every field, for a millisecond."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)


def allow_bulk_body(view: Callable[..., Any]) -> Callable[..., Any]:
    """Allow this operation a body of ``MAX_BULK_BYTES``; goes above everything that reads the body."""

    @wraps(view)
    def wide(*args: Any, **kwargs: Any) -> Any:
        request.max_content_length = current_app.config["MAX_BULK_BYTES"]
        return view(*args, **kwargs)

    return wide
