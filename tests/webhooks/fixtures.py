"""Receivers, endpoints that send to them, events to send, and a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts import modules
from app.accounts.models.accounts import User
from app.einvoices.lifecycle import drafts
from app.einvoices.models.einvoices import Einvoice
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import dispatcher
from tests.factories import a_draft, a_user
from tests.webhooks.receivers import Behaviour, Receiver, ok

ENDPOINTS, DELIVERIES = "/api/v1/webhooks/endpoints", "/api/v1/webhooks/deliveries"
MODULE = "feature.einvoice_webhooks"


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)

    def now(self) -> datetime:
        return self.moment

    def pass_(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The hub's clock, standing still."""
    fake = Clock()
    monkeypatch.setattr(clock, "now", fake.now)
    return fake


@pytest.fixture
def receiver_with(app: Hub) -> Iterator[Callable[..., Receiver]]:
    """Start a receiver that answers as the test says."""
    started: list[Receiver] = []

    def start(answers: Behaviour = ok) -> Receiver:
        started.append(Receiver(answers))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def receiver(receiver_with: Callable[..., Receiver]) -> Receiver:
    return receiver_with()


@dataclass
class Subscribed:
    """An endpoint, its plain secret and its owner."""

    id: int
    secret: str
    owner_id: int

    @property
    def row(self) -> Endpoint:
        with unit_of_work():
            return endpoints.find(self.id, None)


@pytest.fixture
def subscriber(app: Hub) -> User:
    """A user with the module."""
    return a_customer()


def a_customer(role: str = "integrator") -> User:
    with unit_of_work():
        user = a_user(role=role)
        modules.enable(user, MODULE, actor="test")
    return user


@pytest.fixture
def subscribe(app: Hub, subscriber: User) -> Callable[..., Subscribed]:
    """Make an endpoint at a receiver on loopback, which an admin has allowed."""

    def make(receiver: Receiver | str, *events: str, user: User = subscriber, **facts: Any) -> Subscribed:
        url = receiver if isinstance(receiver, str) else receiver.url
        port = int(url.rpartition(":")[2].partition("/")[0])
        data = {
            "url": url,
            "events": list(events) or ["einvoice.*"],
            "allowances": [{"cidr": "127.0.0.0/8", "port": port}],
            **facts,
        }
        with unit_of_work():
            issued = endpoints.create(data, user.id, actor="test", may_allow=True)
        return Subscribed(issued.endpoint.id, issued.secret, user.id)

    return make


@pytest.fixture
def happen(subscriber: User, relayed: Callable[[], int]) -> Callable[..., list[Einvoice]]:
    """Have e-invoices drafted and their events placed: a delivery for each endpoint that wants them."""

    def make(count: int = 1, *, user: User = subscriber, **facts: Any) -> list[Einvoice]:
        with unit_of_work():
            made = [drafts.create({**a_draft(), "provider": "null", **facts}, user.id) for _ in range(count)]
        relayed()
        return made

    return make


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run both senders until nothing is due; how many attempts were made."""
    monkeypatch.setattr(dispatcher, "LINGER_SECONDS", 0.0)

    def run() -> int:
        return dispatcher.send_due("first") + dispatcher.send_due("retry")

    return run


def deliveries(endpoint: Subscribed | None = None) -> list[Delivery]:
    """All deliveries, or those of an endpoint, by sequence."""
    with unit_of_work():
        query = db.select(Delivery).order_by(Delivery.endpoint_id, Delivery.sequence)
        query = query if endpoint is None else query.where(Delivery.endpoint_id == endpoint.id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))


@pytest.fixture
def manager(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    """A client of an integrator with the module; ``client.user`` says who."""
    return manager_of(client_as, "integrator")


@pytest.fixture
def admin(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    return manager_of(client_as, "admin")


def manager_of(client_as: Callable[..., FlaskClient], role: str) -> Any:
    client: Any = client_as(role)
    with unit_of_work():
        client.user = db.session.query(User).order_by(User.id.desc()).first()
        modules.enable(client.user, MODULE, actor="test")
    return client
