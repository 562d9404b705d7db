"""Blueprints, commands and tasks of e-invoices, for ``app/factory.py``."""

from __future__ import annotations

from app.einvoices import api, tasks
from app.einvoices.links import api as links

BLUEPRINTS = (api.blp, links.public_blp)
COMMANDS = ()
TASKS = (tasks,)
