"""Blueprints, commands and tasks of sales, for ``app/factory.py``."""

from __future__ import annotations

from app.sales import cli, tasks
from app.sales.api import bulk, floor, invoices, masters, prints

BLUEPRINTS = (invoices.blp, floor.blp, bulk.blp, masters.blp, prints.blp)
COMMANDS = (cli.sales,)
TASKS = (tasks,)
