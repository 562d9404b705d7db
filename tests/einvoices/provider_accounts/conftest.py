"""A seller who is an admin, and accounts at a provider on loopback, which an admin may allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.einvoices.provider_accounts.helpers import ACCOUNTS, loopback
from tests.einvoices.providers.conftest import pass_time
from tests.einvoices.providers.provider_server import StoringProvider, running_store

__all__ = ["pass_time"]
Account = dict[str, Any]


@pytest.fixture
def store() -> Iterator[StoringProvider]:
    """A provider that answers, with a look-up."""
    with running_store() as provider:
        yield provider


@pytest.fixture
def admin(owner_as: Callable[..., FlaskClient]) -> FlaskClient:
    return owner_as("admin")


@pytest.fixture
def open_account(admin: FlaskClient, store: StoringProvider) -> Callable[..., Account]:
    """Create an account at ``store``, and test its connection."""

    def make(**facts: Any) -> Account:
        made = admin.post(ACCOUNTS, json={"name": "Main", "adapter": "http", **loopback(store), **facts})
        assert made.status_code == 201, made.json
        tested = admin.post(f"{ACCOUNTS}/{made.json['id']}/test")
        assert tested.json["state"] == "ready", tested.json
        return {**made.json, **tested.json}

    return make
