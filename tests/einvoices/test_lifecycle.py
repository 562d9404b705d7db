"""From a draft to its number, to the provider, and back again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.einvoices import sellers
from app.events.models import Event
from app.extensions import db
from app.kernel import json
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.conftest import URL, issued, made, verb
from tests.factories import a_draft, a_sale


def events_of(einvoice_id: int) -> list[dict[str, Any]]:
    with db.engine.connect() as connection:
        rows = connection.execute(select(Event.type, Event.body, Event.owner_id).order_by(Event.id)).all()
    bodies = [(row.type, json.decode(row.body), row.owner_id) for row in rows if row.type.startswith("einvoice.")]
    return [{"type": t, "owner": o, **b["data"]} for t, b, o in bodies if b["data"]["einvoice"]["id"] == einvoice_id]


def test_a_draft_has_totals_and_no_number(owner: FlaskClient) -> None:
    draft = made(owner, metadata={"erp": 7})
    assert draft["status"] == "draft"
    assert (draft["invoice_no"], draft["issued_at"], draft["pdf_url"]) == (None, None, None)
    totals = {"subtotal": 100.0, "tax_total": 20.0, "discount_total": 0.0, "grand_total": 120.0, "currency": "TRY"}
    assert draft["totals"] == totals
    assert draft["metadata"] == {"erp": 7}
    assert owner.get(f"{URL}/{draft['id']}").json["items"] == draft["items"]


def test_the_owners_settings_fill_in(owner: FlaskClient) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, prefix="LTD", currency="EUR", provider="simulator")
    payload = a_draft(items=[{"name": "x", "quantity": 1, "unit_price": 10}])
    del payload["currency"]
    draft = owner.post(URL, json=payload).json
    assert (draft["totals"]["currency"], draft["provider"]) == ("EUR", "simulator")
    assert draft["items"][0]["vat_rate"] == 20.0
    assert verb(owner, draft["id"], "issue")["invoice_no"].startswith("LTD-")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"items": []}, "items"),
        ({"buyer": {}}, "buyer.name"),
        ({"currency": "XYZ"}, "currency"),
        ({"color": "red"}, "color"),
        ({"items": [{"name": "x", "quantity": 0, "unit_price": 1}]}, "items.0.quantity"),
        ({"items": [{"name": "x", "quantity": 1, "unit_price": 1, "discount_amount": 2}]}, "items.0.discount_amount"),
        ({"items": [{"name": "x", "quantity": 1, "unit_price": 1, "vat_rate": 101}]}, "items.0.vat_rate"),
        ({"items": [{"name": "x", "quantity": 999999999, "unit_price": 9999999999}]}, "items"),
        ({"buyer": {"name": "a\0b"}}, "buyer.name"),
        ({"metadata": {"a": "x" * 20000}}, "metadata"),
    ],
)
def test_a_faulty_draft_is_refused_by_field(owner: FlaskClient, facts: dict[str, Any], field: str) -> None:
    answer = owner.post(URL, json=a_draft(**facts))
    assert answer.status_code == 422
    assert field in answer.json["errors"]


def test_a_draft_can_be_changed_and_only_a_draft(owner: FlaskClient) -> None:
    draft = made(owner)
    lines = [
        {"name": "Pen", "quantity": 3, "unit_price": 1.115, "vat_rate": 1},
        {"name": "Ink", "quantity": 1, "unit_price": 2},
    ]
    answer = owner.patch(f"{URL}/{draft['id']}", json={"items": lines, "buyer": {"name": "Ali"}, "marketplace": None})
    assert answer.status_code == 200
    assert [item["name"] for item in answer.json["items"]] == ["Pen", "Ink"]
    assert answer.json["totals"]["subtotal"] == Decimal("5.35")
    assert (answer.json["buyer"]["name"], answer.json["buyer"]["email"]) == ("Ali", "ayse@shop.example")
    verb(owner, draft["id"], "issue")
    late = owner.patch(f"{URL}/{draft['id']}", json={"notes": "x"})
    assert (late.status_code, late.json["error"]) == (409, "WRONG_STATE")


def test_issuing_draws_the_next_number_and_tells(owner: FlaskClient) -> None:
    first, second = issued(owner), issued(owner)
    assert [int(e["invoice_no"][-6:]) for e in (first, second)] == [1, 2]
    assert (first["status"], first["pdf_state"]) == ("issued", "pending")
    told = events_of(first["id"])
    assert [event["type"] for event in told] == ["einvoice.created", "einvoice.issued"]
    assert told[1]["user"] == {"id": owner.user_id}
    assert told[1]["owner"] == owner.user_id
    sample = {
        "id",
        "status",
        "type",
        "invoice_no",
        "issued_at",
        "totals",
        "marketplace",
        "order_no",
        "provider",
        "provider_status",
    }
    assert sample <= told[1]["einvoice"].keys()
    assert owner.post(f"{URL}/{first['id']}/issue").status_code == 409


def test_a_hundred_parallel_issues_are_gap_free(owner: FlaskClient) -> None:
    ids = [made(owner)["id"] for _ in range(100)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: owner.post(f"{URL}/{i}/issue"), ids))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(int(a.json["invoice_no"][-6:]) for a in answers) == list(range(1, 101))
    by_number = sorted((a.json["invoice_no"], a.json["issued_at"]) for a in answers)
    assert [moment for _, moment in by_number] == sorted(moment for _, moment in by_number)
    [series] = owner.get(f"{URL}/series").json["data"]
    assert (series["first"], series["last"], series["count"], series["gaps"]) == (1, 100, 100, [])


def test_one_issued_twice_in_parallel_takes_one_number(owner: FlaskClient) -> None:
    draft = made(owner)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: owner.post(f"{URL}/{draft['id']}/issue"), range(8)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 7}
    assert owner.get(f"{URL}/series").json["data"][0]["last_number"] == 1


def test_the_report_shows_a_gap(owner: FlaskClient) -> None:
    ids = [issued(owner)["id"] for _ in range(5)]
    with db.engine.begin() as connection:
        for removed in (ids[1], ids[2], ids[4]):
            connection.exec_driver_sql("DELETE FROM e_invoices WHERE id = %s", (removed,))
    verb(owner, ids[0], "cancel", {"reason": "test"})
    [series] = owner.get(f"{URL}/series").json["data"]
    assert series["gaps"] == [{"first": 2, "last": 3}, {"first": 5, "last": 5}]
    assert (series["count"], series["cancelled"], series["last_number"]) == (2, 1, 5)


def test_cancelling_keeps_the_number(owner: FlaskClient) -> None:
    einvoice = issued(owner)
    cancelled = verb(owner, einvoice["id"], "cancel", {"reason": "Ordered twice"})
    assert (cancelled["status"], cancelled["invoice_no"]) == ("cancelled", einvoice["invoice_no"])
    assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={"reason": "again"}).status_code == 409
    assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={}).status_code == 422
    assert events_of(einvoice["id"])[-1]["type"] == "einvoice.cancelled"


def test_a_cancelled_draft_takes_no_number(owner: FlaskClient) -> None:
    draft = made(owner)
    assert verb(owner, draft["id"], "cancel", {"reason": "no"})["invoice_no"] is None
    assert owner.post(f"{URL}/{draft['id']}/issue").status_code == 409


class TestFromSales:
    def test_makes_a_draft_once(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
        body = {"invoice_no": sale["invoice_no"], "vat_rate": 10}
        first, second = (owner.post(f"{URL}/from-sales", json=body) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json["id"] == second.json["id"]
        assert first.json["totals"]["grand_total"] == 1012.0
        assert first.json["buyer"]["name"] == "LifeCare Pharmacy"
        assert first.json["sales_invoice_no"] == sale["invoice_no"]

    def test_takes_rates_by_item_code(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        rates = [{"item_code": sale["items"][0]["item_code"], "vat_rate": 1}]
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"], "vat_rates": rates})
        assert [item["vat_rate"] for item in answer.json["items"]] == [1.0, 20.0]

    def test_a_rate_for_an_item_that_is_not_there_is_named(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        rates = [{"item_code": "typo", "vat_rate": 1}]
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"], "vat_rates": rates})
        assert answer.status_code == 422
        assert answer.json["errors"] == {"vat_rates": ["The sales invoice has no item typo."]}

    def test_twins_get_one(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        body = {"invoice_no": sale["invoice_no"]}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: owner.post(f"{URL}/from-sales", json=body), range(16)))
        assert Counter(a.status_code for a in answers) == {201: 1, 200: 15}
        assert len({a.json["id"] for a in answers}) == 1

    def test_after_cancelling_it_makes_a_new_one(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        first = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"]}).json
        verb(owner, first["id"], "cancel", {"reason": "wrong rate"})
        again = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"]})
        assert again.status_code == 201
        assert again.json["id"] != first["id"]

    def test_an_unknown_number_is_a_field_error(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": "nope"})
        assert answer.status_code == 422
        assert answer.json["errors"] == {"invoice_no": ["No sales invoice has this number."]}


def test_the_same_key_makes_one_draft(owner: FlaskClient) -> None:
    body = a_draft()
    twice = [owner.post(URL, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert twice[0].json["id"] == twice[1].json["id"]
    assert twice[1].headers["Idempotent-Replayed"] == "true"


def test_somebody_elses_is_missing(owner_as: Callable[..., FlaskClient]) -> None:
    mine, other, admin = owner_as(), owner_as(), owner_as("admin")
    einvoice = made(mine)
    for path in ("", "/pdf"):
        assert other.get(f"{URL}/{einvoice['id']}{path}").json == {"message": "Not Found."}
    for name in ("issue", "send", "cancel", "returns", "credit-notes", "provider-status", "pdf"):
        body = {"reason": "x"} if name != "provider-status" else {"provider_status": "x"}
        assert other.post(f"{URL}/{einvoice['id']}/{name}", json=body).status_code == 404
    assert other.patch(f"{URL}/{einvoice['id']}", json={"notes": "x"}).status_code == 404
    assert admin.get(f"{URL}/{einvoice['id']}").status_code == 200
