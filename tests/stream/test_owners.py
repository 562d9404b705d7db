"""E-invoices of a user reach the streams of that user and of administrators, live and replayed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app import events
from app.accounts import modules, users
from app.accounts.models.accounts import User
from app.einvoices.events import ISSUED
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.stream.broadcaster import broadcaster
from tests.factories import a_token
from tests.stream.readers import Reader, Relayed, import_sale

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


def test_a_token_reads_only_the_domains_of_its_abilities(
    anybody: FlaskClient, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
) -> None:
    import_sale(erp, "S-1")
    happen(1)
    relayed()
    for abilities, found in ((["events:read"], []), (["events:read", "einvoices:read"], ["2"])):
        with unit_of_work():
            _, plain = a_token(abilities=abilities)
        anybody.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {plain}"
        read = anybody.get("/api/v1/events").json
        assert [str(event["position"]) for event in read["data"]] == found
        assert read["meta"]["next_after"] == 2
        reader = listen(anybody, "/api/v1/stream?last_event_id=0")
        assert [reader.next()["id"] for _ in found] == found


def test_a_stream_ends_when_its_reader_may_no_longer_read_a_domain(
    sellers: list[FlaskClient], listen: Callable[..., Reader]
) -> None:
    demoted, other = (listen(client, STREAM) for client in sellers)
    with unit_of_work():
        users.set_role(db.session.get_one(User, 1), "warehouse", actor="a test")
    broadcaster.end_unauthorized_streams()
    with pytest.raises(StopIteration):
        for _ in range(20):
            demoted.next_line()
    assert other.next_comment() == ": keep-alive"
