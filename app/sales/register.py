"""Blueprints, commands and tasks of sales, for ``app/factory.py``."""

from __future__ import annotations

from app.sales import cli
from app.sales.api import bulk, floor, invoices, masters

BLUEPRINTS = (invoices.blp, floor.blp, bulk.blp, masters.blp)
COMMANDS = (cli.sales,)
TASKS = ()
