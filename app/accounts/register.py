"""Blueprints, commands, tasks and authenticators of accounts, for ``app/factory.py``."""

from __future__ import annotations

from app.accounts import api, api_keys, sessions, tasks, web_sessions
from app.accounts.tokens import authenticator as tokens

BLUEPRINTS = (api.blp,)
COMMANDS = ()
TASKS = (tasks,)
#: In the order in which they are tried for a request.
AUTHENTICATORS = (
    web_sessions.page_authenticator,
    tokens.authenticator,
    sessions.authenticator,
    api_keys.authenticator,
)
