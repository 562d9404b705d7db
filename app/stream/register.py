"""Blueprints, commands, tasks, event subscribers and authenticators of the streams, for ``app/factory.py``."""

from __future__ import annotations

from app.accounts.login import web_sessions
from app.stream import api, publisher, tasks

BLUEPRINTS = (api.sales, api.log)
COMMANDS = ()
TASKS = (tasks,)
SUBSCRIBERS = (publisher.publish_batch,)
#: After those of accounts: a browser's session counts for a stream only when nothing else was sent.
AUTHENTICATORS = (api.ticket_authenticator, web_sessions.stream_authenticator)
