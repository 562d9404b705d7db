"""A running simulator, and a client that speaks the contract."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.provider_simulator.document_store import DocumentStore
from app.provider_simulator.http_server import running
from app.provider_simulator.simulator_state import Simulator

Reply = tuple[int, Any]


@dataclass
class Peer:
    """Speaks with a simulator as the hub does."""

    simulator: Simulator
    address: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> DocumentStore:
        return self.simulator.store

    def send(self, key: str, number: str = "EA-1", *, account: str = "demo", query: str = "", **facts: Any) -> Reply:
        """Send an e-invoice; ``facts`` are further fields of it."""
        content = {"key": key, "einvoice": {"invoice_no": number, **facts}}
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, **self.headers}
        return self.request(f"/{account}/einvoices{query}", json.dumps(content).encode(), headers)

    def look_up(self, key: str, number: str = "EA-1", account: str = "demo") -> Reply:
        return self.request(f"/{account}/einvoices?key={key}&invoice_no={number}", None, self.headers)

    def request(self, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        request = urllib.request.Request(f"{self.address}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")


@pytest.fixture
def run_simulator() -> Iterator[Callable[..., Peer]]:
    """Start a simulator with these attributes."""
    open_blocks = []

    def start(**facts: Any) -> Peer:
        simulator = Simulator(**{"store": DocumentStore(), "slow_seconds": 0.2, "hang_seconds": 0.3, **facts})
        block = running(simulator)
        peer = Peer(simulator, block.__enter__())
        open_blocks.append((block, simulator))
        return peer

    yield start
    for block, simulator in open_blocks:
        block.__exit__(None, None, None)
        simulator.store.close()


@pytest.fixture
def peer(run_simulator: Callable[..., Peer]) -> Peer:
    return run_simulator()
