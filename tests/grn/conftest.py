"""Fixtures for tests of goods receipts: the demo data and a client that may change it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.grn.demo import make_demo
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work


@pytest.fixture
def clerk(app: Hub, client_with: Callable[[str], FlaskClient]) -> FlaskClient:
    """A client of a warehouse clerk, with the demo data: supplier 1, fabric 1, order 10, receipt 1 with item 26."""
    with unit_of_work():
        make_demo()
    return client_with("grn:write")


@pytest.fixture
def now_ms() -> int:
    """The current time in epoch milliseconds."""
    return int(time.time() * 1000)
