"""E-invoices of a user reach the streams of that user and of administrators, live and replayed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app import events
from app.accounts import modules
from app.accounts.models.accounts import User
from app.einvoices.events import ISSUED
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.stream.readers import Reader, Relayed

STREAM = "/api/v1/stream?topics=einvoice.*"


@pytest.fixture
def sellers(client_as: Callable[..., FlaskClient]) -> list[FlaskClient]:
    """Two sellers, users 1 and 2."""
    clients = [client_as("integrator") for _ in range(2)]
    with unit_of_work():
        for user in db.session.query(User):
            modules.enable(user, "feature.einvoice_api", actor="a test")
    return clients


def happen(owner: int) -> None:
    with unit_of_work():
        events.emit(ISSUED, {"id": owner, "invoice_no": f"E-{owner}"}, subject_id=owner, owner_id=owner)


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
def test_a_seller_gets_only_own_events(
    sellers: list[FlaskClient], relayed: Relayed, listen: Callable[..., Reader], replayed: bool
) -> None:
    if replayed:
        for owner in (1, 2, 1):
            happen(owner)
        relayed()
        readers = [listen(client, f"{STREAM}&last_event_id=0") for client in sellers]
    else:
        readers = [listen(client, STREAM) for client in sellers]
        for owner in (1, 2, 1):
            happen(owner)
        relayed()
    assert [readers[0].next()["id"] for _ in range(2)] == ["1", "3"]
    assert readers[1].next()["id"] == "2"


def test_an_administrator_gets_all(
    client_as: Callable[..., FlaskClient], sellers: list[FlaskClient], relayed: Relayed, listen: Callable[..., Reader]
) -> None:
    reader = listen(client_as("admin"), STREAM)
    for owner in (1, 2):
        happen(owner)
    relayed()
    assert [reader.next()["id"] for _ in range(2)] == ["1", "2"]
