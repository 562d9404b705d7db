"""``/api/auth``: log in, refresh the tokens, log out, and show the user of a token."""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView

from app.accounts.api_errors import ApiV1Envelope, AuthEnvelope
from app.accounts.errors import InvalidToken, TokenExpired, WrongPassword
from app.accounts.guards import SIGNED_IN, public, requires
from app.accounts.login import login_limits, sessions
from app.accounts.login.schemas import (
    CredentialsSchema,
    DoneSchema,
    RefreshSchema,
    TokensAnswerSchema,
    UserAnswerSchema,
)
from app.accounts.principals import authenticate
from app.kernel.errors import TooManyRequests
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.error_envelopes import register_envelope
from app.kernel.http.openapi import refuses

blp = ApiBlueprint("Accounts", __name__, url_prefix="/api/auth", description="Users and their sessions.")
register_envelope(AuthEnvelope())
register_envelope(ApiV1Envelope())

_TOKENS = {"access": "eyJhbGciOi…", "refresh": "eyJhbGciOi…", "expires_in": 3600}
_USER = {
    "id": 1,
    "email": "asha@pharmacy.example",
    "name": "Asha",
    "role": "billing",
    "abilities": ["sales:import", "sales:read"],
    "last_login_at": "2026-02-01T08:00:00.000000Z",
}


def _envelope(message: str, data: Any = None) -> dict[str, Any]:
    return {"success": True, "message": message} | ({} if data is None else {"data": data})


@blp.route("/login/")
class Login(MethodView):
    @public
    @login_limits.limit_by_network_and_account
    @refuses(WrongPassword, TooManyRequests)
    @blp.arguments(CredentialsSchema, example={"email": "asha@pharmacy.example", "password": "correct horse battery"})
    @blp.response(200, TokensAnswerSchema, example=_envelope("Signed in", _TOKENS))
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Sign in with e-mail address and password.

        `access` goes into the header `Authorization: Bearer …`; `refresh` gets new tokens when it has expired.
        """
        return _envelope("Signed in", sessions.log_in(data["email"], data["password"]))


@blp.route("/token/refresh/")
class Refresh(MethodView):
    @public
    @login_limits.limit_by_network
    @refuses(InvalidToken, TokenExpired, TooManyRequests)
    @blp.arguments(RefreshSchema, example={"refresh": "eyJhbGciOi…"})
    @blp.response(200, TokensAnswerSchema, example=_envelope("Renewed", _TOKENS))
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Exchange a refresh token for new tokens.

        Each refresh token works once; when it is sent again, the session ends.
        """
        return _envelope("Renewed", sessions.refresh(data["refresh"]))


@blp.route("/logout/")
class Logout(MethodView):
    @requires(SIGNED_IN)
    @blp.response(200, DoneSchema, example=_envelope("Signed out"))
    def post(self) -> dict[str, Any]:
        """End the session: its access and refresh tokens stop working at once."""
        sessions.log_out()
        return _envelope("Signed out")


@blp.route("/me/")
class Me(MethodView):
    @requires(SIGNED_IN)
    @blp.response(200, UserAnswerSchema, example=_envelope("Signed in", _USER))
    def get(self) -> dict[str, Any]:
        """Show the user of the access token and the abilities."""
        user, principal = g.user, authenticate()
        fields = {name: getattr(user, name) for name in ("id", "email", "name", "role", "last_login_at")}
        return _envelope("Signed in", {**fields, "abilities": sorted(principal.abilities)})
