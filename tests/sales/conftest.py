"""Fixtures of sales: invoices in the state that a test needs, workers, and counts of stored rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from app.events.models import Event
from app.extensions import db
from app.kernel import json
from app.sales.models.invoices import SalesInvoice, SalesItem
from app.sales.models.masters import Customer, Salesman
from tests.factories import a_sale
from tests.sales.helpers import Person, a_person

IMPORT = "/api/sales/import/invoice/"
UPDATE = "/api/sales/update/invoice/"
RETURN = "/api/sales/billing/return/"
LIST = "/api/sales/invoices/"


def counts() -> dict[str, int]:
    """How many rows an import could have left behind."""
    tables = (Customer, Salesman, SalesInvoice, SalesItem, Event)
    with db.engine.connect() as connection:
        return {t.__tablename__: connection.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


NOTHING = dict.fromkeys(("customers", "salesmen", "sales_invoices", "sales_items", "events"), 0)


def bodies() -> list[dict[str, Any]]:
    """The bodies of all events, oldest first."""
    with db.engine.connect() as connection:
        return [json.decode(body) for body in connection.scalars(select(Event.body).order_by(Event.id))]


def put(invoice_no: str, status: str) -> None:
    """Move an invoice to a status as if the warehouse had done its steps."""
    delivery = {
        "DISPATCHED": ", delivery_type = 'INTERNAL', driver = 'Ravi', dispatched_at = now()",
        "DELIVERED": ", delivery_type = 'DIRECT', dispatched_at = now(), delivered_at = now()",
    }
    with db.engine.begin() as connection:
        query = f"UPDATE sales_invoices SET status = :status{delivery.get(status, '')} WHERE invoice_no = :number"
        connection.execute(text(query), {"status": status, "number": invoice_no})


@pytest.fixture
def imported(erp: FlaskClient) -> Callable[..., dict[str, Any]]:
    """Import an invoice; gives it as the detail shows it."""

    def make(**facts: Any) -> dict[str, Any]:
        answer = erp.post(IMPORT, json=a_sale(**facts))
        assert answer.status_code == 201, answer.text
        detail: dict[str, Any] = erp.get(f"{LIST}{answer.json['data']['id']}/").json
        return detail

    return make


@pytest.fixture
def in_review(
    imported: Callable[..., dict[str, Any]], client_as: Callable[..., FlaskClient]
) -> Callable[..., dict[str, Any]]:
    """Import an invoice and have the warehouse return it to billing."""

    def make(*, returned_from: str = "PICKING", **facts: Any) -> dict[str, Any]:
        invoice = imported(**facts)
        put(invoice["invoice_no"], returned_from)
        reason = {"invoice_no": invoice["invoice_no"], "return_reason": "Batch on the box is B456"}
        answer = client_as("warehouse", name="Asha").post(RETURN, json=reason)
        assert answer.status_code == 200, answer.text
        returned: dict[str, Any] = answer.json["data"]
        return returned

    return make


@pytest.fixture
def ravi(client_as: Callable[..., FlaskClient]) -> Person:
    return a_person(client_as, name="Ravi")


@pytest.fixture
def asha(client_as: Callable[..., FlaskClient]) -> Person:
    return a_person(client_as, name="Asha")
