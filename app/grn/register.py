"""Blueprints, commands and tasks of goods receipts, for ``app/factory.py``."""

from __future__ import annotations

from app.grn import tasks
from app.grn.api import items, masters, papers, receipts

BLUEPRINTS = (receipts.blp, items.blp, papers.blp, *masters.BLUEPRINTS)
COMMANDS = ()
TASKS = (tasks,)
