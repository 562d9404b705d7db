"""Amounts: allowances and charges of a document, withholding, GST of items; credit notes give back all of it."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.content.document_allowances import credit_shares
from app.einvoices.content.item_taxes import TaxLeft, compute_per_item
from app.einvoices.lifecycle.totals import Line
from tests.einvoices.helpers import URL, create_draft, create_issued, perform
from tests.factories import a_buyer

ITEMS = [
    {"name": "Kumaş", "quantity": 10, "unit_price": "33.33", "vat_rate": 20},
    {"name": "Kitap", "quantity": 3, "unit_price": "10.10", "vat_rate": 10},
]
ALLOWANCES = [
    {"percent": 10, "vat_rate": 20, "reason": "Discount", "reason_code": "95"},
    {"amount": "1.01", "vat_rate": 10, "reason": "Bonus"},
    {"is_charge": True, "amount": 15, "vat_rate": 20, "reason": "Freight", "reason_code": "FC"},
]


def amounts_of(shown: dict[str, Any]) -> tuple[Decimal, ...]:
    totals = shown["totals"]
    return tuple(Decimal(str(totals[name])) for name in ("subtotal", "tax_total", "grand_total"))


def test_allowances_and_charges_change_the_vat_of_their_rate(owner: FlaskClient) -> None:
    draft = create_draft(owner, items=ITEMS, allowances=ALLOWANCES)
    # 333.30 - 33.33 + 15 = 314.97 at 20 %, 30.30 - 1.01 = 29.29 at 10 %
    assert amounts_of(draft) == (Decimal("344.26"), Decimal("65.92"), Decimal("410.18"))
    assert (draft["allowance_total"], draft["charge_total"]) == (Decimal("34.34"), 15)
    assert [row["amount"] for row in draft["allowances"]] == [Decimal("33.33"), Decimal("1.01"), 15]
    assert draft["allowances"][0]["base"] == Decimal("333.3")
    changed = owner.patch(f"{URL}/{draft['id']}", json={"items": [ITEMS[0]], "allowances": [ALLOWANCES[0]]}).json
    assert amounts_of(changed)[0] == Decimal("299.97")
    assert amounts_of(owner.patch(f"{URL}/{draft['id']}", json={"allowances": []}).json)[0] == Decimal("333.30")


def test_credit_notes_give_back_allowances_charges_and_vat_to_the_cent(owner: FlaskClient) -> None:
    sale = create_issued(owner, items=ITEMS, allowances=ALLOWANCES)
    ids = [item["id"] for item in owner.get(f"{URL}/{sale['id']}?include_items=1").json["items"]]
    parts = [[(ids[0], 3)], [(ids[0], 3), (ids[1], 1)], [(ids[0], 4), (ids[1], 2)]]
    sums, taken = [Decimal(0)] * 3, [Decimal(0)] * 3
    for part in parts:
        body = {"reason": "torn", "items": [{"item_id": item, "quantity": quantity} for item, quantity in part]}
        note = perform(owner, sale["id"], "credit-notes", body)
        perform(owner, note["id"], "issue")
        sums = [before + amount for before, amount in zip(sums, amounts_of(note), strict=True)]
        amounts = [Decimal(str(row["amount"])) for row in note["allowances"]]
        taken = [before + amount for before, amount in zip(taken, amounts, strict=True)]
    assert tuple(sums) == amounts_of(sale)
    assert taken == [Decimal("33.33"), Decimal("1.01"), Decimal(15)]
    assert owner.get(f"{URL}/{sale['id']}").json["status"] == "refunded"


@pytest.mark.parametrize("seed", range(60))
def test_no_part_of_a_credit_is_negative_and_all_parts_add_up(seed: int) -> None:
    dice = random.Random(seed)
    units = [Decimal(dice.randint(1, 500)).scaleb(-2) for _ in range(dice.randint(1, 6))]
    whole = sum(units, Decimal(0))
    allowed = [Decimal(dice.randint(0, int(whole * 100) // 2)).scaleb(-2) for _ in range(2)]
    rows: list[dict[str, Any]] = [{"is_charge": False, "vat_rate": 20, "amount": amount} for amount in allowed]
    rows.append({"is_charge": True, "vat_rate": 20, "amount": Decimal(dice.randint(0, 999)).scaleb(-2)})
    left, remaining = [row["amount"] for row in rows], whole
    for unit in units:
        nets: dict[Decimal, Any] = {Decimal(20): (whole, remaining, unit)}
        shares = [row["amount"] for row in credit_shares(rows, left, nets, 2)]
        assert all(share >= 0 for share in shares)
        assert shares[0] + shares[1] <= unit
        left, remaining = [a - b for a, b in zip(left, shares, strict=True)], remaining - unit
    assert left == [0, 0, 0]


def test_withheld_vat_is_taken_off_the_payable_amount(owner: FlaskClient) -> None:
    items = [
        {**ITEMS[0], "withholding_code": "601", "withholding_rate": 40},
        {**ITEMS[0], "withholding_code": "605"},
        ITEMS[1],
    ]
    draft = create_draft(owner, items=items)
    shown = owner.get(f"{URL}/{draft['id']}?include_items=1").json
    assert [item.get("withheld_amount") for item in shown["items"]] == [Decimal("26.66"), Decimal("33.33"), None]
    assert (shown["items"][1]["withholding_rate"], shown["withholding_total"]) == (50, Decimal("59.99"))
    assert shown["payable"] == shown["totals"]["grand_total"] - Decimal("59.99")


def a_gst_seller(owner: FlaskClient) -> None:
    facts = {"tax_id": "29AAGCB7383J1Z4", "tax_scheme": "gstin", "tax_rule": "gst_item", "country": "IN"}
    assert owner.patch(f"{URL}/seller", json={**facts, "currency": "INR"}).status_code == 200


def test_gst_is_computed_for_each_item_and_follows_the_place_of_supply(owner: FlaskClient) -> None:
    a_gst_seller(owner)
    items = [{"name": "Saree", "quantity": 1, "unit_price": "10.30", "vat_rate": 5}] * 3
    draft = create_draft(owner, items=items, currency="INR", buyer=a_buyer(place_of_supply="29"))
    assert (draft["tax_rule"], amounts_of(draft)[1]) == ("gst_item", Decimal("1.56"))  # 2 × 0.26 each
    body = {"buyer": {"name": "A", "place_of_supply": "27"}}
    assert amounts_of(owner.patch(f"{URL}/{draft['id']}", json=body).json)[1] == Decimal("1.56")  # 0.52 each
    items = [{"name": "Saree", "quantity": 1, "unit_price": "10.10", "vat_rate": 5}]
    between = owner.patch(f"{URL}/{draft['id']}", json={"items": items}).json
    assert amounts_of(between)[1] == Decimal("0.51")
    within = owner.patch(f"{URL}/{draft['id']}", json={"buyer": {"name": "A", "place_of_supply": "29"}}).json
    assert amounts_of(within)[1] == Decimal("0.50")
    refused = owner.patch(f"{URL}/{draft['id']}", json={"items": [{**items[0], "withholding_code": "605"}]})
    assert list(refused.json["errors"]) == ["items.0.withholding_code"]


def test_credit_notes_give_back_the_gst_of_each_item_to_the_paisa(owner: FlaskClient) -> None:
    a_gst_seller(owner)
    items = [{"name": "Saree", "quantity": 3, "unit_price": "10.11", "vat_rate": 5}]
    sale = create_issued(owner, items=items, currency="INR", allowances=[{"amount": 1, "reason": "Round"}])
    assert amounts_of(sale) == (Decimal("29.33"), Decimal("1.46"), Decimal("30.79"))  # 5 % of 29.33 in two halves
    refused = owner.post(
        URL, json={"buyer": a_buyer(), "items": items, "allowances": [{"amount": 1, "is_charge": True}]}
    )
    assert list(refused.json["errors"]) == ["allowances.0.is_charge"]
    [item] = owner.get(f"{URL}/{sale['id']}?include_items=1").json["items"]
    body = {"reason": "torn", "items": [{"item_id": item["id"], "quantity": 1}]}
    notes = [perform(owner, sale["id"], "credit-notes", body) for _ in range(3)]
    sums = [sum(column) for column in zip(*map(amounts_of, notes), strict=True)]
    assert tuple(sums) == amounts_of(sale)
    assert [note["tax_rule"] for note in notes] == ["gst_item"] * 3


def test_the_last_credit_of_an_item_takes_the_tax_that_is_left() -> None:
    line = Line(Decimal(1), Decimal("10.10"), Decimal(0), Decimal(5))
    left = [TaxLeft(Decimal("0.40"), is_last=False), TaxLeft(Decimal("0.54"), is_last=True)]
    sums = compute_per_item([line, line], 2, is_interstate=False, left=left)
    assert [each.vat for each in sums.lines] == [Decimal("0.40"), Decimal("0.54")]
