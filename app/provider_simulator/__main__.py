"""``python -m app.provider_simulator``: the command without the hub, which starts in a moment."""

from __future__ import annotations

from app.provider_simulator.cli import provider_simulator

provider_simulator(prog_name="provider-simulator")
