"""Prices with VAT: the e-invoice has the same total to the cent, in the module, from drafts and from sales invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.einvoices import sellers
from app.einvoices.lifecycle import totals
from app.einvoices.lifecycle.inclusive_prices import net_of, take_out_vat
from app.einvoices.lifecycle.totals import Line, compute, net_amount, round_half_up, shown_price, smallest_unit
from app.einvoices.pdf import print_job
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import URL, create_draft, create_issued, fetch_pdf, pdf_text, perform
from tests.factories import a_sale

RATES = [Decimal(rate) for rate in ("0", "1", "5.5", "8", "10", "18", "20", "27", "100")]
#: Quantities of four decimals from the smallest to the largest.
_QUANTITIES = st.one_of(st.integers(1, 10**6), st.integers(1, 10**13 - 1)).map(lambda n: Decimal(n).scaleb(-4))


@st.composite
def gross_lines(draw: st.DrawFn, digits: int) -> list[Line]:
    result = []
    for _ in range(draw(st.integers(1, 8))):
        quantity = draw(_QUANTITIES)
        places = draw(st.sampled_from([0, 2, 4, 10]))
        price = Decimal(draw(st.integers(0, 10**5))).scaleb(-places)
        most = int((quantity * price).scaleb(digits))
        discount = Decimal(draw(st.one_of(st.just(0), st.integers(0, most)))).scaleb(-digits)
        result.append(Line(quantity, price, discount, draw(st.sampled_from(RATES))))
    return result


@pytest.mark.slow
@given(data=st.data(), digits=st.sampled_from([0, 2, 3]))
@settings(max_examples=300, deadline=None)
def test_the_split_keeps_every_total(data: st.DataObject, digits: int) -> None:
    gross = data.draw(gross_lines(digits))
    lines, sums = take_out_vat(gross, digits)
    amounts = [net_amount(line, digits) for line in gross]
    assert [line.total for line in sums.lines] == amounts
    assert sums.grand_total == sum(amounts) == sums.subtotal + sums.tax_total
    for line, line_sum in zip(lines, sums.lines, strict=True):
        assert net_amount(line, digits) == line_sum.net
        assert min(line_sum.net, line_sum.vat, line.discount) >= 0
        assert line.unit_price == round_half_up(line.unit_price, totals.MAX_PRICE_PLACES)
    for rate in sums.rates:
        usual = round_half_up(rate.net * rate.rate / 100, digits)
        assert abs(rate.vat - usual) <= smallest_unit(digits)
        if rate.vat != usual:  # then no other net amount leads to this total
            assert not _reachable(rate.net + rate.vat, rate.rate, digits)
    if all(rate.vat == round_half_up(rate.net * rate.rate / 100, digits) for rate in sums.rates):
        assert compute(lines, digits).grand_total == sums.grand_total


def _reachable(amount: Decimal, rate: Decimal, digits: int) -> bool:
    near, unit = net_of(amount, rate, digits), smallest_unit(digits)
    nets = [near + steps * unit for steps in range(-5, 6)]
    return any(net + round_half_up(net * rate / 100, digits) == amount for net in nets if net >= 0)


def test_the_exact_price_has_ten_decimals() -> None:
    [line], sums = take_out_vat([Line(Decimal(3), Decimal(100), Decimal(0), Decimal(20))], 2)
    assert line.unit_price == Decimal("83.3333333333")
    assert (sums.subtotal, sums.tax_total, line.discount) == (250, 50, 0)


@pytest.mark.parametrize(
    ("price", "quantity", "net", "shown"),
    [
        ("50", "2", "100", "50"),
        ("1.2345", "1", "1.23", "1.2345"),
        ("83.3333333333", "3", "250", "83.3333"),
        ("83.3333333333", "300000", "25000000", "83.33333333"),
    ],
)
def test_a_price_is_shown_with_the_decimals_that_its_line_needs(
    price: str, quantity: str, net: str, shown: str
) -> None:
    line = Line(Decimal(quantity), Decimal(price), Decimal(0), Decimal(20))
    assert shown_price(line, Decimal(net), 2) == Decimal(shown)


def test_a_draft_takes_prices_with_vat(owner: FlaskClient) -> None:
    items = [{"name": "Pen", "quantity": 7, "unit_price": "9.99", "discount_amount": "0.50", "vat_rate": 20}]
    draft = create_draft(owner, items=items, prices_include_vat=True)
    assert draft["totals"]["grand_total"] == Decimal("69.43")
    assert draft["items"][0]["unit_price"] == Decimal("8.325")
    answer = owner.patch(f"{URL}/{draft['id']}", json={"items": [{**items[0], "discount_amount": 0}]})
    assert answer.json["totals"]["subtotal"] == Decimal("69.93")
    again = owner.patch(f"{URL}/{draft['id']}", json={"items": items, "prices_include_vat": True})
    assert again.json["totals"] == draft["totals"]
    refused = owner.patch(f"{URL}/{draft['id']}", json={"prices_include_vat": True})
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"prices_include_vat"})


def test_another_currency_with_the_same_digits_changes_no_amount(owner: FlaskClient) -> None:
    items = [{"name": "Pin", "quantity": 1, "unit_price": "0.03", "vat_rate": 20}]
    draft = create_draft(owner, items=items, prices_include_vat=True)
    changed = owner.patch(f"{URL}/{draft['id']}", json={"currency": "EUR"}).json
    assert changed["totals"] == {**draft["totals"], "currency": "EUR"}
    assert changed["totals"]["grand_total"] == Decimal("0.03")


def test_ten_decimals_reach_the_pdf_and_the_credit_note(owner: FlaskClient) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", language="en")
    item = {"name": "Roll", "quantity": 300000, "unit_price": "83.3333333333", "vat_rate": 20}
    sale = create_issued(owner, items=[item])
    assert sale["items"][0]["unit_price"] == Decimal("83.3333333333")
    credited = {"items": [{"item_id": sale["items"][0]["id"], "quantity": 1}], "reason": "torn"}
    note = perform(owner, sale["id"], "credit-notes", credited)
    assert note["items"][0]["unit_price"] == Decimal("83.3333333333")
    print_job.print_due()
    assert "83.33333333 " in pdf_text(fetch_pdf(owner, sale["id"]).data)
    too_many = owner.post(URL, json={"buyer": {"name": "A"}, "items": [{**item, "unit_price": "0.00000000001"}]})
    assert too_many.json["errors"] == {"items.0.unit_price": ["Ensure that there are no more than 10 decimal places."]}


class TestFromSales:
    @pytest.mark.slow
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_the_total_of_the_sales_invoice_stays(
        self, owner: FlaskClient, erp: FlaskClient, data: st.DataObject
    ) -> None:
        sale, rates = a_sale(items=[]), []
        for number in range(data.draw(st.integers(1, 5))):
            price = Decimal(data.draw(st.integers(0, 10**6))).scaleb(-data.draw(st.sampled_from([2, 4])))
            quantity = data.draw(st.integers(1, 5000))
            sale["items"].append({"name": "x", "item_code": f"I{number}", "quantity": quantity, "mrp": str(price)})
            rates.append({"item_code": f"I{number}", "vat_rate": str(data.draw(st.sampled_from(RATES)))})
        imported = erp.post("/api/sales/import/invoice/", json=sale)
        assert imported.status_code == 201, imported.json
        body = {"invoice_no": sale["invoice_no"], "vat_rates": rates, "prices_include_vat": True}
        draft = owner.post(f"{URL}/from-sales", json=body).json
        assert draft["totals"]["grand_total"] == imported.json["data"]["total_amount"]

    @pytest.mark.parametrize(
        ("setting", "asked", "total"), [(False, {}, 1104), (True, {}, 920), (True, {"prices_include_vat": False}, 1104)]
    )
    def test_the_sellers_setting_is_the_default(
        self, owner: FlaskClient, erp: FlaskClient, setting: bool, asked: dict[str, Any], total: int
    ) -> None:
        with unit_of_work():
            sellers.save(owner.user_id, actor="test", prices_include_vat=setting)
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"], **asked})
        assert answer.json["totals"]["grand_total"] == total
