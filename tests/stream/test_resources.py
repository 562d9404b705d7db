"""The streams and the log over HTTP, in one process with a real Valkey between relay and reader."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from app import events
from app.accounts.models.accounts import User
from app.accounts.tokens import service as tokens
from app.extensions import bus, db
from app.kernel import clock, json
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.floor import review as floor_review
from app.sales.floor.history import Actor
from app.sales.models.invoices import SalesInvoice
from app.stream import service
from app.stream.broadcaster import broadcaster
from app.stream.models import StreamTicket
from app.stream.publisher import CHANNEL, publish_batch
from app.stream.tasks import purge_tickets
from tests.factories import a_sale, a_token

SALES_STREAM = "/api/sales/sse/invoices/"
ClientWith = Callable[[str], FlaskClient]
Relayed = Callable[[], int]


class Reader:
    """Reads frames out of a streamed answer, one at a time."""

    def __init__(self, answer: TestResponse) -> None:
        assert answer.status_code == 200, answer.get_data()
        self.answer = answer
        self._chunks: Iterator[bytes] = answer.iter_encoded()
        self._text = ""
        self.next_raw()  # the stream stands once its first sign of life is here

    def next_raw(self) -> str:
        while "\n\n" not in self._text:
            self._text += next(self._chunks).decode()
        raw, _, self._text = self._text.partition("\n\n")
        return raw

    def next(self) -> dict[str, str]:
        """The fields of the next frame that is no comment."""
        while (raw := self.next_raw()).startswith((":", "retry")):
            pass
        return dict(re.match(r"(\w+): (.*)", line, re.S).groups() for line in raw.split("\n"))  # type: ignore[union-attr]


@pytest.fixture
def listen() -> Iterator[Callable[..., Reader]]:
    readers: list[Reader] = []

    def start(client: FlaskClient, path: str = SALES_STREAM, **options: object) -> Reader:
        caught_up()
        readers.append(Reader(client.get(path, buffered=False, **options)))  # type: ignore[arg-type]
        return readers[-1]

    yield start
    for reader in readers:
        reader.answer.close()


def caught_up() -> None:
    """What was placed before a reader comes is not to reach it late: the hub of this process may be behind."""
    deadline = time.monotonic() + 10
    while broadcaster._pid == os.getpid() and broadcaster._head < events.last_position():
        assert time.monotonic() < deadline, "the hub did not catch up"
        db.session.rollback()
        time.sleep(0.01)


def imported(erp: FlaskClient, number: str) -> None:
    assert erp.post("/api/sales/import/invoice/", json=a_sale(invoice_no=number)).status_code == 201


def put_in_review(invoice_no: str) -> None:
    with unit_of_work():
        db.session.execute(update(SalesInvoice).where(SalesInvoice.invoice_no == invoice_no).values(status="PACKING"))
    with unit_of_work():
        floor_review.return_to_billing(invoice_no, "Wrong batch", actor=Actor("Asha"))


class TestSalesStream:
    def test_sends_the_full_invoice_as_a_default_message(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(erp)
        imported(erp, "S-1")
        relayed()
        frame = reader.next()
        assert frame["id"] == "1"
        assert "event" not in frame
        invoice = json.decode(frame["data"])
        assert invoice == erp.get(f"/api/sales/invoices/{invoice['id']}/").json

    def test_sends_two_frames_for_a_review_and_an_update(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        imported(erp, "S-1")
        relayed()
        reader = listen(erp)
        put_in_review("S-1")
        erp.patch("/api/sales/update/invoice/", json={"invoice_no": "S-1", "resolution_notes": "mended"})
        relayed()
        short, full = reader.next(), reader.next()
        assert short["event"] == "invoice_review"
        assert "id" not in short
        review = json.decode(short["data"])
        assert list(review) == [
            "type",
            "invoice_no",
            "status",
            "billing_status",
            "timestamp",
            "sent_by",
            "review_reason",
            "returned_from_section",
        ]
        assert (review["sent_by"], review["review_reason"], review["returned_from_section"]) == (
            "Asha",
            "Wrong batch",
            "PACKING",
        )
        assert "event" not in full
        assert json.decode(full["data"])["type"] == "invoice_review"
        short, full = reader.next(), reader.next()
        assert short["event"] == "invoice_updated"
        assert json.decode(short["data"])["billing_status"] == "RE_INVOICED"
        assert json.decode(full["data"])["return_info"]["resolution_notes"] == "mended"
        assert full["id"] == "3"

    @pytest.mark.parametrize("way", ["header", "query"])
    def test_resumes_behind_the_last_id(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader], way: str
    ) -> None:
        for number in range(5):
            imported(erp, f"S-{number}")
        relayed()
        where = {"headers": {"Last-Event-ID": "2"}} if way == "header" else {"query_string": {"last_event_id": 2}}
        reader = listen(erp, **where)
        imported(erp, "S-5")
        relayed()
        assert [reader.next()["id"] for _ in range(4)] == ["3", "4", "5", "6"]

    def test_an_id_that_was_never_given_begins_with_what_is_new(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(erp, headers={"Last-Event-ID": "999"})
        imported(erp, "S-1")
        relayed()
        assert reader.next()["id"] == "1"

    @pytest.mark.parametrize("wrong", ["x", "-1", "1.5", "9" * 19, "١"])
    def test_refuses_an_id_that_is_none(self, erp: FlaskClient, wrong: str) -> None:
        answer = erp.get(SALES_STREAM, headers={"Last-Event-ID": wrong})
        assert answer.status_code == 400
        assert "Last-Event-ID" in answer.json["errors"]

    def test_needs_a_credential(self, anybody: FlaskClient) -> None:
        assert anybody.get(SALES_STREAM).status_code == 401

    def test_tells_proxies_not_to_hold_it_back(self, erp: FlaskClient, listen: Callable[..., Reader]) -> None:
        headers = listen(erp).answer.headers
        assert headers["X-Accel-Buffering"] == "no"
        assert "no-cache" in headers["Cache-Control"]
        assert headers["Content-Type"].startswith("text/event-stream")

    def test_gives_signs_of_life(self, erp: FlaskClient, listen: Callable[..., Reader]) -> None:
        reader = listen(erp)
        assert [reader.next_raw() for _ in range(3)] == [": keep-alive"] * 3

    def test_ends_after_its_time(self, app: Hub, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "STREAM_LIFETIME_SECONDS", 0.3)
        answer = erp.get(SALES_STREAM, buffered=False)
        assert b"keep-alive" in b"".join(answer.iter_encoded())

    @pytest.mark.parametrize("path", [SALES_STREAM, "/api/v1/stream"])
    def test_ends_once_its_token_is_revoked(self, app: Hub, anybody: FlaskClient, path: str) -> None:
        with unit_of_work():
            _, plain = a_token()
        answer = anybody.get(path, headers={"Authorization": f"Bearer {plain}"}, buffered=False)
        reader = Reader(answer)
        broadcaster.end_unauthorized_streams()
        assert reader.next_raw() == ": keep-alive", "whoever still may listen goes on"
        with unit_of_work():
            tokens.revoke(1, scope=None, actor="a test")
        broadcaster.end_unauthorized_streams()
        with pytest.raises(StopIteration):
            for _ in range(20):
                reader.next_raw()
        assert anybody.get(path, headers={"Authorization": f"Bearer {plain}"}).status_code == 401

    def test_ends_by_itself_once_its_user_is_out(
        self, client_as: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.modules[broadcaster.__module__], "REVALIDATE_SECONDS", 0.1)
        reader = Reader(client_as("warehouse").get(SALES_STREAM, buffered=False))
        with unit_of_work():
            db.session.query(User).one().is_active = False
        started = time.monotonic()
        with pytest.raises(StopIteration):
            while time.monotonic() - started < 15:
                reader.next_raw()

    def test_a_credential_has_so_many_streams(
        self, app: Hub, erp: FlaskClient, listen: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "STREAMS_PER_CREDENTIAL", 2)
        listen(erp)
        second = listen(erp)
        refused = erp.get(SALES_STREAM)
        assert refused.status_code == 429
        assert refused.headers["Retry-After"]
        second.answer.close()
        listen(erp)

    def test_a_slow_reader_is_dropped_and_loses_nothing(
        self,
        app: Hub,
        erp: FlaskClient,
        relayed: Relayed,
        listen: Callable[..., Reader],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(app.config, "STREAM_BUFFER_EVENTS", 2)
        slow = listen(erp)
        for number in range(5):
            imported(erp, f"S-{number}")
        monkeypatch.setitem(app.config, "STREAM_BUFFER_EVENTS", 100)
        quick = listen(erp)
        relayed()
        while quick.next()["id"] != "5":
            pass  # one thread feeds both, each event to everybody: the slow one was offered four
        seen = [slow.next()["id"]]
        imported(erp, "S-5")
        relayed()
        assert quick.next()["id"] == "6"
        with pytest.raises(StopIteration):
            while True:
                seen.append(slow.next()["id"])
        assert seen == ["1", "2"], "there was room again for the sixth, but the third is missing"
        again = listen(erp, headers={"Last-Event-ID": seen[-1]})
        assert [again.next()["id"] for _ in range(4)] == ["3", "4", "5", "6"]


class TestBroadcasts:
    def test_one_that_comes_late_repeats_nothing(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        """Two relays may publish in another order than they committed."""
        reader, seen = listen(erp), []
        for number in range(1, 5):
            imported(erp, f"A-{number}")
            relayed()
            seen.append(reader.next()["id"])
            with unit_of_work():
                publish_batch(events.Batch([], head=1))
        assert seen == ["1", "2", "3", "4"]

    def test_a_process_behind_the_one_before_repeats_nothing(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        for number in range(1, 3):
            imported(erp, f"A-{number}")
        relayed()
        listen(erp).answer.close()
        broadcaster._head = 0
        reader = listen(erp, headers={"Last-Event-ID": "2"})
        imported(erp, "A-3")
        relayed()
        assert reader.next()["id"] == "3"

    def test_one_that_makes_no_sense_silences_nobody(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(erp)
        assert wait_for_a_reader()
        bus.client.publish(CHANNEL, "no broadcast")
        imported(erp, "A-1")
        relayed()
        assert reader.next()["id"] == "1"


def wait_for_a_reader() -> bool:
    return any(bus.client.pubsub_numsub(CHANNEL)[0][1] or time.sleep(0.05) for _ in range(100))


class TestTopics:
    def test_names_each_frame_after_its_event_and_carries_the_body(
        self, erp: FlaskClient, client_with: ClientWith, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(client_with("events:read"), "/api/v1/stream?topics=sales.imported")
        imported(erp, "S-1")
        put_in_review("S-1")
        imported(erp, "S-2")
        relayed()
        frames = [reader.next(), reader.next()]
        assert [frame["event"] for frame in frames] == ["sales.imported"] * 2
        assert [frame["id"] for frame in frames] == ["1", "3"]
        body = json.decode(frames[0]["data"])
        assert set(body) == {"event", "id", "created_at", "data"}
        assert body["data"]["invoice"]["invoice_no"] == "S-1"

    @pytest.mark.parametrize("topics", ["sales.nothing", "nothing.*", "", "sales"])
    def test_refuses_topics_that_do_not_exist(self, client_with: ClientWith, topics: str) -> None:
        answer = client_with("events:read").get("/api/v1/stream", query_string={"topics": topics})
        assert answer.status_code == 422
        assert "topics" in answer.json["errors"]


class TestTickets:
    def make(self, client: FlaskClient) -> str:
        answer = client.post("/api/v1/stream/tickets")
        assert answer.status_code == 201
        assert answer.json["expires_in"] == 60
        ticket: str = answer.json["ticket"]
        return ticket

    def test_opens_one_stream_once(
        self, client_with: ClientWith, anybody: FlaskClient, listen: Callable[..., Reader]
    ) -> None:
        ticket = self.make(client_with("events:read"))
        listen(anybody, f"/api/v1/stream?ticket={ticket}")
        assert anybody.get(f"/api/v1/stream?ticket={ticket}").status_code == 401

    def test_expires(self, client_with: ClientWith, anybody: FlaskClient) -> None:
        ticket = self.make(client_with("events:read"))
        with unit_of_work():
            db.session.execute(update(StreamTicket).values(expires_at=clock.now() - timedelta(seconds=1)))
        assert anybody.get(f"/api/v1/stream?ticket={ticket}").status_code == 401

    @pytest.mark.parametrize("shut_out", [True, False])
    def test_stands_for_a_credential_that_is_still_good(self, anybody: FlaskClient, shut_out: bool) -> None:
        with unit_of_work():
            _, plain = a_token()
        answer = anybody.post("/api/v1/stream/tickets", headers={"Authorization": f"Bearer {plain}"})
        assert answer.status_code == 201
        if shut_out:
            with unit_of_work():
                tokens.revoke(1, scope=None, actor="a test")
        opened = anybody.get(SALES_STREAM, query_string={"ticket": answer.json["ticket"]}, buffered=False)
        assert opened.status_code == (403 if shut_out else 200)
        opened.close()

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/api/sales/invoices/"), ("GET", "/api/v1/events"), ("POST", "/api/v1/stream/tickets")],
    )
    def test_opens_nothing_but_streams(
        self, client_with: ClientWith, anybody: FlaskClient, method: str, path: str
    ) -> None:
        ticket = self.make(client_with("events:read"))
        assert anybody.open(f"{path}?ticket={ticket}", method=method).status_code == 401

    def test_is_not_kept_in_the_clear(self, client_with: ClientWith) -> None:
        ticket = self.make(client_with("events:read"))
        stored = db.session.scalars(db.select(StreamTicket)).one()
        assert stored.ticket_hash == service._hash(ticket)
        assert ticket not in str(stored.principal)

    def test_is_cleared_away_when_nobody_comes(self, client_with: ClientWith) -> None:
        self.make(client_with("events:read"))
        assert purge_tickets() == 0
        with unit_of_work():
            db.session.execute(update(StreamTicket).values(expires_at=clock.now() - timedelta(seconds=1)))
        assert purge_tickets() == 1


class TestLog:
    def test_pages_through_everything_once(self, erp: FlaskClient, client_with: ClientWith, relayed: Relayed) -> None:
        for number in range(5):
            imported(erp, f"S-{number}")
        relayed()
        reader, after, seen = client_with("events:read"), 0, []
        while True:
            answer = reader.get(f"/api/v1/events?after={after}&limit=2").json
            seen += [(event["position"], event["data"]["invoice"]["invoice_no"]) for event in answer["data"]]
            if answer["meta"]["next_after"] == after:
                break
            after = answer["meta"]["next_after"]
        assert seen == [(number + 1, f"S-{number}") for number in range(5)]
        assert answer["meta"] == {"next_after": 5, "head": 5}

    def test_shows_nothing_that_has_no_position_yet(self, erp: FlaskClient, client_with: ClientWith) -> None:
        imported(erp, "S-1")
        assert client_with("events:read").get("/api/v1/events").json == {
            "data": [],
            "meta": {"next_after": 0, "head": 0},
        }

    @pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=501", "topics=x", "misspelt=1"])
    def test_refuses_what_makes_no_sense(self, client_with: ClientWith, query: str) -> None:
        assert client_with("events:read").get(f"/api/v1/events?{query}").status_code == 422

    def test_an_import_key_may_not(self, erp: FlaskClient) -> None:
        assert erp.get("/api/v1/events").status_code == 403
