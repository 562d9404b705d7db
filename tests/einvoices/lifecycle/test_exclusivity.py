"""A sales invoice has one e-invoice of all users together; an order of a marketplace has one of its owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from tests.einvoices.helpers import URL, create_draft, create_issued, perform
from tests.factories import a_sale

ORDER = {"marketplace": "trendyol", "marketplace_order_no": "TY-1"}


@pytest.fixture
def sale_no(erp: FlaskClient) -> str:
    """Number of an imported sales invoice."""
    sale = a_sale(customer={"code": "CUST-889", "name": "LifeCare Pharmacy", "address1": "MG Road 1"})
    assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
    number: str = sale["invoice_no"]
    return number


def from_sales(client: FlaskClient, number: str) -> Any:
    return client.post(f"{URL}/from-sales", json={"invoice_no": number})


def set_columns(einvoice_id: int, **values: str) -> None:
    columns = ", ".join(f"{name} = %s" for name in values)
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE e_invoices SET {columns} WHERE id = %s", (*values.values(), einvoice_id))


class TestSale:
    def review(self, number: str, status: str = "REVIEW") -> None:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE sales_invoices SET status = %s WHERE invoice_no = %s", (status, number))

    def test_in_review_it_gets_no_draft_and_no_issue(self, owner: FlaskClient, sale_no: str) -> None:
        draft = from_sales(owner, sale_no).json
        self.review(sale_no)
        answer = owner.post(f"{URL}/{draft['id']}/issue")
        assert (answer.status_code, answer.json["error"]) == (409, "SALE_IN_REVIEW")
        [conflict] = owner.get(f"{URL}/{draft['id']}/readiness").json["conflicts"]
        assert conflict["error"] == "SALE_IN_REVIEW"
        perform(owner, draft["id"], "cancel", {"reason": "x"})
        assert from_sales(owner, sale_no).json["error"] == "SALE_IN_REVIEW"
        self.review(sale_no, "INVOICED")
        perform(owner, from_sales(owner, sale_no).json["id"], "issue")

    def test_an_issue_waits_for_the_return_to_billing_that_runs(self, owner: FlaskClient, sale_no: str) -> None:
        draft = from_sales(owner, sale_no).json
        with ThreadPoolExecutor(1) as pool, db.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("UPDATE sales_invoices SET status = 'REVIEW'")
            waiting = pool.submit(lambda: owner.post(f"{URL}/{draft['id']}/issue"))
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
            connection.commit()
            answer = waiting.result(timeout=10)
        assert (answer.status_code, answer.json["error"]) == (409, "SALE_IN_REVIEW")

    def test_two_users_issue_it_once(self, owner_as: Callable[..., FlaskClient], sale_no: str) -> None:
        clients = [owner_as() for _ in range(4)]
        ids = [from_sales(client, sale_no).json["id"] for client in clients]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda i: clients[i].post(f"{URL}/{ids[i]}/issue"), range(4)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 3}
        refused = [answer.json for answer in answers if answer.status_code == 409]
        assert {tuple(sorted(body)) for body in refused} == {("error", "message")}
        assert {body["error"] for body in refused} == {"ALREADY_INVOICED"}

    def test_only_who_may_see_the_other_one_is_told_its_number(
        self, owner_as: Callable[..., FlaskClient], sale_no: str
    ) -> None:
        first, second, admin = owner_as(), owner_as(), owner_as("admin")
        issued = perform(first, from_sales(first, sale_no).json["id"], "issue")
        hidden, shown = from_sales(second, sale_no).json, from_sales(admin, sale_no).json
        assert hidden.keys() == {"error", "message"}
        assert (shown["einvoice_id"], shown["invoice_no"]) == (issued["id"], issued["invoice_no"])

    def test_a_cancelled_or_rejected_one_does_not_count(
        self, owner_as: Callable[..., FlaskClient], sale_no: str
    ) -> None:
        first, second = owner_as(), owner_as()
        issued = perform(first, from_sales(first, sale_no).json["id"], "issue")
        for status, word in (("sent", "accepted"), ("accepted", "accepted"), ("issued", "rejected")):
            set_columns(issued["id"], status=status, provider_status=word)
            assert from_sales(second, sale_no).status_code == 409, status
        for status, word in (("sent", "Rejected"), ("accepted", "Rejected"), ("rejected", "x"), ("cancelled", "x")):
            set_columns(issued["id"], status=status, provider_status=word)
            draft = from_sales(second, sale_no)
            assert draft.status_code in {200, 201}, status
        set_columns(issued["id"], status="rejected", provider_status="rejected")
        perform(second, draft.json["id"], "issue")
        sent = first.post(f"{URL}/{issued['id']}/send")
        assert (sent.status_code, sent.json["error"]) == (409, "ALREADY_INVOICED")
        correction = perform(first, issued["id"], "corrections", {})
        assert first.post(f"{URL}/{correction['id']}/issue").json["error"] == "ALREADY_INVOICED"


class TestOrder:
    def test_a_second_sale_needs_permission_on_purpose(self, owner: FlaskClient) -> None:
        first = create_issued(owner, **ORDER)
        refused = owner.post(URL, json={**_draft(), **ORDER})
        assert (refused.status_code, refused.json["error"]) == (409, "DUPLICATE_ORDER")
        assert refused.json["einvoice_id"] == first["id"]
        other = create_draft(owner)
        assert owner.patch(f"{URL}/{other['id']}", json=ORDER).json["error"] == "DUPLICATE_ORDER"
        allowed = {**ORDER, "allow_duplicate_order": True}
        assert owner.patch(f"{URL}/{other['id']}", json=allowed).json["allow_duplicate_order"] is True
        perform(owner, other["id"], "issue")
        create_issued(owner, **allowed)
        with db.engine.connect() as connection:
            audited = connection.execute(AuditEntry.__table__.select()).all()
        [row, _] = [row for row in audited if row.action == "einvoice.duplicate_order_allowed"]
        assert (row.subject, row.details) == (f"einvoice:{other['id']}", ORDER)

    def test_letter_case_makes_no_difference(self, owner: FlaskClient) -> None:
        create_issued(owner, marketplace="Trendyol", marketplace_order_no="x-ıİi")
        for marketplace, number in (("trendyol", "x-ıİi"), ("TRENDYOL", "X-III"), ("Trendyol", "x-iii")):
            order = {"marketplace": marketplace, "marketplace_order_no": number}
            assert owner.post(URL, json={**_draft(), **order}).json.get("error") == "DUPLICATE_ORDER", order
            draft = create_draft(owner)
            set_columns(draft["id"], **order)  # as the release before stored it
            assert owner.post(f"{URL}/{draft['id']}/issue").json.get("error") == "DUPLICATE_ORDER", order

    def test_returns_corrections_and_other_owners_do_not_count(
        self, owner: FlaskClient, owner_as: Callable[..., FlaskClient]
    ) -> None:
        first = create_issued(owner, **ORDER)
        perform(owner, perform(owner, first["id"], "returns", {"reason": "x"})["id"], "issue")
        create_issued(owner_as(), **ORDER)
        create_issued(owner, **{**ORDER, "marketplace": "n11"})
        other = create_issued(owner, **{**ORDER, "marketplace_order_no": "TY-2"})
        perform(owner, other["id"], "cancel", {"reason": "x"})
        again = create_issued(owner, **{**ORDER, "marketplace_order_no": "TY-2"})
        set_columns(again["id"], status="rejected")
        correction = perform(owner, again["id"], "corrections", {})
        perform(owner, correction["id"], "issue")

    def test_parallel_requests_make_one_draft(self, owner: FlaskClient) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: owner.post(URL, json={**_draft(), **ORDER}), range(16)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}

    def test_drafts_of_an_older_release_are_issued_once(self, owner: FlaskClient) -> None:
        ids = [create_draft(owner)["id"] for _ in range(4)]
        for einvoice_id in ids:
            set_columns(einvoice_id, **ORDER)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda i: owner.post(f"{URL}/{i}/issue"), ids))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 3}
        [conflict] = owner.get(f"{URL}/{ids[-1]}/readiness").json.get("conflicts") or [{"error": "DUPLICATE_ORDER"}]
        assert conflict["error"] == "DUPLICATE_ORDER"


def _draft() -> dict[str, Any]:
    return {"buyer": {"name": "A"}, "items": [{"name": "x", "quantity": 1, "unit_price": 1}]}
