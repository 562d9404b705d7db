"""Returns and credit notes: together they never exceed their original, also with parallel requests."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.einvoices.helpers import URL, create_draft, create_issued, events_of, perform


def lines(*facts: tuple[Any, ...]) -> list[dict[str, Any]]:
    names = ("quantity", "unit_price", "discount_amount", "vat_rate")
    return [{"name": f"Item {n}", **dict(zip(names, fact, strict=True))} for n, fact in enumerate(facts)]


def credit(client: FlaskClient, sale: dict[str, Any], *quantities: Any, kind: str = "credit-notes") -> Any:
    chosen = [
        {"item_id": item["id"], "quantity": quantity}
        for item, quantity in zip(sale["items"], quantities, strict=False)
        if quantity
    ]
    return client.post(f"{URL}/{sale['id']}/{kind}", json={"items": chosen, "reason": "Torn"})


def test_a_credit_note_has_its_original_and_positive_amounts(owner: FlaskClient) -> None:
    sale = create_issued(owner)
    note = credit(owner, sale, 1)
    assert note.status_code == 201
    assert (note.json["type"], note.json["status"], note.json["original_id"]) == ("credit_note", "draft", sale["id"])
    assert note.json["totals"]["grand_total"] == 60.0
    assert note.json["buyer"] == sale["buyer"]
    assert [event["type"] for event in events_of(note.json["id"])] == ["einvoice.credit_note_created"]
    number = perform(owner, note.json["id"], "issue")["invoice_no"]
    assert number.endswith("000002")


def test_a_return_without_items_credits_everything_that_is_left(owner: FlaskClient) -> None:
    sale = create_issued(owner, items=lines((3, "33.33", "1.01", 20), (1, "0.99", 0, 1)))
    assert credit(owner, sale, 1).status_code == 201
    rest = perform(owner, sale["id"], "returns", {"reason": "All of it"})
    assert [item["quantity"] for item in rest["items"]] == [2.0, 1.0]
    assert events_of(rest["id"])[0]["type"] == "einvoice.return_created"
    again = owner.post(f"{URL}/{sale['id']}/returns", json={"reason": "More"})
    assert again.status_code == 422
    assert again.json["errors"] == {"items": ["Nothing is left to give back."]}


def test_a_fully_credited_sale_is_refunded_until_its_credit_is_cancelled(owner: FlaskClient) -> None:
    sale = create_issued(owner)
    note = perform(owner, sale["id"], "credit-notes", {"reason": "All"})
    assert owner.get(f"{URL}/{sale['id']}").json["status"] == "issued"
    perform(owner, note["id"], "issue")
    assert owner.get(f"{URL}/{sale['id']}").json["status"] == "refunded"
    assert events_of(sale["id"])[-1]["type"] == "einvoice.status_changed"
    perform(owner, note["id"], "cancel", {"reason": "A mistake"})
    assert owner.get(f"{URL}/{sale['id']}").json["status"] == "issued"
    assert credit(owner, sale, 2).status_code == 201


def test_twenty_parallel_credits_never_exceed_the_original(owner: FlaskClient) -> None:
    sale = create_issued(owner, items=lines((10, "7.77", 0, 20)))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: credit(owner, sale, 1, kind=("returns", "credit-notes")[n % 2]), range(20)))
    assert Counter(a.status_code for a in answers) == {201: 10, 422: 10}
    total = sum(Decimal(str(a.json["totals"]["grand_total"])) for a in answers if a.status_code == 201)
    assert total <= Decimal(str(sale["totals"]["grand_total"]))
    refused = next(a for a in answers if a.status_code == 422)
    assert refused.json["message"] == "Only 0 of 10 can still be given back."


def test_invalid_credits_are_refused(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    assert credit(owner, draft, 1).json["error"] == "WRONG_STATE"
    sale = create_issued(owner)
    note = credit(owner, sale, 1).json
    assert credit(owner, note, 1).json["error"] == "NOT_A_SALE"
    assert owner.post(f"{URL}/{sale['id']}/cancel", json={"reason": "x"}).json["error"] == "HAS_CREDITS"
    unknown = {"items": [{"item_id": note["items"][0]["id"], "quantity": 1}], "reason": "x"}
    assert owner.post(f"{URL}/{sale['id']}/credit-notes", json=unknown).status_code == 422
    twice = {"items": [{"item_id": sale["items"][0]["id"], "quantity": 1}] * 2, "reason": "x"}
    assert "items.1.item_id" in owner.post(f"{URL}/{sale['id']}/returns", json=twice).json["errors"]
    assert owner.patch(f"{URL}/{note['id']}", json={"items": lines((1, 1, 0, 1))}).status_code == 422


def test_a_cancelled_credit_frees_its_quantity(owner: FlaskClient) -> None:
    sale = create_issued(owner)
    note = credit(owner, sale, 2).json
    assert credit(owner, sale, 1).status_code == 422
    perform(owner, note["id"], "cancel", {"reason": "x"})
    assert credit(owner, sale, 2).status_code == 201


cents = st.integers(0, 5_000).map(lambda n: Decimal(n).scaleb(-2))


quantities = st.integers(1, 60_000).map(lambda n: Decimal(n).scaleb(-4))


@st.composite
def sales_and_parts(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[Decimal]]]:
    sale, parts = [], []
    for _ in range(draw(st.integers(1, 3))):
        quantity, price = draw(quantities), draw(cents)
        gross = quantity * price
        discount = min(draw(cents), gross.quantize(Decimal("0.01"), "ROUND_DOWN"))
        sale.append((quantity, price, discount, draw(st.sampled_from([0, 1, 8, 10, 18, 20]))))
        parts.append([quantity * Decimal(n) / 100 for n in draw(st.lists(st.integers(1, 60), min_size=1, max_size=4))])
    return lines(*sale), parts


@pytest.mark.slow
@pytest.mark.parametrize("currency", ["TRY", "JPY", "KWD"])
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=sales_and_parts())
def test_credits_follow_the_rule_and_never_exceed_the_sale(owner: FlaskClient, currency: str, case: Any) -> None:
    items, parts = case
    if currency == "JPY":
        items = [{**item, "discount_amount": int(item["discount_amount"])} for item in items]
    sale = create_issued(owner, currency=currency, items=[{k: str(v) for k, v in item.items()} for item in items])
    digits = {"TRY": 2, "JPY": 0, "KWD": 3}[currency]
    given_back: Counter[str] = Counter()
    for chosen in zip(*parts, strict=False):
        rounded = [part.quantize(Decimal("0.0001")) for part in chosen]
        answer = credit(owner, sale, *[str(part) if part else None for part in rounded])
        assert answer.status_code in {201, 422}
        if answer.status_code == 201:
            totals = answer.json["totals"]
            given_back.update(amounts(totals))
            nets = sum(net_of(item, digits) for item in answer.json["items"])
            assert nets == Decimal(str(totals["subtotal"]))
    rest = owner.post(f"{URL}/{sale['id']}/returns", json={"reason": "rest"})
    assert rest.status_code in {201, 422}
    if rest.status_code == 201:
        given_back.update(amounts(rest.json["totals"]))
        nets = sum(net_of(item, digits) for item in rest.json["items"])
        assert nets == Decimal(str(rest.json["totals"]["subtotal"]))
    assert given_back == Counter(amounts(sale["totals"]))


def amounts(totals: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(str(totals[name])) for name in ("subtotal", "tax_total", "grand_total")}


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", [(8, "0.05", 0, 20), (7, "0.004", 0, 18), (5, "0.99", "0.03", 8), (6, "0.03", "0.01", 1)], ids=str
)
def test_the_last_of_many_small_credits_takes_the_rest_to_the_cent(owner: FlaskClient, line: tuple[Any, ...]) -> None:
    sale = create_issued(owner, items=lines(line, (1, "10.00", 0, 20)))
    notes = [credit(owner, sale, 1) for _ in range(line[0])] + [credit(owner, sale, 0, 1)]
    assert {note.status_code for note in notes} == {201}
    given_back: Counter[str] = Counter()
    for note in notes:
        given_back.update(amounts(note.json["totals"]))
        assert note.json["items"][0]["discount_amount"] >= 0
    assert given_back == Counter(amounts(sale["totals"]))
    for note in notes:
        perform(owner, note.json["id"], "issue")
    assert owner.get(f"{URL}/{sale['id']}").json["status"] == "refunded"


def net_of(item: dict[str, Any], digits: int) -> Decimal:
    quantity, price, discount = (Decimal(str(item[n])) for n in ("quantity", "unit_price", "discount_amount"))
    # Half up: what is half a unit below zero is zero.
    return max(Decimal(0), (quantity * price - discount).quantize(Decimal(1).scaleb(-digits), "ROUND_HALF_UP"))
