"""Blueprints, commands, tasks and event subscribers of webhooks, for ``app/factory.py``."""

from __future__ import annotations

from app.webhooks import tasks
from app.webhooks.api import deliveries, endpoints
from app.webhooks.deliveries import fan_out

BLUEPRINTS = (endpoints.blp, deliveries.blp)
COMMANDS = ()
TASKS = (tasks,)
SUBSCRIBERS = (fan_out.create_deliveries,)
