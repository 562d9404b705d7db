"""The Flask application class and the blueprint class of all APIs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_smorest import Blueprint
from werkzeug.exceptions import MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.routing import IntegerConverter, Map

from app.kernel.database.sequences import MAX_ID
from app.kernel.http.request_parser import METHODS_WITH_BODY, HubParser, all_optional, require_plain_utf8
from app.kernel.json import HubJsonProvider
from app.kernel.unit_of_work import unit_of_work

#: Path prefix of the pages: HTML instead of JSON, a session cookie instead of a credential.
PAGES = "/admin"
#: Path prefix of the PDFs for people without a sign-in; their browsers get errors as pages.
PUBLIC_PDFS = "/pdf"


def is_page(path: str) -> bool:
    """Whether a request path belongs to the pages."""
    return path == PAGES or path.startswith(f"{PAGES}/")


def wants_page(path: str) -> bool:
    """Whether an error of the present request is a page: below the pages, and for browsers that open a public PDF."""
    if not path.startswith(f"{PUBLIC_PDFS}/"):
        return is_page(path)
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


class HubRequest(Request):
    """A request that limits chunked bodies too: Werkzeug only truncates them at the limit, without an error."""

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        data = super().get_data(*args, **kwargs)
        limit = self.max_content_length
        truncated = self.content_length is None and limit is not None and len(data) >= limit
        if truncated and self.environ["wsgi.input"].read(1):
            raise RequestEntityTooLarge
        return data


class IdConverter(IntegerConverter):
    """``<int:…>`` in a path: an id that a row can have; a larger number is not found."""

    def __init__(self, map: Map, **kwargs: Any) -> None:  # noqa: A002 - the name in Werkzeug
        super().__init__(map, **{"max": MAX_ID, **kwargs})


class PageSessionInterface(SecureCookieSessionInterface):
    """Flask's cookie sessions, skipped for requests without any cookie, such as API calls."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if request.cookies else self.session_class()


class Hub(Flask):
    """The application: each request is one transaction; a trailing slash is optional, without a redirect."""

    json_provider_class = HubJsonProvider
    session_interface = PageSessionInterface()
    request_class = HubRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url_map.strict_slashes = False
        self.url_map.merge_slashes = False
        self.url_map.converters["int"] = IdConverter

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """``func`` itself: the hub has no asynchronous views, and asking each function at each request takes time."""
        return func

    def dispatch_request(self, *args: Any) -> Any:
        # Not in ``after_request``: there a failed commit could only become a 500.
        self._raise_method_not_allowed()
        with unit_of_work():
            if request.method in METHODS_WITH_BODY:
                require_plain_utf8(request)
            return super().dispatch_request(*args)

    def _raise_method_not_allowed(self) -> None:
        """Answer 405 instead of 404 where the path ``/a`` exists as ``/a/`` with other methods.

        Werkzeug matches ``/a/`` for ``/a`` only when the method fits, and otherwise reports an unknown path.
        """
        if not isinstance(request.routing_exception, NotFound) or request.path.endswith("/"):
            return
        adapter = self.create_url_adapter(request)
        allowed = list(adapter.allowed_methods(f"{request.path}/")) if adapter else []
        # If the method is among the allowed ones, the path is wrong: for example an id that no row can have.
        if allowed and request.method not in allowed:
            raise MethodNotAllowed(allowed)


class ApiBlueprint(Blueprint):
    """A flask-smorest blueprint that parses requests with ``HubParser``."""

    ARGUMENTS_PARSER = HubParser()

    def arguments(self, schema: Any, **kwargs: Any) -> Any:
        """Use one schema instance for all requests: a new instance copies every field, which takes a millisecond."""
        schema = schema() if isinstance(schema, type) else schema

        def decorate(view: Callable[..., Any]) -> Any:
            needs_body = view.__name__ != "post" or not all_optional(schema)
            return super(ApiBlueprint, self).arguments(schema, **{"required": needs_body, **kwargs})(view)

        return decorate
