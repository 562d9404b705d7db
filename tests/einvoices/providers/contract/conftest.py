"""A running simulator as the provider of the checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.einvoices.providers.contract import ProviderRequest
from app.provider_simulator.document_store import DocumentStore
from app.provider_simulator.http_server import running
from app.provider_simulator.simulator_state import Simulator


@dataclass
class SimulatedProvider:
    """The simulator as a provider of ``checks.py``."""

    simulator: Simulator
    url: str

    def stored(self, request: ProviderRequest) -> list[str]:
        number = request.document["invoice_no"]
        return [found.key for found in self.simulator.store.documents() if found.invoice_no == number]

    def received(self, request: ProviderRequest) -> list[tuple[str, str]]:
        number = request.document["invoice_no"]
        stored = [found for found in self.simulator.store.documents() if found.invoice_no == number]
        return [(found.format, found.sha256) for found in stored if found.format and found.sha256]

    def fail_look_ups(self) -> None:
        self.simulator.store.set_setting("look_up_failures", 100)


@pytest.fixture
def simulated() -> Iterator[SimulatedProvider]:
    simulator = Simulator(DocumentStore(), slow_seconds=0.2, hang_seconds=0.3)
    with running(simulator) as address:
        yield SimulatedProvider(simulator, f"{address}/demo/einvoices")
    simulator.store.close()
