"""The review round trip over HTTP from each section, its history, and its frames seen by a real SSE client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app.kernel.http.app import Hub
from app.stream.broadcaster import broadcaster
from tests.conftest import IMPORT_KEY
from tests.factories import an_item
from tests.sales.helpers import Person, brought_to, imported
from tests.serving import serving
from tests.sse import Listener
from tests.stream.readers import wait_until_caught_up

ITEMS = [
    an_item(item_code="MED001", barcode="BC-MED001", quantity=10, mrp=140, batch_no="B455"),
    an_item(item_code="MED002", barcode="BC-MED002", quantity=1, mrp=50),
]
#: The example of the sales document.
CORRECTION = {
    "items": [
        {"item_code": "MED001", "barcode": "BC-MED001", "mrp": 145.5, "batch_no": "B456"},
        {"item_code": "MED002", "barcode": "BC-MED002", "quantity": 2, "mrp": 55},
    ],
    "replace_items": False,
    "resolution_notes": "Fixed batch number and updated MRP",
}
SECTIONS = [
    ("PICKING", "PICKING", "PICKING"),
    ("PICKED", "PICKING", "PICKING"),
    ("PACKING", "PACKING", "PACKING"),
    ("BOXING", "PACKING", "PACKING"),
    ("PACKED", "DELIVERY", "PACKED"),
    ("DISPATCHED", "DELIVERY", "PACKED"),
]


@pytest.fixture
def listen(app: Hub) -> Iterator[Callable[[], Listener]]:
    """Begin to listen to the sales stream over a socket, once this process knows all that was placed before."""
    broadcaster._head = 0
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    opened: list[Listener] = []

    def start() -> Listener:
        wait_until_caught_up()
        opened.append(Listener(server.server_port, "/api/sales/sse/invoices/", {"X-API-KEY": IMPORT_KEY}))
        assert opened[-1].status == 200
        return opened[-1]

    with serving(server):
        yield start
        for listening in opened:
            listening.close()


def corrected(erp: FlaskClient, number: str, **more: Any) -> dict[str, Any]:
    answer = erp.patch("/api/sales/update/invoice/", json={"invoice_no": number, **CORRECTION, **more})
    assert answer.status_code == 200, answer.json
    return answer.json["data"]


@pytest.mark.parametrize("way", SECTIONS, ids="-".join)
class TestRoundTrip:
    def test_through_http_and_the_stream(
        self,
        *,
        erp: FlaskClient,
        ravi: Person,
        listen: Callable[[], Listener],
        relayed: Callable[[], int],
        way: tuple[str, str, str],
    ) -> None:
        state, section, resumed = way
        number = brought_to(state, erp, ravi, items=ITEMS)
        relayed()
        listener = listen()
        returned = ravi.does("billing/return", number, return_reason="Batch on the box is B456")
        assert (returned["status"], returned["billing_status"], returned["handling"]) == ("REVIEW", "REVIEW", None)
        assert returned["return_info"]["returned_from_section"] == section
        after = corrected(erp, number)
        assert (after["status"], after["billing_status"]) == (resumed, "RE_INVOICED")
        assert after["total_amount"] == 10 * 145.5 + 2 * 55
        assert after["return_info"]["resolution_notes"] == CORRECTION["resolution_notes"]
        relayed()
        short, full, update, corrected_frame = (listener.next() for _ in range(4))
        assert (short.event, full.event, update.event, corrected_frame.event) == (
            "invoice_review",
            "message",
            "invoice_updated",
            "message",
        )
        assert short.json["sent_by"] == "Ravi"
        assert short.json["review_reason"] == "Batch on the box is B456"
        assert short.json["returned_from_section"] == section
        assert full.json["type"] == "invoice_review"
        assert update.json["status"] == resumed
        assert corrected_frame.json["total_amount"] == after["total_amount"]
        self.goes_on(ravi, number, resumed)

    def goes_on(self, ravi: Person, number: str, resumed: str) -> None:
        """The one who had it in hand has it again, and it reaches the customer."""
        if resumed == "PICKING":
            if ravi.sees(number)["handling"] is None:
                ravi.does("picking/start", number)
            ravi.does("picking/complete", number)
            ravi.does("packing/start", number)
        if resumed in {"PICKING", "PACKING"}:
            ravi.does("packing/complete", number)
            ravi.does("boxing/complete", number, label_count=1)
        assert ravi.does("delivery/start", number, delivery_type="DIRECT")["status"] == "DELIVERED"


class TestHistory:
    def test_a_correction_tells_each_old_and_new_value(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("REVIEW", erp, ravi, items=ITEMS, priority="LOW")
        corrected(
            erp,
            number,
            priority="HIGH",
            customer={"code": "CUST-889", "phone1": "1"},
            items=[*CORRECTION["items"], an_item(item_code="MED003")],
        )
        history = ravi.history(number)
        assert [entry["step"] for entry in history] == [
            "imported",
            "picking.start",
            "billing.return",
            "billing.correct",
        ]
        assert history[2]["details"] == {"return_reason": "Batch on the box is B456", "section": "PICKING"}
        last = history[3]
        assert (last["from_status"], last["to_status"], last["note"]) == (
            "REVIEW",
            "PICKING",
            CORRECTION["resolution_notes"],
        )
        assert last["worker"] == "Ravi"
        changed = last["details"]["changes"]
        assert changed["priority"] == {"old": "LOW", "new": "HIGH"}
        assert changed["customer"] == {"phone1": {"old": "9876543210", "new": "1"}}
        assert changed["total_amount"] == {"old": 1450.0, "new": 1635.0}
        first, second, third = changed["items"]
        assert first["fields"] == {
            "mrp": {"old": 140.0, "new": 145.5},
            "batch_no": {"old": "B455", "new": "B456"},
            "line_total": {"old": 1400.0, "new": 1455.0},
        }
        assert set(second["fields"]) == {"quantity", "mrp", "line_total"}
        assert (third["change"], third["item_code"]) == ("added", "MED003")
        assert third["fields"]["quantity"] == {"old": None, "new": 20}

    def test_removed_items_are_told(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("REVIEW", erp, ravi, items=ITEMS)
        corrected(erp, number, items=[{"barcode": "BC-MED002"}], replace_items=True)
        [removed] = ravi.history(number)[-1]["details"]["changes"]["items"]
        assert (removed["change"], removed["item_code"]) == ("removed", "MED001")
        assert removed["fields"]["quantity"] == {"old": 10, "new": None}

    def test_a_busy_worker_does_not_get_it_back(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("REVIEW", erp, ravi, items=ITEMS)
        ravi.does("picking/start", imported(erp))
        assert corrected(erp, number)["handling"] is None
        [waiting] = ravi.client.get("/api/sales/queues/picking/").json["results"]
        assert waiting["invoice_no"] == number

    def test_pages(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("DELIVERED", erp, ravi)
        path, steps = f"/api/sales/invoices/{ravi.sees(number)['id']}/history/?page_size=2", []
        while path:
            page = erp.get(path).json
            steps += [entry["step"] for entry in page["results"]]
            path = page["next"]
        assert steps == [entry["step"] for entry in ravi.history(number)]
        assert len(steps) == 7

    def test_of_an_unknown_invoice(self, erp: FlaskClient) -> None:
        assert erp.get("/api/sales/invoices/99/history/").status_code == 404

    def test_a_corrected_item_is_found_by_its_new_words(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("REVIEW", erp, ravi, items=ITEMS)
        corrected(erp, number, items=[{"barcode": "BC-MED001", "name": "Zincovit"}])
        assert ravi.sees("zinco")["invoice_no"] == number


def test_each_step_is_a_default_message_with_the_full_invoice(
    erp: FlaskClient, ravi: Person, listen: Callable[[], Listener], relayed: Callable[[], int]
) -> None:
    listener = listen()
    number = imported(erp)
    ravi.does("picking/start", number)
    ravi.does("hold", number, reason="x")
    ravi.does("release", number)
    ravi.does("session/cancel", number)
    relayed()
    frames = [listener.next() for _ in range(5)]
    assert {frame.event for frame in frames} == {"message"}
    shown = [(f.json["status"], bool(f.json["handling"]), bool(f.json["hold"])) for f in frames]
    assert shown == [
        ("INVOICED", False, False),
        ("PICKING", True, False),
        ("PICKING", False, True),
        ("PICKING", True, False),
        ("INVOICED", False, False),
    ]
    assert all(frame.json["items"] for frame in frames)
    [*_, last] = ravi.client.get("/api/v1/events").json["data"]
    assert (last["event"], last["data"]["step"], last["data"]["previous_status"]) == (
        "sales.status_changed",
        "picking.cancel",
        "PICKING",
    )
