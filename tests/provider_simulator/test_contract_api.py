"""The contract of the simulator: keys, numbers, look-ups, faults on request, bad requests."""

from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.einvoices.providers.behaviours import BEHAVIOURS
from app.provider_simulator import document_store
from app.provider_simulator.application import MAX_BODY_BYTES
from app.provider_simulator.document_store import DocumentStore
from tests.provider_simulator.conftest import Peer

LOST = [name for name, known in BEHAVIOURS.items() if known.stores and not known.is_answered]


class TestKeys:
    def test_a_repeat_gets_the_first_answer(self, peer: Peer) -> None:
        first = peer.send("k1")
        assert first == (200, {"provider_status": "accepted", "provider_invoice_id": "SIM-000001"})
        assert peer.send("k1", metadata={"simulate": "refuse"}) == first
        assert peer.send("k1", metadata={"simulate": "reject"}) == first
        [document] = peer.store.documents()
        assert (document.received, document.word) == (3, "accepted")

    def test_a_number_under_another_key_is_refused(self, peer: Peer) -> None:
        assert peer.send("k1")[0] == 200
        assert peer.send("k2")[0] == 409
        assert peer.send("k1", "EA-2")[0] == 409, "a key with another number"
        assert peer.look_up("k2")[0] == 404
        assert peer.store.count() == 1

    def test_sellers_and_accounts_have_numbers_of_their_own(self, peer: Peer) -> None:
        assert peer.send("k1", seller={"tax_id": "1"})[0] == 200
        assert peer.send("k2", seller={"tax_id": "2"})[0] == 200
        assert peer.send("k3", seller={"tax_id": "2"})[0] == 409
        assert peer.send("k1", account="other")[0] == 200

    def test_parallel_requests_with_one_number_store_one(self, peer: Peer) -> None:
        with ThreadPoolExecutor(8) as pool:
            codes = Counter(code for code, _ in pool.map(lambda n: peer.send(f"k{n}"), range(16)))
        assert codes == {200: 1, 409: 15}

    def test_the_list_is_kept_in_its_file(self, run_simulator: Callable[..., Peer], tmp_path: Path) -> None:
        first = run_simulator(store=DocumentStore(tmp_path / "list.sqlite")).send("k1")
        later = run_simulator(store=DocumentStore(tmp_path / "list.sqlite"))
        assert (later.send("k1"), later.send("k2")[0]) == (first, 409)

    def test_a_full_list_takes_no_more(self, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(document_store, "MAX_DOCUMENTS", 1)
        assert [peer.send(f"k{n}", f"EA-{n}")[0] for n in (1, 2, 1)] == [200, 503, 200]


class TestBehaviours:
    @pytest.mark.parametrize("name", LOST)
    def test_an_answer_is_lost_once(self, peer: Peer, name: str) -> None:
        try:
            code, _ = peer.send("k1", metadata={"simulate": name})
        except (OSError, http.client.HTTPException, ValueError):
            code = 0
        assert code in {0, 503}
        assert peer.look_up("k1") == (200, {"provider_status": "accepted", "provider_invoice_id": "SIM-000001"})
        assert peer.send("k1", metadata={"simulate": name})[0] == 200

    @pytest.mark.parametrize(("name", "code"), [("refuse", 422), ("fail", 503), ("cut", 0)])
    def test_nothing_is_stored(self, peer: Peer, name: str, code: int) -> None:
        try:
            answered, _ = peer.send("k1", metadata={"simulate": name})
        except (OSError, http.client.HTTPException):
            answered = 0
        assert (answered, peer.look_up("k1")[0]) == (code, 404)

    def test_the_document_decides_before_the_header_and_the_address(self, peer: Peer) -> None:
        peer.headers["X-Simulate"] = "reject"
        assert (
            peer.send("k1", "EA-1", query="?simulate=refuse", metadata={"simulate": "accept"})[1]["provider_status"]
            == "accepted"
        )
        assert peer.send("k2", "EA-2", query="?simulate=refuse")[1]["provider_status"] == "rejected"
        peer.headers.clear()
        assert peer.send("k3", "EA-3", query="?simulate=refuse")[0] == 422
        assert peer.send("k4", "EA-4", query="?simulate=unknown", metadata=["odd"])[0] == 200

    def test_shares_are_drawn_and_the_rest_is_the_default(self, run_simulator: Callable[..., Peer]) -> None:
        peer = run_simulator(chance=random.Random(17))
        peer.store.set_setting("shares", {"refuse": 30, "fail": 20})
        peer.store.set_setting("default", "reject")
        codes = Counter(peer.send(f"k{n}", f"EA-{n}")[0] for n in range(200))
        assert 40 < codes[422] < 80
        assert 25 < codes[503] < 55
        assert {document.word for document in peer.store.documents()} == {"rejected"}

    def test_look_ups_fail_by_their_share(self, peer: Peer) -> None:
        peer.send("k1")
        peer.store.set_setting("look_up_failures", 100)
        assert peer.look_up("k1")[0] == 503


class TestRequests:
    @pytest.mark.parametrize(
        ("body", "kind", "code"),
        [
            (b"{", "application/json", 400),
            (b"[]", "application/json", 422),
            (b'{"key": "k1"}', "application/json", 422),
            (b'{"key": "k1", "einvoice": {"invoice_no": 5}}', "application/json", 422),
            (b'{"key": "k2", "einvoice": {"invoice_no": "EA-1"}}', "application/json", 422),
            (b'{"key": "k1", "einvoice": {"invoice_no": "EA-1"}}', "text/plain", 422),
            (b'{"a": "' + b"x" * MAX_BODY_BYTES + b'"}', "application/json", 413),
        ],
        ids=range(7),
    )
    def test_bad_ones_are_refused(self, peer: Peer, body: bytes, kind: str, code: int) -> None:
        headers = {"Content-Type": kind, "Idempotency-Key": "k1"}
        assert peer.request("/demo/einvoices", body, headers)[0] == code
        assert peer.store.count() == 0

    def test_another_host_name_is_refused(self, peer: Peer) -> None:
        assert peer.request("/", None, {"Host": "evil.example"})[0] == 400

    def test_a_token_is_asked_for_when_it_is_set(self, run_simulator: Callable[..., Peer]) -> None:
        peer = run_simulator(token="s3cret")
        assert (peer.send("k1")[0], peer.look_up("k1")[0]) == (401, 401)
        peer.headers["Authorization"] = "Bearer s3cret"
        assert (peer.send("k1")[0], peer.look_up("k1")[0]) == (200, 200)
