"""Providers: their word written back, and e-invoices carried to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import outbox
from app.einvoices.providers.clients import PROVIDERS
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.worker import work_queue
from tests.einvoices.conftest import URL, issued, verb
from tests.einvoices.test_lifecycle import events_of

SAMPLE = {"provider_status": "accepted", "provider_invoice_id": "PRV-999", "raw": {"provider_message": "OK"}}


def read(client: FlaskClient, einvoice_id: int) -> dict[str, Any]:
    return client.get(f"{URL}/{einvoice_id}?include_events=1").json


def said(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [event["payload"] for event in shown["events"] if event["type"] == "provider_status_updated"]


class TestWrittenBack:
    def test_as_the_document_says(self, owner: FlaskClient) -> None:
        einvoice = issued(owner)
        answer = owner.post(f"{URL}/{einvoice['id']}/provider-status", json=SAMPLE)
        assert answer.status_code == 200
        assert (answer.json["provider_status"], answer.json["provider_invoice_id"]) == ("accepted", "PRV-999")
        assert answer.json["status"] == "issued"
        [payload] = said(read(owner, einvoice["id"]))
        assert payload["raw"] == SAMPLE["raw"]
        assert events_of(einvoice["id"])[-1]["type"] == "einvoice.status_changed"
        assert events_of(einvoice["id"])[-1]["einvoice"]["provider_status"] == "accepted"

    def test_without_the_status_the_documents_words(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/{issued(owner)['id']}/provider-status", json={})
        assert answer.status_code == 422
        sentence = "The provider status field is required."
        assert answer.json == {"message": sentence, "errors": {"provider_status": [sentence]}}

    @pytest.mark.parametrize(
        "body",
        [
            {"provider_status": "x" * 101},
            {"provider_status": "x", "provider_invoice_id": "y" * 256},
            {"provider_status": "x", "raw": "text"},
            {"provider_status": "x", "raw": {"a": "b" * 70_000}},
            {"provider_status": "x", "raw": ["a\0b"]},
            {"provider_status": "x", "occurred_at": "yesterday"},
            {"provider_status": "x", "occurred_at": "0001-01-01T00:00:00+14:00"},
        ],
    )
    def test_faults_are_named(self, owner: FlaskClient, body: dict[str, Any]) -> None:
        assert owner.post(f"{URL}/{issued(owner)['id']}/provider-status", json=body).status_code == 422

    def test_late_word_is_recorded_and_changes_nothing(self, owner: FlaskClient) -> None:
        einvoice = issued(owner)
        now = clock.now()
        newer = {"provider_status": "accepted", "occurred_at": clock.iso(now)}
        older = {"provider_status": "queued", "occurred_at": clock.iso(now - timedelta(minutes=5))}
        verb(owner, einvoice["id"], "provider-status", newer)
        told = len(events_of(einvoice["id"]))
        assert verb(owner, einvoice["id"], "provider-status", older)["provider_status"] == "accepted"
        assert [payload["applied"] for payload in said(read(owner, einvoice["id"]))] == [True, False]
        assert len(events_of(einvoice["id"])) == told

    def test_a_repeat_is_recorded_and_told_once(self, owner: FlaskClient) -> None:
        einvoice = issued(owner)
        for _ in range(3):
            verb(owner, einvoice["id"], "provider-status", SAMPLE)
        assert len(said(read(owner, einvoice["id"]))) == 3
        assert [e["type"] for e in events_of(einvoice["id"])].count("einvoice.status_changed") == 1

    def test_a_repeat_makes_what_lies_before_it_old(self, owner: FlaskClient) -> None:
        einvoice, now = issued(owner), clock.now()
        for status, minutes in (("accepted", 10), ("accepted", 2), ("queued", 5)):
            word = {"provider_status": status, "occurred_at": clock.iso(now - timedelta(minutes=minutes))}
            shown = verb(owner, einvoice["id"], "provider-status", word)
        assert shown["provider_status"] == "accepted"
        assert [payload["applied"] for payload in said(read(owner, einvoice["id"]))] == [True, False, False]

    def test_a_clock_that_runs_ahead_does_not_shut_out_the_rest(self, owner: FlaskClient) -> None:
        einvoice = issued(owner)
        ahead = {"provider_status": "queued", "occurred_at": clock.iso(clock.now() + timedelta(days=400))}
        verb(owner, einvoice["id"], "provider-status", ahead)
        now = {"provider_status": "accepted", "occurred_at": clock.iso(clock.now())}
        assert verb(owner, einvoice["id"], "provider-status", now)["provider_status"] == "accepted"

    def test_needs_its_own_ability(self, client_as: Callable[..., FlaskClient]) -> None:
        answer = client_as("warehouse").post(f"{URL}/1/provider-status", json=SAMPLE)
        assert (answer.status_code, answer.json) == (403, {"message": "This action is unauthorized."})


class TestSending:
    def test_the_null_provider_accepts(self, owner: FlaskClient) -> None:
        einvoice = issued(owner, provider="null")
        assert verb(owner, einvoice["id"], "send")["provider_status"] == "queued"
        assert owner.post(f"{URL}/{einvoice['id']}/send").json["error"] == "ALREADY_SENDING"
        assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={"reason": "x"}).json["error"] == "ALREADY_SENDING"
        outbox.send_due()
        shown = read(owner, einvoice["id"])
        assert (shown["status"], shown["provider_invoice_id"]) == ("accepted", f"NULL-{einvoice['id']}")
        types = [event["type"] for event in events_of(einvoice["id"])]
        assert types[-2:] == ["einvoice.sent", "einvoice.status_changed"]
        assert owner.post(f"{URL}/{einvoice['id']}/send").json["error"] == "WRONG_STATE"

    @pytest.mark.parametrize(
        ("wish", "status", "words"),
        [
            ("accept", "accepted", ["accepted"]),
            ("reject", "rejected", ["rejected"]),
            ("duplicate", "accepted", ["accepted", "accepted"]),
            ("out_of_order", "accepted", ["accepted", "processing"]),
            ("late", "received", []),
        ],
    )
    def test_the_simulator_calls_back(
        self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, wish: str, status: str, words: list[str]
    ) -> None:
        einvoice = issued(owner, provider="simulator", metadata={"simulate": wish})
        verb(owner, einvoice["id"], "send")
        outbox.send_due()
        soon = clock.now() + timedelta(seconds=5)
        monkeypatch.setattr(clock, "now", lambda: soon)
        outbox.apply_due_callbacks()
        shown = read(owner, einvoice["id"])
        assert (shown["status"], shown["provider_status"]) == ("sent", status)
        assert [payload["provider_status"] for payload in said(shown)] == words

    def test_a_refusal_ends_at_once_and_may_be_sent_again(self, owner: FlaskClient) -> None:
        einvoice = issued(owner, provider="simulator", metadata={"simulate": "refuse"})
        verb(owner, einvoice["id"], "send")
        outbox.send_due()
        shown = read(owner, einvoice["id"])
        assert (shown["status"], shown["provider_status"]) == ("issued", "failed")
        assert shown["events"][-1]["payload"]["error"] == "The simulator was asked to refuse."
        assert owner.post(f"{URL}/{einvoice['id']}/send").status_code == 202

    def test_an_earlier_word_does_not_hide_the_answer(self, owner: FlaskClient) -> None:
        einvoice = issued(owner, provider="null")
        verb(owner, einvoice["id"], "provider-status", {"provider_status": "announced"})
        assert verb(owner, einvoice["id"], "send")["provider_status"] == "queued"
        outbox.send_due()
        shown = read(owner, einvoice["id"])
        assert (shown["status"], shown["provider_status"]) == ("accepted", "accepted")

    def test_a_failure_does_not_hide_a_callback(self, owner: FlaskClient) -> None:
        einvoice = issued(owner, provider="simulator", metadata={"simulate": "refuse"})
        verb(owner, einvoice["id"], "send")
        verb(owner, einvoice["id"], "provider-status", SAMPLE)
        outbox.send_due()
        shown = read(owner, einvoice["id"])
        assert (shown["provider_status"], shown["events"][-1]["type"]) == ("accepted", "not_sent")

    def test_failures_are_tried_again_later_and_end(self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        einvoice = issued(owner, provider="simulator", metadata={"simulate": "fail"})
        verb(owner, einvoice["id"], "send")
        keys, real, moment = set(), PROVIDERS["simulator"], clock.now()

        def counted(parcel: Any) -> Any:
            keys.add(parcel.key)
            return real(parcel)

        monkeypatch.setitem(PROVIDERS, "simulator", counted)  # type: ignore[arg-type]
        for delay in (timedelta(0), *work_queue.DELAYS):
            moment += delay + timedelta(seconds=1)
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
            outbox.send_due()
        [row] = rows()
        assert (row.state, row.attempts, row.error) == ("failed", 5, "The simulator was asked to fail.")
        assert len(keys) == 1
        assert read(owner, einvoice["id"])["provider_status"] == "failed"

    def test_a_worker_that_is_lost_loses_nothing(self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        einvoice = issued(owner, provider="null")
        verb(owner, einvoice["id"], "send")
        with monkeypatch.context() as killed:
            killed.setattr(outbox, "_record_response", lambda *_: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                outbox.send_due()
        assert not outbox.apply_due_callbacks()
        outbox.send_due()
        assert read(owner, einvoice["id"])["status"] == "issued"
        later = clock.now() + timedelta(seconds=61)
        monkeypatch.setattr(clock, "now", lambda: later)
        outbox.send_due()
        assert read(owner, einvoice["id"])["status"] == "accepted"


def rows() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(EinvoiceSending.__table__)))


@contextmanager
def a_provider(status: int, body: bytes) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append({"headers": dict(self.headers), "body": json.loads(content)})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """The test's output stays clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "state", "shown"),
    [
        (200, b'{"provider_status": "accepted", "provider_invoice_id": "P-1"}', "done", ("accepted", "accepted")),
        (202, b'{"provider_status": "in queue"}', "done", ("sent", "in queue")),
        (200, b'{"provider_status": "rejected"}', "done", ("rejected", "rejected")),
        (422, b"{}", "failed", ("issued", "failed")),
        (503, b"{}", "pending", ("issued", "queued")),
        (302, b"", "pending", ("issued", "queued")),
        (200, b"<html>", "pending", ("issued", "queued")),
        (200, b'{"provider_status": 5}', "pending", ("issued", "queued")),
        (200, b'"' + b"x" * 70_000 + b'"', "pending", ("issued", "queued")),
    ],
)
def test_the_http_provider(  # noqa: PLR0917 - a case has four facts
    app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, state: str, shown: Any
) -> None:
    einvoice = issued(owner, provider="http")
    verb(owner, einvoice["id"], "send")
    with a_provider(status, body) as (url, heard):
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", url)
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_TOKEN", "a token")
        outbox.send_due()
    [parcel] = heard
    assert parcel["headers"]["Authorization"] == "Bearer a token"
    assert parcel["headers"]["Idempotency-Key"] == parcel["body"]["key"]
    assert parcel["body"]["einvoice"]["invoice_no"] == einvoice["invoice_no"]
    assert rows()[0].state == state
    now = read(owner, einvoice["id"])
    assert (now["status"], now["provider_status"]) == shown


def test_a_callback_that_overtakes_the_answer_stays(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice = issued(owner, provider="simulator", metadata={"simulate": "late"})
    verb(owner, einvoice["id"], "send")
    real = PROVIDERS["simulator"]

    def overtaken(parcel: Any) -> Any:
        verb(owner, einvoice["id"], "provider-status", SAMPLE)
        return real(parcel)

    monkeypatch.setitem(PROVIDERS, "simulator", overtaken)  # type: ignore[arg-type]
    outbox.send_due()
    shown = read(owner, einvoice["id"])
    assert (shown["status"], shown["provider_status"]) == ("sent", "accepted")
    with db.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM e_invoice_sendings WHERE state = 'done'")) == 1
