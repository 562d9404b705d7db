"""Helpers of the sales tests: signed-in workers, and invoices that are brought to a state by steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import a_sale

#: The steps from INVOICED to each state: state, path, further fields.
WAY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PICKING", "picking/start", {}),
    ("PICKED", "picking/complete", {}),
    ("PACKING", "packing/start", {}),
    ("BOXING", "packing/complete", {}),
    ("PACKED", "boxing/complete", {"label_count": 2}),
)
STATES = ("INVOICED", *(state for state, _, _ in WAY), "DISPATCHED", "DELIVERED", "REVIEW")


@dataclass
class Person:
    """A signed-in user."""

    client: FlaskClient
    id: int
    name: str

    def takes(self, step: str, invoice_no: str, **more: Any) -> TestResponse:
        return self.client.post(f"/api/sales/{step}/", json={"invoice_no": invoice_no, **more})

    def does(self, step: str, invoice_no: str, **more: Any) -> dict[str, Any]:
        answer = self.takes(step, invoice_no, **more)
        assert answer.status_code == 200, answer.json
        return answer.json["data"]

    def sees(self, invoice_no: str) -> dict[str, Any]:
        [found] = self.client.get("/api/sales/invoices/", query_string={"search": invoice_no}).json["results"]
        return found

    def history(self, invoice_no: str) -> list[dict[str, Any]]:
        return self.client.get(f"/api/sales/invoices/{self.sees(invoice_no)['id']}/history/").json["results"]


def a_person(client_as: Callable[..., FlaskClient], role: str = "warehouse", **facts: Any) -> Person:
    client = client_as(role, **facts)
    me = client.get("/api/auth/me/").json["data"]
    return Person(client, me["id"], me["name"])


def imported(erp: FlaskClient, **facts: Any) -> str:
    """Import an invoice; returns its number."""
    answer = erp.post("/api/sales/import/invoice/", json=a_sale(**facts))
    assert answer.status_code == 201, answer.json
    return answer.json["data"]["invoice_no"]


def brought_to(state: str, erp: FlaskClient, person: Person, **facts: Any) -> str:
    """An imported invoice that ``person`` has brought to ``state``."""
    number = imported(erp, **facts)
    for reached, step, more in WAY:
        if state in {"INVOICED", "REVIEW"}:
            break
        person.does(step, number, **more)
        if reached == state:
            return number
    if state == "DISPATCHED":
        person.does("delivery/start", number, delivery_type="INTERNAL", driver_id=person.id)
    elif state == "DELIVERED":
        person.does("delivery/start", number, delivery_type="DIRECT")
    elif state == "REVIEW":
        person.does("picking/start", number)
        person.does("billing/return", number, return_reason="Batch on the box is B456")
    return number
