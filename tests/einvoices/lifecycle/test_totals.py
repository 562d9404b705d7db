"""Totals follow the rounding rule to the cent: in the module, in JSON, and in the PDF."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.einvoices.currencies import CURRENCIES
from app.einvoices.lifecycle.totals import Line, compute, round_half_up
from app.einvoices.pdf import print_job
from app.kernel.http.app import Hub
from app.pdf.number_format import format_number
from tests.einvoices.helpers import URL, create_issued, pdf_text

RATES = [Decimal(rate) for rate in ("0", "1", "8", "10", "18", "20", "5.5")]


@st.composite
def lines(draw: st.DrawFn, digits: int) -> list[Line]:
    result = []
    for _ in range(draw(st.integers(1, 8))):
        quantity = Decimal(draw(st.integers(1, 10**8))).scaleb(-4)
        price = Decimal(draw(st.integers(0, 10**9))).scaleb(-4)
        most = int((quantity * price).scaleb(digits))
        discount = Decimal(draw(st.integers(0, most))).scaleb(-digits)
        result.append(Line(quantity, price, discount, draw(st.sampled_from(RATES))))
    return result


@given(data=st.data(), digits=st.sampled_from([0, 2, 3]))
def test_lines_rates_and_totals_follow_the_rule_and_add_up(data: st.DataObject, digits: int) -> None:
    given_lines = data.draw(lines(digits))
    totals = compute(given_lines, digits)
    nets = [round_half_up(line.quantity * line.unit_price - line.discount, digits) for line in given_lines]
    by_rate = {
        rate: sum(n for n, line in zip(nets, given_lines, strict=True) if line.vat_rate == rate) for rate in RATES
    }
    vat = sum(round_half_up(net * rate / 100, digits) for rate, net in by_rate.items())
    assert totals.subtotal == sum(nets)
    assert totals.tax_total == vat
    assert totals.grand_total == sum(nets) + vat
    assert sum(line.total for line in totals.lines) == totals.grand_total
    for rate in totals.rates:
        shares = [s for s, line in zip(totals.lines, given_lines, strict=True) if line.vat_rate == rate.rate]
        assert sum(share.vat for share in shares) == rate.vat
        assert all(abs(share.vat - share.net * rate.rate / 100) < 2 * Decimal(1).scaleb(-digits) for share in shares)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), currency=st.sampled_from(["TRY", "EUR", "JPY", "KWD"]))
def test_json_and_pdf_show_the_computed_totals(
    app: Hub, owner: FlaskClient, data: st.DataObject, currency: str
) -> None:
    digits = CURRENCIES[currency]
    given_lines = data.draw(lines(digits))
    items = [
        {
            "name": f"Item {number}",
            "quantity": str(line.quantity),
            "unit_price": str(line.unit_price),
            "discount_amount": str(line.discount),
            "vat_rate": str(line.vat_rate),
        }
        for number, line in enumerate(given_lines)
    ]
    einvoice = create_issued(owner, currency=currency, items=items)
    totals = compute(given_lines, digits)
    shown = owner.get(f"{URL}/{einvoice['id']}").json
    for name in ("subtotal", "discount_total", "tax_total", "grand_total"):
        assert Decimal(str(shown["totals"][name])) == getattr(totals, name)
    assert [Decimal(str(item["total"])) for item in shown["items"]] == [line.total for line in totals.lines]
    again = compute([_line(item) for item in shown["items"]], digits)
    assert again == totals
    assert print_job.print_now(einvoice["id"])
    text = pdf_text(owner.get(f"{URL}/{einvoice['id']}/pdf", buffered=True).data)
    for amount in (totals.subtotal, totals.grand_total, *(rate.vat for rate in totals.rates)):
        assert f"{format_number(amount, digits=digits, language='tr')} {currency}" in text
    if totals.discount_total:  # the sums add up as they are read: gross − discount = net
        gross = format_number(totals.subtotal + totals.discount_total, digits=digits, language="tr")
        discount = format_number(totals.discount_total, digits=digits, language="tr")
        net = format_number(totals.subtotal, digits=digits, language="tr")
        assert f"{gross} {currency} İskonto −{discount} {currency} Mal hizmet toplamı {net} {currency}" in text


def _line(item: dict[str, Any]) -> Line:
    names = ("quantity", "unit_price", "discount_amount", "vat_rate")
    return Line(*(Decimal(str(item[name])) for name in names))
