"""The command of the provider simulator, for ``app/factory.py``."""

from __future__ import annotations

from app.provider_simulator.cli import provider_simulator

BLUEPRINTS = ()
COMMANDS = (provider_simulator,)
TASKS = ()
