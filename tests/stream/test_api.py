"""The streams, their tickets and the event log over HTTP, with a real Valkey between relay and reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts.models.accounts import IdempotencyKey
from app.accounts.tokens import service as tokens
from app.extensions import db
from app.kernel import clock, json
from app.kernel.http.app import Hub
from app.kernel.pagination import byte_limit
from app.kernel.unit_of_work import unit_of_work
from app.stream import service
from app.stream.models import StreamTicket
from app.stream.tasks import purge_tickets
from tests.factories import a_token
from tests.stream.readers import SALES_STREAM, ClientWith, Reader, Relayed, import_sale, put_in_review


class TestSalesStream:
    def test_sends_the_full_invoice_as_a_default_message(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(erp)
        import_sale(erp, "S-1")
        relayed()
        frame = reader.next()
        assert frame["id"] == "1"
        assert "event" not in frame
        invoice = json.decode(frame["data"])
        assert invoice == erp.get(f"/api/sales/invoices/{invoice['id']}/").json

    def test_sends_two_frames_for_a_review_and_an_update(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        import_sale(erp, "S-1")
        relayed()
        reader = listen(erp)
        put_in_review("S-1")
        erp.patch("/api/sales/update/invoice/", json={"invoice_no": "S-1", "resolution_notes": "fixed"})
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
        assert json.decode(full["data"])["return_info"]["resolution_notes"] == "fixed"
        assert full["id"] == "3"

    @pytest.mark.parametrize("place", ["header", "query"])
    def test_resumes_after_the_last_id(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader], place: str
    ) -> None:
        for number in range(5):
            import_sale(erp, f"S-{number}")
        relayed()
        resume = {"headers": {"Last-Event-ID": "2"}} if place == "header" else {"query_string": {"last_event_id": 2}}
        reader = listen(erp, **resume)
        import_sale(erp, "S-5")
        relayed()
        assert [reader.next()["id"] for _ in range(4)] == ["3", "4", "5", "6"]

    def test_a_replay_goes_on_after_each_page_that_is_cut_for_its_bytes(
        self,
        erp: FlaskClient,
        relayed: Relayed,
        listen: Callable[..., Reader],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for number in range(4):
            import_sale(erp, f"S-{number}")
        relayed()
        monkeypatch.setattr(byte_limit, "MAX_MIB", 1 / 2**20)
        reader = listen(erp, headers={"Last-Event-ID": "1"})
        assert [reader.next()["id"] for _ in range(3)] == ["2", "3", "4"]

    @pytest.mark.parametrize("path", [SALES_STREAM, "/api/v1/stream"])
    @pytest.mark.parametrize(
        ("query", "header"),
        [
            ("lastEventId=2", None),
            ("last_event_id=1&lastEventId=2", None),
            ("last_event_id=1&lastEventId=0", "2"),
            ("last_event_id=2&lastEventId=", ""),
            ("last_event_id=2&lastEventId=undefined", "null"),
            ("last_event_id= 2 ", " 2 "),
        ],
    )
    def test_resumes_as_client_libraries_ask_for_it(
        self,
        client_as: Callable[..., FlaskClient],
        relayed: Relayed,
        listen: Callable[..., Reader],
        *,
        path: str,
        query: str,
        header: str | None,
    ) -> None:
        reads = client_as("admin")
        for number in range(3):
            import_sale(reads, f"S-{number}")
        relayed()
        headers = {} if header is None else {"Last-Event-ID": header}
        assert listen(reads, path, query_string=query, headers=headers).next()["id"] == "3"

    @pytest.mark.parametrize("word", ["null", "undefined", "NaN", "None", "", " ", "Undefined"])
    @pytest.mark.parametrize("place", ["header", "last_event_id", "lastEventId"])
    def test_words_for_nothing_are_no_id(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader], place: str, word: str
    ) -> None:
        import_sale(erp, "S-1")
        relayed()
        options = {"headers": {"Last-Event-ID": word}} if place == "header" else {"query_string": {place: word}}
        reader = listen(erp, **options)
        import_sale(erp, "S-2")
        relayed()
        assert reader.next()["id"] == "2"

    def test_an_unknown_id_starts_with_new_events(
        self, erp: FlaskClient, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(erp, headers={"Last-Event-ID": "999"})
        import_sale(erp, "S-1")
        relayed()
        assert reader.next()["id"] == "1"

    @pytest.mark.parametrize("place", ["last_event_id", "lastEventId"])
    @pytest.mark.parametrize(("path", "status"), [(SALES_STREAM, 400), ("/api/v1/stream", 422)])
    def test_refuses_an_invalid_id_in_the_query(
        self, client_as: Callable[..., FlaskClient], place: str, path: str, status: int
    ) -> None:
        answer = client_as("admin").get(path, query_string={place: "x"})
        assert answer.status_code == status
        assert place in answer.json["errors"]

    @pytest.mark.parametrize("wrong", ["x", "-1", "1.5", "9" * 19, "١"])
    def test_refuses_an_invalid_id(self, erp: FlaskClient, wrong: str) -> None:
        answer = erp.get(SALES_STREAM, headers={"Last-Event-ID": wrong})
        assert answer.status_code == 400
        assert "Last-Event-ID" in answer.json["errors"]

    def test_needs_a_credential(self, anybody: FlaskClient) -> None:
        assert anybody.get(SALES_STREAM).status_code == 401

    def test_forbids_proxies_to_buffer(self, erp: FlaskClient, listen: Callable[..., Reader]) -> None:
        headers = listen(erp).answer.headers
        assert headers["X-Accel-Buffering"] == "no"
        assert "no-cache" in headers["Cache-Control"]
        assert headers["Content-Type"].startswith("text/event-stream")

    def test_sends_keep_alives_as_events_on_demand(self, erp: FlaskClient, listen: Callable[..., Reader]) -> None:
        reader = listen(erp, f"{SALES_STREAM}?keep_alive_events=true")
        for _ in range(2):
            frame = reader.next()
            assert frame["event"] == "keep_alive"
            assert json.decode(frame["data"])["seconds"] > 0
            assert "id" not in frame

    def test_sends_keep_alives(self, erp: FlaskClient, listen: Callable[..., Reader]) -> None:
        reader = listen(erp)
        assert [reader.next_comment() for _ in range(3)] == [": keep-alive"] * 3

    def test_ends_after_its_lifetime(self, app: Hub, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "STREAM_LIFETIME_SECONDS", 0.3)
        answer = erp.get(SALES_STREAM, buffered=False)
        assert b"keep-alive" in b"".join(answer.iter_encoded())

    def test_the_number_of_streams_per_credential_is_limited(
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

    def test_streams_leave_a_reserve_for_requests(
        self, app: Hub, erp: FlaskClient, listen: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "STREAMS_PER_PROCESS", 2)
        listen(erp)
        second = listen(erp)
        refused = erp.get(SALES_STREAM)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        second.answer.close()
        listen(erp)

    def test_an_answer_that_was_never_read_gives_its_place_back(
        self, app: Hub, erp: FlaskClient, listen: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "STREAMS_PER_PROCESS", 1)
        for _ in range(3):
            assert erp.head(SALES_STREAM).status_code == 200
            erp.get(SALES_STREAM, buffered=False).close()
        listen(erp)


class TestTopics:
    def test_names_each_frame_after_its_event_and_contains_the_body(
        self, erp: FlaskClient, client_with: ClientWith, relayed: Relayed, listen: Callable[..., Reader]
    ) -> None:
        reader = listen(client_with("events:read"), "/api/v1/stream?topics=sales.imported")
        import_sale(erp, "S-1")
        put_in_review("S-1")
        import_sale(erp, "S-2")
        relayed()
        frames = [reader.next(), reader.next()]
        assert [frame["event"] for frame in frames] == ["sales.imported"] * 2
        assert [frame["id"] for frame in frames] == ["1", "3"]
        body = json.decode(frames[0]["data"])
        assert set(body) == {"event", "id", "created_at", "data"}
        assert body["data"]["invoice"]["invoice_no"] == "S-1"

    @pytest.mark.parametrize("topics", ["sales.nothing", "nothing.*", ",", "sales"])
    def test_refuses_topics_that_do_not_exist(self, client_with: ClientWith, topics: str) -> None:
        answer = client_with("events:read").get("/api/v1/stream", query_string={"topics": topics})
        assert answer.status_code == 422
        assert "topics" in answer.json["errors"]

    @pytest.mark.parametrize("topics", ["", " "])
    def test_blank_topics_are_all(
        self, client_as: Callable[..., FlaskClient], relayed: Relayed, listen: Callable[..., Reader], topics: str
    ) -> None:
        reads = client_as("admin")
        reader = listen(reads, "/api/v1/stream", query_string={"topics": topics})
        import_sale(reads, "S-1")
        relayed()
        assert reader.next()["event"] == "sales.imported"


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

    @pytest.mark.parametrize("revoked", [True, False])
    def test_needs_a_credential_that_is_still_valid(self, anybody: FlaskClient, revoked: bool) -> None:
        with unit_of_work():
            _, plain = a_token()
        answer = anybody.post("/api/v1/stream/tickets", headers={"Authorization": f"Bearer {plain}"})
        assert answer.status_code == 201
        if revoked:
            with unit_of_work():
                tokens.revoke(1, scope=None, actor="a test")
        opened = anybody.get(SALES_STREAM, query_string={"ticket": answer.json["ticket"]}, buffered=False)
        assert opened.status_code == (403 if revoked else 200)
        opened.close()

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/api/sales/invoices/"), ("GET", "/api/v1/events"), ("POST", "/api/v1/stream/tickets")],
    )
    def test_opens_only_streams(self, client_with: ClientWith, anybody: FlaskClient, method: str, path: str) -> None:
        ticket = self.make(client_with("events:read"))
        assert anybody.open(f"{path}?ticket={ticket}", method=method).status_code == 401

    def test_is_stored_as_a_hash(self, client_with: ClientWith) -> None:
        ticket = self.make(client_with("events:read"))
        stored = db.session.scalars(db.select(StreamTicket)).one()
        assert stored.ticket_hash == service._hash(ticket)
        assert ticket not in str(stored.principal)

    def test_a_ticket_under_an_idempotency_key_is_stored_encrypted(self, client_with: ClientWith) -> None:
        client, key = client_with("events:read"), {"Idempotency-Key": "once"}
        first = client.post("/api/v1/stream/tickets", headers=key)
        assert client.post("/api/v1/stream/tickets", headers=key).json == first.json
        stored = db.session.query(IdempotencyKey).one()
        assert first.json["ticket"].encode() not in stored.body

    def test_is_deleted_after_it_expired(self, client_with: ClientWith) -> None:
        self.make(client_with("events:read"))
        assert purge_tickets() == 0
        with unit_of_work():
            db.session.execute(update(StreamTicket).values(expires_at=clock.now() - timedelta(seconds=1)))
        assert purge_tickets() == 1


class TestLog:
    def test_returns_every_event_once(self, erp: FlaskClient, client_with: ClientWith, relayed: Relayed) -> None:
        for number in range(5):
            import_sale(erp, f"S-{number}")
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

    def test_hides_events_without_a_position(self, erp: FlaskClient, client_with: ClientWith) -> None:
        import_sale(erp, "S-1")
        assert client_with("events:read").get("/api/v1/events").json == {
            "data": [],
            "meta": {"next_after": 0, "head": 0},
        }

    @pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=501", "topics=x", "misspelt=1"])
    def test_refuses_an_invalid_query(self, client_with: ClientWith, query: str) -> None:
        assert client_with("events:read").get(f"/api/v1/events?{query}").status_code == 422

    def test_refuses_an_import_key(self, erp: FlaskClient) -> None:
        assert erp.get("/api/v1/events").status_code == 403
