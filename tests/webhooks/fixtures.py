"""Fixtures of webhooks: receivers, endpoints, events to send, a fake clock, a fake resolver, clients."""

from __future__ import annotations

import socket
import ssl
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
from app.kernel.outbound import ssrf
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.deliveries import Attempt, Delivery
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import attempt as sender_attempt
from app.webhooks.sender import circuit_breaker, dispatcher, http_client
from app.webhooks.sender import claims as sender_claims
from tests.factories import a_draft, a_user
from tests.webhooks.receivers import Behaviour, Receiver, ok

Make = Callable[..., Any]
ENDPOINTS, DELIVERIES = "/api/v1/webhooks/endpoints", "/api/v1/webhooks/deliveries"
MODULE = "feature.einvoice_webhooks"
PUBLIC_URL = "https://8.8.8.8/hooks"


class FakeClock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)

    def now(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def fake_clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Replace the hub's clock by a fake one."""
    fake = FakeClock()
    monkeypatch.setattr(clock, "now", fake.now)
    return fake


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Addresses of host names; the test fills it, and other names do not resolve."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host == "127.0.0.1":  # background threads connect to Redis
            return list(real(host, port, *args, **kwargs))
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", lookup)
    return known


@pytest.fixture
def start_receiver(app: Hub) -> Iterator[Callable[..., Receiver]]:
    """Start receivers with the given behaviour."""
    started: list[Receiver] = []

    def start(behaviour: Behaviour = ok, tls: ssl.SSLContext | None = None) -> Receiver:
        started.append(Receiver(behaviour, tls))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def receiver(start_receiver: Callable[..., Receiver]) -> Receiver:
    return start_receiver()


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
    return create_user_with_module()


def create_user_with_module(role: str = "integrator") -> User:
    with unit_of_work():
        user = a_user(role=role)
        modules.enable(user, MODULE, actor="test")
    return user


@pytest.fixture
def subscribe(app: Hub, subscriber: User) -> Callable[..., Subscribed]:
    """Create an endpoint for a receiver on loopback, with an allowance for its port."""

    def create(receiver: Receiver | str, *events: str, user: User = subscriber, **fields: Any) -> Subscribed:
        url = receiver if isinstance(receiver, str) else receiver.url
        port = int(url.rpartition(":")[2].partition("/")[0])
        data = {
            "url": url,
            "events": list(events) or ["einvoice.*"],
            "allowances": [{"cidr": "127.0.0.0/8", "port": port}],
            **fields,
        }
        with unit_of_work():
            created = endpoints.create(data, user.id, actor="test", may_allow=True)
        return Subscribed(created.endpoint.id, created.secret, user.id)

    return create


@pytest.fixture
def create_einvoices(subscriber: User, relayed: Callable[[], int]) -> Callable[..., list[Einvoice]]:
    """Create draft e-invoices and relay their events, so that subscribed endpoints have deliveries."""

    def create(count: int = 1, *, user: User = subscriber, **fields: Any) -> list[Einvoice]:
        with unit_of_work():
            created = [
                drafts.create({**a_draft(), "provider": "null", **fields}, user.id, "test") for _ in range(count)
            ]
        relayed()
        return created

    return create


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the senders of both queues until nothing is due; return the number of attempts."""
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


def attempts_of(delivery: Delivery) -> list[Attempt]:
    with unit_of_work():
        return list(db.session.scalars(db.select(Attempt).where(Attempt.delivery_id == delivery.id).order_by("number")))


def a_result(claim: sender_claims.Claim, status: int, fake_clock: FakeClock) -> sender_attempt.AttemptResult:
    """The result of an attempt that the receiver answered with ``status``."""
    response = http_client.ReceiverResponse(3, status=status)
    return sender_attempt.AttemptResult(claim, "http://127.0.0.1/", fake_clock.moment, {}, response)


def enable(endpoint: Subscribed) -> None:
    with unit_of_work():
        circuit_breaker.enable(endpoints.find_for_update(endpoint.id, None), actor="test")


def disable(endpoint: Subscribed) -> None:
    with unit_of_work():
        row = endpoints.find_for_update(endpoint.id, None)
        circuit_breaker.disable(row, "The ERP is being moved.", actor="test")


@pytest.fixture
def manager(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    """A client of an integrator with the module; ``client.user`` is the user."""
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


def post_endpoint(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    """Create an endpoint by the API."""
    answer = client.post(ENDPOINTS, json={"url": PUBLIC_URL, "events": ["einvoice.*"], **fields})
    assert answer.status_code == 201, answer.json
    return answer.json
