"""Blueprints, commands and tasks of operations, for ``app/factory.py``."""

from __future__ import annotations

from app.operations import health_checks, tasks
from app.operations.cli import accounts, einvoices, hub, storage, tokens, webhooks
from app.operations.monitoring import metrics_endpoint

hub.hub.add_command(storage.storage)

BLUEPRINTS = (health_checks.blp, metrics_endpoint.blp)
COMMANDS = (*accounts.GROUPS, tokens.commands, einvoices.einvoices, webhooks.webhooks, hub.hub)
TASKS = (tasks,)
