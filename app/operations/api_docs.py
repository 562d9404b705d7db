"""API reference: ``/openapi.json``, and Swagger UI at ``/docs`` with the assets of the package flask-swagger-ui."""

from __future__ import annotations

import threading
from pathlib import Path

import flask_swagger_ui
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.guards import public
from app.kernel.http.app import PAGES
from app.kernel.http.openapi import HubApi, document
from app.kernel.json import encode

ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
#: Scripts and styles come only from the hub; Swagger UI sets styles by script and uses icons as data URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

OWN_ASSETS = Path(__file__).parent / "static"

_API, _TEXT = "hub_api", "openapi_document"
_one_at_a_time = threading.Lock()

blp = Blueprint("reference", __name__, template_folder="templates")


@blp.get("/openapi.json")
@public
def openapi() -> Response:
    """The OpenAPI 3.1 document of all APIs."""
    return Response(openapi_document(current_app), mimetype="application/json")


@blp.get("/docs")
@public
def docs() -> Response:
    """The page with Swagger UI."""
    page = Response(render_template("docs.html"))
    page.headers["Content-Security-Policy"] = POLICY
    return page


@blp.get("/docs/assets/<path:name>")
@public
def asset(name: str) -> Response:
    """A file of Swagger UI."""
    return send_from_directory(ASSETS, name, max_age=86400)


@blp.get("/docs/own/<path:name>")
@public
def own_asset(name: str) -> Response:
    """A file of the hub's own page around Swagger UI."""
    return send_from_directory(OWN_ASSETS, name, max_age=86400)


@blp.get("/favicon.ico")
@public
def favicon() -> Response:
    """The icon of the hub."""
    return send_from_directory(OWN_ASSETS, "mark.svg", max_age=86400)


@blp.get("/")
@public
def home() -> BaseResponse:
    """Redirect a browser to the pages, and every other client to the API reference."""
    accepted = request.accept_mimetypes
    is_browser = accepted["text/html"] > accepted["application/json"]
    response = redirect(PAGES if is_browser else url_for("reference.docs"))
    response.vary.add("Accept")
    return response


def openapi_document(app: Flask) -> bytes:
    """The OpenAPI document of an application; its first use takes a part of a second, and the result is kept."""
    with _one_at_a_time:  # it is made in place, from parts that all threads share
        text: bytes | None = app.extensions.get(_TEXT)
        if text is None:
            text = app.extensions[_TEXT] = encode(document(app, app.extensions[_API]))
    return text


def register(app: Flask, api: HubApi) -> None:
    """Register the pages."""
    app.register_blueprint(blp)
    app.extensions[_API] = api
