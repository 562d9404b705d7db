"""Clients whose users own e-invoices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts import modules
from app.accounts.models.accounts import User
from app.einvoices.providers import outbox
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import MODULE
from tests.factories import a_seller


@pytest.fixture(autouse=True)
def _no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """End each round as soon as nothing is due."""
    monkeypatch.setattr(outbox, "LINGER_SECONDS", 0.0)


@pytest.fixture
def owner_as(client_as: Callable[..., FlaskClient]) -> Callable[..., FlaskClient]:
    """Create a client for a role; its user ``client.user_id`` has the module and a complete seller profile."""

    def make(role: str = "integrator", **facts: Any) -> FlaskClient:
        client = client_as(role, **facts)
        with unit_of_work():
            user = db.session.query(User).order_by(User.id.desc()).first()
            modules.enable(user, MODULE, actor="test")
            a_seller(user.id)
            client.user_id = user.id
        return client

    return make


@pytest.fixture
def owner(owner_as: Callable[..., FlaskClient]) -> FlaskClient:
    return owner_as()
