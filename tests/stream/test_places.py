"""Places for streams: the quota of a user over all its credentials and over all web processes."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
from flask.testing import FlaskClient

from app.accounts.principals import Principal
from app.extensions import bus
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.stream import places
from app.stream.errors import TooManyStreams
from app.stream.places import Counts, Limits, StreamPlaces
from tests.factories import a_token, a_user
from tests.stream.readers import Reader

STREAM = "/api/v1/stream"
LIMITS = Limits(per_credential=9, per_user=2, per_process=9)


def caller(name: str, user_id: int | None = 7) -> Principal:
    return Principal(credential=name, abilities=frozenset(), name=name, user_id=user_id)


@pytest.fixture
def tokens(app: Hub) -> list[FlaskClient]:
    """Three clients, each with another token of the same user."""
    clients = []
    with unit_of_work():
        user = a_user()
        for _ in range(3):
            _, plain = a_token(user, abilities=["events:read"])
            clients.append(app.test_client())
            clients[-1].environ_base["HTTP_AUTHORIZATION"] = f"Bearer {plain}"
    return clients


def test_tokens_of_a_user_share_its_quota(
    app: Hub, tokens: list[FlaskClient], listen: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "STREAMS_PER_USER", 2)
    first, second, third = tokens
    listen(first, STREAM)
    ended = listen(second, STREAM)
    refused = third.get(STREAM)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert refused.json == {
        "message": "This user has as many open streams as it may have.",
        "error": "TOO_MANY_STREAMS",
    }
    ended.answer.close()
    listen(third, STREAM)


def test_streams_in_other_processes_count(app: Hub) -> None:
    here, now = StreamPlaces(), time.time()
    stale = places.STALE_SECONDS + 1
    for process, at in (("other:1", now), ("dead:2", now - stale), ("before the clock was put back:3", now + stale)):
        bus.client.hset(places.KEY, process, msgspec.json.encode(Counts(at, {"user:7": 1})).decode())
    here.exchange_if_due()
    here.reserve(caller("token:1"), LIMITS)
    with pytest.raises(TooManyStreams):
        here.reserve(caller("token:2"), LIMITS)
    here.reserve(caller("token:3", user_id=8), LIMITS)
    assert len(bus.client.hgetall(places.KEY)) == 2


def test_a_process_tells_its_streams(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    here = StreamPlaces()
    here.reserve(caller("token:1"), LIMITS)
    here.reserve(caller("api_key:1", user_id=None), LIMITS)
    here.exchange_if_due()
    [stored] = bus.client.hvals(places.KEY)
    assert msgspec.json.decode(stored, type=Counts).streams == {"user:7": 1, "api_key:1": 1}
    here.release(caller("token:1"))
    monkeypatch.setattr(places, "EXCHANGE_SECONDS", 0)
    here.exchange_if_due()
    [stored] = bus.client.hvals(places.KEY)
    assert msgspec.json.decode(stored, type=Counts).streams == {"api_key:1": 1}
