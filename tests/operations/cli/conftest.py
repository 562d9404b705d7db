"""Runs commands of the hub."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from app.kernel.http.app import Hub
from tests.operations.cli.cli_helpers import Run
from tests.webhooks.fixtures import Subscribed
from tests.webhooks.receivers import Receiver


@pytest.fixture
def run(app: Hub) -> Run:
    def invoke(*words: str, answer: str | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(words), input=answer)

    return invoke


@pytest.fixture
def endpoint_of_a_manager(subscribe: Callable[..., Subscribed], receiver: Receiver) -> Subscribed:
    """Endpoint 1."""
    return subscribe(receiver, "*")
