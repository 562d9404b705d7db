"""Clients that own e-invoices, and the verbs that most tests begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts import modules
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_draft

URL = "/api/v1/einvoices"
MODULE = "feature.einvoice_api"


@pytest.fixture
def owner_as(client_as: Callable[..., FlaskClient]) -> Callable[..., FlaskClient]:
    """Make a client of a role whose user has the module; ``client.user_id`` says who."""

    def make(role: str = "integrator") -> FlaskClient:
        client = client_as(role)
        with unit_of_work():
            user = db.session.query(User).order_by(User.id.desc()).first()
            modules.enable(user, MODULE, actor="test")
            client.user_id = user.id
        return client

    return make


@pytest.fixture
def owner(owner_as: Callable[..., FlaskClient]) -> FlaskClient:
    return owner_as()


def made(client: FlaskClient, **facts: Any) -> dict[str, Any]:
    """A draft."""
    answer = client.post(URL, json=a_draft(**facts))
    assert answer.status_code == 201, answer.json
    return answer.json


def issued(client: FlaskClient, **facts: Any) -> dict[str, Any]:
    """An e-invoice with its number."""
    return verb(client, made(client, **facts)["id"], "issue")


def verb(client: FlaskClient, einvoice_id: int, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Do something to an e-invoice that is expected to work."""
    answer = client.post(f"{URL}/{einvoice_id}/{name}", json=body)
    assert answer.status_code in {200, 201, 202}, answer.json
    return answer.json


@pytest.fixture
def pages(owner: FlaskClient) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Read pages of the list by number until the last."""

    def walk(**query: Any) -> list[dict[str, Any]]:
        found, page = [], 1
        while True:
            answer = owner.get(URL, query_string={**query, "page": page}).json
            found += answer["data"]
            if page >= answer["meta"]["last_page"]:
                return found
            page += 1

    return walk
