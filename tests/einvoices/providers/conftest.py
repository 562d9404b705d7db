"""A provider on loopback to which the settings of the test point, and the passing of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from app.kernel import clock
from app.kernel.http.app import Hub
from tests.einvoices.providers.provider_server import StoringProvider, running_store


@pytest.fixture
def store(app: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoringProvider]:
    """A provider that answers, with a look-up."""
    with running_store() as provider:
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", f"{provider.url}/take")
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_LOOKUP_URL", f"{provider.url}/find?seller=7")
        yield provider


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let seconds pass for the hub."""
    real, passed = clock.now, timedelta(0)

    def pass_seconds(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda: real() + passed)

    return pass_seconds
