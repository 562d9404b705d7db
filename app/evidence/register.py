"""Tasks of the evidence, for ``app/factory.py``; its routes are those of the domain whose documents it records."""

from __future__ import annotations

from app.evidence import tasks

BLUEPRINTS = ()
COMMANDS = ()
TASKS = (tasks,)
