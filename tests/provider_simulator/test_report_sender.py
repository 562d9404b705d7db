"""Reports of the simulator: signed, repeated until they are taken, in the order of the behaviour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from app.provider_simulator import document_store
from tests.drills.hubs import wait_for
from tests.provider_simulator.conftest import Peer
from tests.serving import serving

SECRET = f"whsec_{'A' * 43}="


class Receiver(ThreadingHTTPServer):
    """Checks signatures and keeps what it gets; the first ``refusals`` reports get 503."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.refusals = 0


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Webhook(SECRET).verify(body, dict(self.headers))
        self.server.got.append((self.headers["webhook-id"], json.loads(body)))
        self.send_response(503 if len(self.server.got) <= self.server.refusals else 204)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Write no log lines into the output of the tests."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    with serving(server):
        yield server


@pytest.fixture
def reporting(peer: Peer, receiver: Receiver) -> Peer:
    peer.store.set_target("demo", f"http://127.0.0.1:{receiver.server_port}/", SECRET)
    return peer


def words(receiver: Receiver) -> list[str]:
    return [body["provider_status"] for _, body in receiver.got]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("accept", ["accepted"]),
        ("reject", ["rejected"]),
        ("duplicate", ["accepted", "accepted"]),
        ("out_of_order", ["accepted", "processing"]),
    ],
)
def test_reports_follow_the_answer(reporting: Peer, receiver: Receiver, behaviour: str, expected: list[str]) -> None:
    _, answer = reporting.send("k1", metadata={"simulate": behaviour})
    assert answer["provider_status"] == "received"
    wait_for(lambda: len(receiver.got) == len(expected), 10)
    assert words(receiver) == expected
    assert len({name for name, _ in receiver.got}) == len(expected)
    facts = receiver.got[0][1]
    assert (facts["key"], facts["invoice_no"], facts["provider_invoice_id"]) == ("k1", "EA-1", "SIM-000001")
    if behaviour == "out_of_order":
        assert receiver.got[0][1]["occurred_at"] > receiver.got[1][1]["occurred_at"]


def test_a_late_report_waits(reporting: Peer, receiver: Receiver) -> None:
    reporting.send("k1", metadata={"simulate": "late"})
    assert reporting.look_up("k1")[1]["provider_status"] == "received"
    assert (reporting.store.open_reports(), receiver.got) == (1, [])


def test_a_report_is_repeated_until_it_is_taken(
    reporting: Peer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_store, "REPORT_PAUSE", 0.05)
    receiver.refusals = 2
    reporting.send("k1")
    wait_for(lambda: reporting.store.open_reports() == 0, 10)
    assert len(receiver.got) == 3
    assert len({name for name, _ in receiver.got}) == 1, "a repeat has the same id"
    documents = reporting.store.documents()
    assert reporting.store.answers_of(documents) == {documents[0].id: ["accepted: 204"]}


def test_a_receiver_that_is_away_is_given_up(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_store, "REPORT_PAUSE", 0.01)
    peer.store.set_target("demo", "http://127.0.0.1:1/", SECRET)
    peer.send("k1")
    wait_for(lambda: peer.store.open_reports() == 0, 10)
    [answer] = peer.store.answers_of(peer.store.documents())[1]
    assert "refused" in answer


def test_a_report_on_demand_changes_the_status(reporting: Peer, receiver: Receiver) -> None:
    reporting.send("k1")
    assert reporting.store.report_now(1, "rejected")
    assert not reporting.store.report_now(99, "rejected")
    wait_for(lambda: len(receiver.got) == 2, 10)
    assert (words(receiver)[-1], reporting.look_up("k1")[1]["provider_status"]) == ("rejected", "rejected")
