"""Blueprints, commands and tasks of the local run, for ``app/factory.py``."""

from __future__ import annotations

from app.local import seed

BLUEPRINTS = ()
COMMANDS = (seed.group,)
TASKS = ()
