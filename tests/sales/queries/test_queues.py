"""The queues of the sales floor over HTTP: order, pages, counts, workers."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.sales.helpers import Person, brought_to, imported

Make = Callable[..., FlaskClient]


class TestQueues:
    def test_waiting_for_picking_by_priority_and_age(self, erp: FlaskClient, ravi: Person) -> None:
        low, high, late = (imported(erp, priority=p) for p in ("LOW", "HIGH", "HIGH"))
        held = imported(erp, priority="HIGH")
        ravi.does("hold", held, reason="x")
        queue = ravi.client.get("/api/sales/queues/picking/").json["results"]
        assert [i["invoice_no"] for i in queue] == [high, late, low]

    def test_pages_of_a_queue_are_seamless(self, erp: FlaskClient, ravi: Person) -> None:
        numbers = {imported(erp, priority=p) for p in ("LOW", "HIGH", "MEDIUM") * 3}
        path, seen = "/api/sales/queues/picking/?page_size=2", []
        while path:
            page = ravi.client.get(path).json
            seen += [i["invoice_no"] for i in page["results"]]
            path = page["next"]
        assert len(seen) == 9
        assert set(seen) == numbers

    def test_mine_review_hold_and_delivered_today(self, erp: FlaskClient, ravi: Person, asha: Person) -> None:
        mine, review = brought_to("PICKING", erp, ravi), brought_to("REVIEW", erp, asha)
        delivered, held = brought_to("DELIVERED", erp, asha), imported(erp)
        asha.does("hold", held, reason="x")
        brought_to("PICKING", erp, asha)
        for name, number in (("mine", mine), ("review", review), ("delivered-today", delivered), ("on-hold", held)):
            page = ravi.client.get(f"/api/sales/queues/{name}/").json
            assert [i["invoice_no"] for i in page["results"]] == [number], name
        counts = {q["name"]: q["count"] for q in ravi.client.get("/api/sales/queues/").json["results"]}
        assert counts == {
            "picking": 0,
            "packing": 0,
            "delivery": 0,
            "mine": 1,
            "review": 1,
            "on-hold": 1,
            "delivered-today": 1,
        }

    def test_an_unknown_queue_and_a_key_that_is_nobody(self, erp: FlaskClient, ravi: Person) -> None:
        assert ravi.client.get("/api/sales/queues/lunch/").status_code == 404
        assert erp.get("/api/sales/queues/mine/").status_code == 403
        assert "mine" not in [q["name"] for q in erp.get("/api/sales/queues/").json["results"]]

    def test_workers_can_be_chosen(self, ravi: Person, client_as: Make) -> None:
        client_as("integrator", name="ERP")
        assert ravi.client.get("/api/sales/workers/").json["results"] == [{"id": ravi.id, "name": "Ravi"}]
