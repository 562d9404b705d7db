"""The commands of the provider simulator, for ``app/factory.py``."""

from __future__ import annotations

from app.provider_simulator.account_command import provider_simulator_account
from app.provider_simulator.cli import provider_simulator

BLUEPRINTS = ()
COMMANDS = (provider_simulator, provider_simulator_account)
TASKS = ()
