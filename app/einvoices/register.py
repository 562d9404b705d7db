"""Blueprints, commands and tasks of e-invoices, for ``app/factory.py``."""

from __future__ import annotations

from app.einvoices import api, tasks

BLUEPRINTS = (api.blp,)
COMMANDS = ()
TASKS = (tasks,)
