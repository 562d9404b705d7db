"""A draft is not issued with the lines that its sales invoice had before billing corrected it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.providers import outbox
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from app.extensions import db
from tests.einvoices.helpers import URL, fetch_detail, perform, set_adapter
from tests.factories import a_sale, an_item

Correct = Callable[[int], None]
NUMBER = "INV-CHANGED"
REASON = {"reason": "x"}


def _reject(_request: ProviderRequest) -> ProviderResponse:
    return ProviderResponse(Status.REJECTED, "rejected", "PRV-1")


@pytest.fixture(autouse=True)
def _sale(erp: FlaskClient) -> None:
    sale = a_sale(invoice_no=NUMBER, items=[an_item(item_code="MED001", quantity=2, mrp=50)])
    assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201


@pytest.fixture
def correct(erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> Correct:
    """Return the sales invoice to billing, and correct its quantity."""
    returning = client_as("admin")

    def run(quantity: int) -> None:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE sales_invoices SET status = 'PICKING'")
        returned = returning.post("/api/sales/billing/return/", json={"invoice_no": NUMBER, "return_reason": "x"})
        assert returned.status_code == 200, returned.json
        change = {"invoice_no": NUMBER, "items": [{"item_code": "MED001", "quantity": quantity}]}
        assert erp.patch("/api/sales/update/invoice/", json=change).status_code == 200

    return run


def from_sales(client: FlaskClient) -> dict[str, Any]:
    answer = client.post(f"{URL}/from-sales", json={"invoice_no": NUMBER})
    assert answer.status_code in {200, 201}, answer.json
    return answer.json


def is_refused(client: FlaskClient, einvoice_id: int) -> bool:
    conflicts = [each["error"] for each in client.get(f"{URL}/{einvoice_id}/readiness").json["conflicts"]]
    answer = client.post(f"{URL}/{einvoice_id}/issue")
    refused = (answer.status_code, answer.json.get("error")) == (409, "SALE_CHANGED")
    assert (conflicts == ["SALE_CHANGED"]) is refused
    assert refused or answer.status_code == 200
    return refused


def test_a_draft_from_before_the_correction_is_made_anew(owner: FlaskClient, correct: Correct) -> None:
    old = from_sales(owner)
    correct(5)
    assert is_refused(owner, old["id"])
    assert owner.patch(f"{URL}/{old['id']}", json={"notes": "x"}).status_code == 200
    assert is_refused(owner, old["id"])
    perform(owner, old["id"], "cancel", REASON)
    new = from_sales(owner)
    assert (new["totals"]["subtotal"], is_refused(owner, new["id"])) == (250.0, False)


def test_lines_that_a_person_gave_after_the_correction_count(owner: FlaskClient, correct: Correct) -> None:
    draft = from_sales(owner)
    correct(5)
    items = [{"name": "x", "quantity": 5, "unit_price": 50}]
    assert owner.patch(f"{URL}/{draft['id']}", json={"items": items}).status_code == 200
    assert not is_refused(owner, draft["id"])


def test_a_draft_after_the_correction_is_issued(owner: FlaskClient, correct: Correct) -> None:
    correct(5)
    assert not is_refused(owner, from_sales(owner)["id"])


def test_a_correction_has_the_lines_of_the_rejected_one(
    owner: FlaskClient, correct: Correct, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_adapter(monkeypatch, "null", send=_reject)
    rejected = from_sales(owner)["id"]
    perform(owner, rejected, "issue")
    perform(owner, rejected, "send")
    outbox.send_due()
    correct(5)
    copied = perform(owner, rejected, "corrections", REASON)["id"]
    assert is_refused(owner, copied)
    perform(owner, copied, "cancel", REASON)
    new = from_sales(owner)
    assert (new["corrects_id"], is_refused(owner, new["id"])) == (rejected, False)


def test_a_draft_waits_for_the_correction_that_is_being_made(owner: FlaskClient) -> None:
    with ThreadPoolExecutor(1) as pool, db.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("UPDATE sales_invoices SET remarks = 'present'")
        drafting = pool.submit(from_sales, owner)
        with pytest.raises(TimeoutError):
            drafting.result(timeout=0.5)
        connection.commit()
        drafted = drafting.result(timeout=10)
    assert fetch_detail(owner, drafted["id"])["notes"] == "present"
