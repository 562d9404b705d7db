"""Issue refuses what is missing for a lawful document, before a number is drawn; the readiness says it before."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices import sellers
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import URL, create_draft, create_issued, perform
from tests.factories import a_buyer

FIELDS = ["seller.tax_id", "seller.address", "buyer.tax_id", "buyer.address"]


def save_seller(client: FlaskClient, **facts: Any) -> None:
    with unit_of_work():
        sellers.save(client.user_id, actor="test", **facts)


def test_issue_names_all_missing_fields_and_draws_no_number(owner: FlaskClient) -> None:
    save_seller(owner, tax_id="-0", address=" \n ")
    draft = create_draft(owner, buyer={"name": "A Ltd.", "tax_office": "Kadıköy"})
    answer = owner.post(f"{URL}/{draft['id']}/issue")
    assert (answer.status_code, list(answer.json["errors"])) == (422, FIELDS)
    assert answer.json["message"] == "The tax number of the seller is missing. (and 3 more errors)"
    shown = owner.get(f"{URL}/{draft['id']}/readiness").json
    assert (shown["ready"], shown["conflicts"]) == (False, [])
    assert [each["field"] for each in shown["missing"]] == FIELDS
    assert {each["profile"] for each in shown["missing"]} == {"basic"}
    assert owner.get(f"{URL}/series").json["data"] == []
    save_seller(owner, tax_id="1234567890", address="Bursa")
    buyer = {"name": "A Ltd.", "tax_id": "9876543210", "address": "Kadıköy"}
    assert owner.patch(f"{URL}/{draft['id']}", json={"buyer": buyer}).status_code == 200
    assert owner.get(f"{URL}/{draft['id']}/readiness").json == {"ready": True, "missing": [], "conflicts": []}
    assert perform(owner, draft["id"], "issue")["invoice_no"].endswith("-000001")
    assert owner.get(f"{URL}/{draft['id']}/readiness").json["error"] == "WRONG_STATE"


@pytest.mark.parametrize(
    ("facts", "ready"),
    [
        ({}, True),
        ({"tax_id": "11111111111"}, True),
        ({"is_business": False, "tax_office": "Kadıköy"}, True),
        ({"is_business": True}, False),
        ({"is_business": True, "tax_id": "11111111111"}, False),
        ({"is_business": True, "tax_id": "9876543210"}, True),
        ({"tax_office": "Kadıköy", "is_business": None}, False),
        ({"tax_office": "Kadıköy", "tax_id": "9876543210"}, True),
        ({"is_business": True, "tax_id": "--"}, False),
        ({"is_business": True, "tax_id": "0"}, False),
        ({"is_business": True, "tax_id": "000-000"}, False),
        ({"is_business": True, "tax_id": "TR 90"}, True),
        ({"address": ""}, True),
        ({"address": "", "tax_id": "11111111110"}, True),
        ({"is_business": True, "tax_id": "9876543210", "address": ""}, False),
        ({"is_business": True, "tax_id": "9876543210", "address": "- ."}, False),
    ],
)
def test_a_company_needs_tax_number_and_address_and_a_consumer_neither(
    owner: FlaskClient, facts: dict[str, Any], ready: bool
) -> None:
    draft = create_draft(owner, buyer=a_buyer(**facts))
    assert draft["buyer"]["is_business"] is facts.get("is_business")
    assert owner.get(f"{URL}/{draft['id']}/readiness").json["ready"] is ready
    assert owner.post(f"{URL}/{draft['id']}/issue").status_code == (200 if ready else 422)


def test_a_credit_asks_for_no_more_than_its_original_had(owner: FlaskClient) -> None:
    sale = create_issued(owner, buyer=a_buyer(is_business=True, tax_id="9876543210"))
    _forget_address_of_all()
    note = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
    assert (note["buyer"]["address"], note["buyer"]["is_business"]) == ("", True)
    owner.patch(f"{URL}/{note['id']}", json={"buyer": {"name": "A", "tax_id": ""}})
    assert list(owner.post(f"{URL}/{note['id']}/issue").json["errors"]) == ["buyer.tax_id"]
    owner.patch(f"{URL}/{note['id']}", json={"buyer": {"name": "A", "tax_id": "9876543210"}})
    save_seller(owner, address="")
    assert list(owner.post(f"{URL}/{note['id']}/issue").json["errors"]) == ["seller.address"]
    save_seller(owner, address="Bursa")
    perform(owner, note["id"], "issue")


def _forget_address_of_all() -> None:
    """As an e-invoice that was issued before the hub asked for the address."""
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE e_invoices SET buyer_address = ''")
