"""The broadcaster: slow readers, unusual Redis messages, and callers that lose access."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import msgspec
import pytest
from flask.testing import FlaskClient

from app import events
from app.accounts.models.accounts import User
from app.accounts.models.tokens import AccessToken
from app.accounts.tokens import service as tokens
from app.extensions import bus, db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.stream import sse_frames
from app.stream.broadcaster import broadcaster
from app.stream.publisher import CHANNEL, publish_batch
from tests.factories import a_token
from tests.stream.readers import SALES_STREAM, ClientWith, Reader, Relayed, import_sale


class TestAccess:
    @pytest.mark.parametrize("path", [SALES_STREAM, "/api/v1/stream"])
    def test_a_stream_ends_after_its_token_is_revoked(self, app: Hub, anybody: FlaskClient, path: str) -> None:
        with unit_of_work():
            _, plain = a_token()
        answer = anybody.get(path, headers={"Authorization": f"Bearer {plain}"}, buffered=False)
        reader = Reader(answer)
        broadcaster.end_unauthorized_streams()
        assert reader.next_comment() == ": keep-alive", "a caller with access keeps the stream"
        with unit_of_work():
            tokens.revoke(1, scope=None, actor="a test")
        broadcaster.end_unauthorized_streams()
        with pytest.raises(StopIteration):
            for _ in range(20):
                reader.next_line()
        assert anybody.get(path, headers={"Authorization": f"Bearer {plain}"}).status_code == 401

    def test_a_stream_ends_after_its_user_is_deactivated(
        self, client_as: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.modules[broadcaster.__module__], "REVALIDATE_SECONDS", 0.1)
        reader = Reader(client_as("warehouse").get(SALES_STREAM, buffered=False))
        with unit_of_work():
            db.session.query(User).one().is_active = False
        started = time.monotonic()
        with pytest.raises(StopIteration):
            while time.monotonic() - started < 15:
                reader.next_line()


def _end_of(reader: Reader) -> None:
    with pytest.raises(StopIteration):
        for _ in range(20):
            reader.next_line()


class TestChangedRights:
    @pytest.mark.parametrize("path", [SALES_STREAM, "/api/v1/stream"])
    @pytest.mark.parametrize("door", ["token", "ticket", "session"])
    def test_a_stream_ends_after_its_user_sees_less(
        self, app: Hub, anybody: FlaskClient, client_as: Callable[..., FlaskClient], path: str, door: str
    ) -> None:
        signed_in = client_as("admin")
        with unit_of_work():
            user = db.session.query(User).one()
            _, plain = a_token(user)
        headers = {"Authorization": f"Bearer {plain}"}
        query = {}
        if door == "session":
            headers = {"Authorization": signed_in.environ_base["HTTP_AUTHORIZATION"]}
        elif door == "ticket":
            query = {"ticket": anybody.post("/api/v1/stream/tickets", headers=headers).json["ticket"]}
            headers = {}
        reader = Reader(anybody.get(path, headers=headers, query_string=query, buffered=False))
        broadcaster.end_unauthorized_streams()
        assert reader.next_comment() == ": keep-alive", "nothing changed"
        with unit_of_work():
            db.session.query(User).one().role = "integrator"
        broadcaster.end_unauthorized_streams()
        _end_of(reader)

    def test_a_ticket_has_the_role_of_its_user_when_it_is_used(
        self, client_as: Callable[..., FlaskClient], anybody: FlaskClient
    ) -> None:
        ticket = client_as("admin").post("/api/v1/stream/tickets").json["ticket"]
        with unit_of_work():
            db.session.query(User).one().role = "integrator"
        with Reader(anybody.get(SALES_STREAM, query_string={"ticket": ticket}, buffered=False)).answer:
            [subscriber] = broadcaster.subscribers
            assert not subscriber.filter.everybody

    def test_a_stream_ends_after_the_allowlist_excludes_its_address(self, anybody: FlaskClient) -> None:
        with unit_of_work():
            _, plain = a_token()
        reader = Reader(anybody.get(SALES_STREAM, headers={"Authorization": f"Bearer {plain}"}, buffered=False))
        with unit_of_work():
            db.session.query(AccessToken).one().allowlist = ["192.0.2.0/24"]
        broadcaster.end_unauthorized_streams()
        _end_of(reader)

    def test_a_ticket_keeps_the_allowlist_of_its_token(self, anybody: FlaskClient) -> None:
        with unit_of_work():
            _, plain = a_token(allowlist=["127.0.0.0/8"])
        made = anybody.post("/api/v1/stream/tickets", headers={"Authorization": f"Bearer {plain}"})
        query = {"ticket": made.json["ticket"]}
        elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
        answer = anybody.get("/api/v1/stream", query_string=query, environ_base=elsewhere, buffered=False)
        assert answer.status_code == 403
        made = anybody.post("/api/v1/stream/tickets", headers={"Authorization": f"Bearer {plain}"})
        query = {"ticket": made.json["ticket"]}
        with anybody.get("/api/v1/stream", query_string=query, buffered=False) as opened:
            assert opened.status_code == 200


def test_a_slow_reader_is_disconnected_and_can_resume(
    app: Hub,
    erp: FlaskClient,
    relayed: Relayed,
    listen: Callable[..., Reader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.config, "STREAM_BUFFER_EVENTS", 2)
    slow = listen(erp)
    for number in range(5):
        import_sale(erp, f"S-{number}")
    monkeypatch.setitem(app.config, "STREAM_BUFFER_EVENTS", 100)
    quick = listen(erp)
    relayed()
    while quick.next()["id"] != "5":
        pass
    while not any(subscriber.dropped for subscriber in broadcaster.subscribers):
        time.sleep(0.01)  # the same thread feeds the slow one, perhaps after the quick one
    seen = [slow.next()["id"]]
    import_sale(erp, "S-5")
    relayed()
    assert quick.next()["id"] == "6"
    with pytest.raises(StopIteration):
        while True:
            seen.append(slow.next()["id"])
    assert seen == ["1", "2"], "the queue had space for the sixth again, but the third is missing"
    again = listen(erp, headers={"Last-Event-ID": seen[-1]})
    assert [again.next()["id"] for _ in range(4)] == ["3", "4", "5", "6"]


class TestMessages:
    def test_a_late_message_repeats_nothing(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        """Two relays may publish in another order than they committed."""
        reader, seen = listen(erp), []
        for number in range(1, 5):
            import_sale(erp, f"A-{number}")
            relayed()
            seen.append(reader.next()["id"])
            with unit_of_work():
                publish_batch(events.Batch([], head=1))
        assert seen == ["1", "2", "3", "4"]

    def test_a_process_that_is_behind_repeats_nothing(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        for number in range(1, 3):
            import_sale(erp, f"A-{number}")
        relayed()
        listen(erp).answer.close()
        broadcaster._head = 0
        reader = listen(erp, headers={"Last-Event-ID": "2"})
        import_sale(erp, "A-3")
        relayed()
        assert reader.next()["id"] == "3"

    def test_an_invalid_message_does_not_stop_the_reader(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(erp)
        assert wait_for_subscription()
        bus.client.publish(CHANNEL, "not JSON")
        import_sale(erp, "A-1")
        relayed()
        assert reader.next()["id"] == "1"


def test_an_event_that_cannot_be_shown_ends_only_the_streams_that_want_it(
    erp: FlaskClient,
    client_with: ClientWith,
    relayed: Relayed,
    listen: Callable[..., Reader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse_frames, "_body", msgspec.json.Decoder(int))
    of_sales, of_all = listen(erp), listen(client_with("events:read"), "/api/v1/stream")
    import_sale(erp, "S-1")
    relayed()
    assert of_all.next()["id"] == "1"
    _end_of(of_sales)


def wait_for_subscription() -> bool:
    return any(bus.client.pubsub_numsub(CHANNEL)[0][1] or time.sleep(0.05) for _ in range(100))
