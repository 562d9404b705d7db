"""The steps of the sales floor over HTTP: every step, every refusal, holds, cancelled sessions, bulk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.pagination import byte_limit
from app.kernel.unit_of_work import unit_of_work
from app.sales.floor.steps import STEPS
from app.sales.models.masters import Courier
from app.sales.state_machine import HANDLED_IN
from tests.sales.helpers import STATES, Person, a_person, brought_to, imported

Make = Callable[..., FlaskClient]

#: Each step's endpoint and what it needs; ``cancel`` and ``return`` are told apart by the state.
ENDPOINTS = {
    "picking.start": ("picking/start", {}),
    "picking.complete": ("picking/complete", {}),
    "packing.start": ("packing/start", {}),
    "packing.complete": ("packing/complete", {}),
    "boxing.complete": ("boxing/complete", {"label_count": 2}),
    "delivery.direct": ("delivery/start", {"delivery_type": "DIRECT"}),
    "delivery.complete": ("delivery/complete", {"proof_note": "Signed"}),
    "billing.return": ("billing/return", {"return_reason": "Wrong batch"}),
    "hold": ("hold", {"reason": "Price in dispute"}),
}


@pytest.fixture
def dtdc(app: Hub) -> str:
    with unit_of_work():
        db.session.add(Courier(code="DTDC", name="DTDC Express"))
    return "DTDC"


class TestTheWayThrough:
    def test_each_step_records_who_and_when(self, erp: FlaskClient, ravi: Person) -> None:
        number = imported(erp)
        picking = ravi.does("picking/start", number, note="Trolley 4")
        assert picking["status"] == "PICKING"
        assert picking["handling"]["worker"] == {"id": ravi.id, "name": "Ravi"}
        assert picking["handling"]["section"] == "PICKING"
        assert ravi.does("picking/complete", number)["handling"] is None
        assert ravi.does("packing/start", number)["status"] == "PACKING"
        boxing = ravi.does("packing/complete", number)
        assert (boxing["status"], boxing["handling"]["section"]) == ("BOXING", "PACKING")
        packed = ravi.does("boxing/complete", number, label_count=3)
        assert (packed["status"], packed["label_count"], packed["handling"]) == ("PACKED", 3, None)
        history = ravi.history(number)
        assert [entry["step"] for entry in history] == [
            "imported",
            "picking.start",
            "picking.complete",
            "packing.start",
            "packing.complete",
            "boxing.complete",
        ]
        assert all(entry.keys() == history[1].keys() for entry in history)
        assert history[1]["note"] == "Trolley 4"
        assert (history[5]["actor"], history[5]["worker_id"]) == ("Ravi", ravi.id)
        assert history[5]["details"] == {"label_count": 3}
        assert [e["at"] for e in history] == sorted(e["at"] for e in history)

    def test_direct_delivery_ends_at_once(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("PACKED", erp, ravi)
        delivered = ravi.does("delivery/start", number, delivery_type="DIRECT", proof_note="Counter sale")
        assert delivered["status"] == "DELIVERED"
        assert delivered["delivery"]["delivered_at"] is not None
        assert delivered["delivery"]["proof_note"] == "Counter sale"

    def test_a_courier_takes_it_with_a_tracking_number(self, erp: FlaskClient, ravi: Person, dtdc: str) -> None:
        number = brought_to("PACKED", erp, ravi)
        delivered = ravi.does("delivery/start", number, delivery_type="COURIER", courier=dtdc, tracking_no="D123456789")
        assert delivered["status"] == "DELIVERED"
        assert delivered["delivery"]["courier"]["name"] == "DTDC Express"
        assert delivered["delivery"]["tracking_no"] == "D123456789"
        assert ravi.history(number)[-1]["details"] == {"courier": "DTDC", "tracking_no": "D123456789"}

    def test_a_driver_takes_it_through_dispatched(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        number = brought_to("PACKED", erp, ravi)
        out = ravi.does("delivery/start", number, delivery_type="INTERNAL", driver_id=asha.id)
        assert (out["status"], out["handling"]["worker"]["id"]) == ("DISPATCHED", asha.id)
        assert ravi.takes("delivery/complete", number).status_code == 403
        done = asha.does("delivery/complete", number, proof_note="Signed by Mr Nair")
        assert (done["status"], done["delivery"]["driver"]) == ("DELIVERED", "Asha")
        assert done["delivery"]["proof_note"] == "Signed by Mr Nair"
        assert done["handling"] is None


class TestRefusals:
    @pytest.mark.parametrize("state", STATES)
    def test_a_step_from_a_wrong_state_names_the_state(self, erp: FlaskClient, ravi: Person, state: str) -> None:
        number = brought_to(state, erp, ravi)
        for name, (path, more) in ENDPOINTS.items():
            step = STEPS[name]
            if state in {*step.moves, *step.resumes}:
                continue
            answer = ravi.takes(path, number, **more)
            held_by_ravi = step.opens and state in step.moves.values() and state in HANDLED_IN
            assert answer.status_code == (409 if held_by_ravi else 400), (name, state, answer.json)
            if not held_by_ravi:
                assert answer.json["errors"]["invoice_no"][0].endswith(f"Current status: {state}")
        assert ravi.sees(number)["status"] == state

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"delivery_type": "COURIER", "courier": "DTDC"}, "tracking_no"),
            ({"delivery_type": "COURIER", "tracking_no": "1"}, "courier"),
            ({"delivery_type": "INTERNAL"}, "driver_id"),
            ({"delivery_type": "DIRECT", "tracking_no": "1"}, "tracking_no"),
            ({"delivery_type": "PIGEON"}, "delivery_type"),
            ({}, "delivery_type"),
            ({"delivery_type": "INTERNAL", "driver_id": 10**9}, "driver_id"),
            ({"delivery_type": "COURIER", "courier": "NOBODY", "tracking_no": "1"}, "courier"),
        ],
    )
    def test_a_delivery_needs_what_its_type_needs(
        self, erp: FlaskClient, ravi: Person, body: dict[str, object], field: str
    ) -> None:
        answer = ravi.takes("delivery/start", brought_to("PACKED", erp, ravi), **body)
        assert answer.status_code == 400
        assert list(answer.json["errors"]) == [field]

    @pytest.mark.parametrize("labels", [0, -1, 1.5, "many", None])
    def test_labels_are_counted(self, erp: FlaskClient, ravi: Person, labels: object) -> None:
        answer = ravi.takes("boxing/complete", brought_to("BOXING", erp, ravi), label_count=labels)
        assert answer.status_code == 400
        assert "label_count" in answer.json["errors"]

    def test_an_unknown_invoice(self, ravi: Person) -> None:
        answer = ravi.takes("picking/start", "NOWHERE")
        assert (answer.status_code, answer.json) == (404, {"success": False, "message": "Invoice not found."})

    def test_one_active_session_names_the_open_invoice(self, erp: FlaskClient, ravi: Person) -> None:
        first, second = imported(erp), imported(erp)
        ravi.does("picking/start", first)
        answer = ravi.takes("picking/start", second)
        assert answer.status_code == 409
        assert answer.json["data"] == {"section": "PICKING", "invoices": [first]}
        assert first in answer.json["message"]

    def test_sessions_of_two_sections_stand_side_by_side(self, erp: FlaskClient, ravi: Person) -> None:
        packing = brought_to("PACKING", erp, ravi)
        picking = brought_to("PICKING", erp, ravi)
        assert {ravi.sees(n)["handling"]["section"] for n in (packing, picking)} == {"PACKING", "PICKING"}

    def test_what_somebody_has_is_not_taken(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        number = brought_to("PICKING", erp, ravi)
        assert asha.takes("picking/start", number).status_code == 409
        refused = asha.takes("picking/complete", number)
        assert refused.status_code == 403
        assert "Ravi" in refused.json["message"]

    def test_a_supervisor_acts_for_a_worker(self, erp: FlaskClient, ravi: Person, client_as: Make) -> None:
        boss = a_person(client_as, "billing", name="Boss")
        number = imported(erp)
        taken = boss.does("picking/start", number, worker_id=ravi.id)
        assert taken["handling"]["worker"]["name"] == "Ravi"
        assert boss.does("picking/complete", number)["status"] == "PICKED"
        last = ravi.history(number)[-1]
        assert (last["actor"], last["worker"]) == ("Boss", "Ravi")

    def test_a_worker_acts_for_nobody_else(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        assert ravi.takes("picking/start", imported(erp), worker_id=asha.id).status_code == 403

    def test_a_machine_is_no_worker(self, erp: FlaskClient) -> None:
        answer = erp.post("/api/sales/picking/start/", json={"invoice_no": imported(erp)})
        assert answer.status_code == 403

    def test_parallel_starts_of_one_invoice_have_one_winner(self, erp: FlaskClient, client_as: Make) -> None:
        people = [a_person(client_as) for _ in range(6)]
        number = imported(erp)
        with ThreadPoolExecutor(6) as pool:
            codes = sorted(pool.map(lambda p: p.takes("picking/start", number).status_code, people))
        assert codes == [200] + [409] * 5

    def test_parallel_starts_by_one_worker_have_one_winner(self, erp: FlaskClient, ravi: Person) -> None:
        numbers = [imported(erp) for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            codes = sorted(pool.map(lambda n: ravi.takes("picking/start", n).status_code, numbers))
        assert codes == [200] + [409] * 5

    def test_the_same_start_sent_twice_under_one_key_happens_once(self, erp: FlaskClient, ravi: Person) -> None:
        number, key = imported(erp), {"Idempotency-Key": "again"}
        first = ravi.client.post("/api/sales/picking/start/", json={"invoice_no": number}, headers=key)
        second = ravi.client.post("/api/sales/picking/start/", json={"invoice_no": number}, headers=key)
        assert (first.status_code, second.status_code) == (200, 200)
        assert second.headers["Idempotent-Replayed"] == "true"
        assert len(ravi.history(number)) == 2


class TestCancelling:
    @pytest.mark.parametrize(
        ("state", "back"),
        [("PICKING", "INVOICED"), ("PACKING", "PICKED"), ("BOXING", "PICKED"), ("DISPATCHED", "PACKED")],
    )
    def test_it_goes_back_to_where_it_waited(self, erp: FlaskClient, ravi: Person, state: str, back: str) -> None:
        number = brought_to(state, erp, ravi)
        after = ravi.does("session/cancel", number, note="Wrong trolley")
        assert (after["status"], after["handling"], after["delivery"]) == (back, None, None)
        assert ravi.history(number)[-1]["note"] == "Wrong trolley"

    def test_nothing_to_cancel(self, erp: FlaskClient, ravi: Person) -> None:
        answer = ravi.takes("session/cancel", imported(erp))
        assert answer.status_code == 400
        assert "Current status: INVOICED" in answer.json["errors"]["invoice_no"][0]

    def test_only_the_holder_cancels(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        assert asha.takes("session/cancel", brought_to("PICKING", erp, ravi)).status_code == 403

    def test_what_nobody_holds_is_cancelled_by_supervisors_only(
        self, erp: FlaskClient, ravi: Person, client_as: Make
    ) -> None:
        number = brought_to("PICKING", erp, ravi)
        ravi.does("hold", number, reason="Price in dispute")
        assert ravi.takes("session/cancel", number).status_code == 409
        assert a_person(client_as, "billing").does("session/cancel", number)["status"] == "INVOICED"


class TestHolding:
    def test_a_held_invoice_takes_no_step_and_frees_its_worker(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("PICKING", erp, ravi)
        held = ravi.does("hold", number, reason="Price in dispute")
        assert (held["status"], held["handling"]) == ("PICKING", None)
        assert (held["hold"]["reason"], held["hold"]["held_by"]) == ("Price in dispute", "Ravi")
        answer = ravi.takes("picking/complete", number)
        assert answer.status_code == 409
        assert answer.json["message"] == f"{number} is on hold: Price in dispute"
        assert ravi.takes("hold", number, reason="again").status_code == 409
        ravi.does("picking/start", imported(erp))

    def test_release_gives_it_back_to_a_free_worker(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("PICKING", erp, ravi)
        ravi.does("hold", number, reason="x")
        released = ravi.does("release", number)
        assert released["hold"] is None
        assert released["handling"]["worker"]["name"] == "Ravi"

    def test_who_may_work_no_more_gets_nothing_back(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        number = brought_to("PICKING", erp, ravi)
        ravi.does("hold", number, reason="x")
        with unit_of_work():
            db.session.get_one(User, ravi.id).role = "integrator"
        assert asha.does("release", number)["handling"] is None

    def test_released_to_a_busy_worker_it_waits_for_anybody(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        number = brought_to("PICKING", erp, ravi)
        ravi.does("hold", number, reason="x")
        ravi.does("picking/start", imported(erp))
        assert ravi.does("release", number)["handling"] is None
        assert asha.takes("picking/complete", number).status_code == 409
        assert asha.does("picking/start", number)["handling"]["worker"]["name"] == "Asha"

    def test_what_is_not_held_is_not_released(self, erp: FlaskClient, ravi: Person) -> None:
        assert ravi.takes("release", imported(erp)).status_code == 409

    def test_a_held_invoice_can_be_returned_to_billing(self, erp: FlaskClient, ravi: Person) -> None:
        number = brought_to("PICKED", erp, ravi)
        ravi.does("hold", number, reason="x")
        returned = ravi.does("billing/return", number, return_reason="Wrong price")
        assert (returned["status"], returned["hold"]) == ("REVIEW", None)


def ravi_and_asha(tours: list[list[dict[str, Any]]], outcomes: list[list[int]]) -> list[str]:
    """The numbers of the tour that began, Ravi's first; the second tour names him last."""
    won = outcomes.index([200, 200])
    numbers = [order["invoice_no"] for order in tours[won]]
    return numbers[::-1] if won else numbers


