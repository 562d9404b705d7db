"""Blueprints, commands, tasks and authenticators of accounts, for ``app/factory.py``."""

from __future__ import annotations

from app.accounts import tasks
from app.accounts.audit_log import api as audit_api
from app.accounts.credentials import api_keys
from app.accounts.login import api, sessions, web_sessions
from app.accounts.tokens import authenticator as tokens

BLUEPRINTS = (api.blp, audit_api.blp)
COMMANDS = ()
TASKS = (tasks,)
#: In the order in which they are tried for a request.
AUTHENTICATORS = (
    web_sessions.page_authenticator,
    tokens.authenticator,
    sessions.authenticator,
    api_keys.authenticator,
)
