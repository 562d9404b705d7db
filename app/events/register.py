"""Blueprints, commands and tasks of the event log, for ``app/factory.py``."""

from __future__ import annotations

from app.events import tasks

BLUEPRINTS = ()
COMMANDS = ()
TASKS = (tasks,)