class TestBulk:
    def test_a_round_is_one_session(self, erp: FlaskClient, ravi: Person) -> None:
        numbers = [imported(erp) for _ in range(3)]
        answer = ravi.client.post(
            "/api/sales/picking/bulk-start/", json={"invoices": [{"invoice_no": n} for n in numbers]}
        )
        assert answer.json["success"] is True
        results = answer.json["data"]["results"]
        assert [result["invoice_no"] for result in results] == numbers
        assert len({result["invoice"]["handling"]["session_id"] for result in results}) == 1
        blocked = ravi.takes("picking/start", imported(erp))
        assert blocked.json["data"]["invoices"] == numbers
        ravi.does("picking/complete", numbers[0])
        assert ravi.takes("picking/start", imported(erp)).status_code == 409
        done = ravi.client.post(
            "/api/sales/picking/bulk-complete/", json={"invoices": [{"invoice_no": n} for n in numbers[1:]]}
        )
        assert done.json["message"] == "2 of 2 done"
        ravi.does("picking/start", imported(erp))

    def test_invoices_that_are_too_large_together_are_refused_before_the_step(
        self, erp: FlaskClient, ravi: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        orders = [{"invoice_no": imported(erp)} for _ in range(3)]
        monkeypatch.setattr(byte_limit, "MIB", 100)  # 16 of them: 1,600 bytes
        answer = ravi.client.post("/api/sales/picking/bulk-start/", json={"invoices": orders})
        assert answer.status_code == 400
        assert answer.json["errors"]["invoices"][0].startswith("These 3 invoices have more than 16 MiB together.")
        monkeypatch.undo()
        assert ravi.client.post("/api/sales/picking/bulk-start/", json={"invoices": orders}).json["success"] is True

    def test_what_is_refused_does_not_hold_up_the_rest(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        good, taken = imported(erp), brought_to("PICKING", erp, asha)
        orders = [{"invoice_no": n} for n in (taken, "NOWHERE", good)]
        answer = ravi.client.post("/api/sales/picking/bulk-start/", json={"invoices": orders})
        assert (answer.status_code, answer.json["success"]) == (200, False)
        results = answer.json["data"]["results"]
        assert [(r["success"], r["status"]) for r in results] == [(False, 409), (False, 404), (True, 200)]
        assert ravi.sees(good)["status"] == "PICKING"

    def test_a_tour_of_a_driver(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        numbers = [brought_to("PACKED", erp, ravi) for _ in range(3)]
        orders = [{"invoice_no": n, "delivery_type": "INTERNAL", "driver_id": asha.id} for n in numbers]
        tour = ravi.client.post("/api/sales/delivery/bulk-start/", json={"invoices": orders})
        assert tour.json["message"] == "3 of 3 done"
        done = asha.client.post(
            "/api/sales/delivery/bulk-complete/",
            json={"invoices": [{"invoice_no": n, "proof_note": f"Note {n}"} for n in numbers]},
        )
        assert [r["invoice"]["delivery"]["proof_note"] for r in done.json["data"]["results"]] == [
            f"Note {n}" for n in numbers
        ]

    def test_tours_that_share_drivers_do_not_wait_in_a_circle(
        self, erp: FlaskClient, ravi: Person, asha: Person
    ) -> None:
        def tour(drivers: tuple[Person, Person]) -> list[dict[str, Any]]:
            numbers = [brought_to("PACKED", erp, drivers[0]) for _ in drivers]
            return [
                {"invoice_no": number, "delivery_type": "INTERNAL", "driver_id": driver.id}
                for number, driver in zip(numbers, drivers, strict=True)
            ]

        def start(orders: list[dict[str, Any]]) -> list[int]:
            answer = ravi.client.post("/api/sales/delivery/bulk-start/", json={"invoices": orders})
            assert answer.status_code == 200, answer.json
            return [result["status"] for result in answer.json["data"]["results"]]

        for _ in range(4):
            tours = [tour((ravi, asha)), tour((asha, ravi))]
            with ThreadPoolExecutor(2) as pool:
                outcomes = list(pool.map(start, tours))
            assert sorted(outcomes) == [[200, 200], [409, 409]]
            for driver, number in zip((ravi, asha), ravi_and_asha(tours, outcomes), strict=True):
                driver.does("delivery/complete", number)

    def test_bad_requests(self, ravi: Person) -> None:
        twice = ravi.client.post(
            "/api/sales/picking/bulk-start/", json={"invoices": [{"invoice_no": "A"}, {"invoice_no": "A"}]}
        )
        assert twice.json["errors"]["invoices"]["1"]["invoice_no"] == ["Named twice in this request."]
        none = ravi.client.post("/api/sales/picking/bulk-start/", json={"invoices": []})
        assert none.status_code == 400

    def test_parallel_bulk_completions_end_the_session_once(self, erp: FlaskClient, ravi: Person) -> None:
        numbers = [imported(erp) for _ in range(8)]
        orders = [{"invoice_no": n} for n in numbers]
        ravi.client.post("/api/sales/picking/bulk-start/", json={"invoices": orders})
        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda n: ravi.takes("picking/complete", n).status_code, numbers))
        assert codes == [200] * 8
        ravi.does("picking/start", imported(erp))
