"""The web application of the simulator: contract and page, for requests from this machine only."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Flask, Response
from flask_babel import Babel, get_locale
from flask_wtf.csrf import CSRFProtect

from app.provider_simulator import contract_api, pages
from app.provider_simulator.simulator_state import Simulator

#: Names by which this machine calls itself. A page of another site that points its own name here is refused.
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_TRANSLATIONS = Path(__file__).resolve().parents[1] / "admin" / "translations"
#: An e-invoice with the largest legal document in base64.
MAX_BODY_BYTES = 16 * 1024 * 1024
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_application(simulator: Simulator) -> Flask:
    """Make the application over a simulator."""
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(
        SECRET_KEY=secrets.token_hex(32),
        TRUSTED_HOSTS=list(LOOPBACK),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        SESSION_COOKIE_NAME="provider_simulator",
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["simulator"] = simulator
    Babel(app, default_translation_directories=str(_TRANSLATIONS), locale_selector=pages.language)
    CSRFProtect(app).exempt(contract_api.blp)
    app.register_blueprint(contract_api.blp)
    app.register_blueprint(pages.blp)
    app.jinja_env.globals.update(locale=get_locale)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.after_request(_add_headers)
    return app


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
