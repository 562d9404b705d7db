"""The rule ``gst_item`` in all formats, whole currencies, and amounts that no rule verifies."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from app.formats.canonical import AllowanceCharge, Format, TaxTotal
from app.formats.document_reader import Source, read_document
from app.formats.targets.en16931 import en_form
from app.formats.writers.document_writer import form_of
from app.rules.sums.exact import verdict
from tests.formats.hub_invoices import invoice
from tests.formats.lawful import Document, Row, ubl

_ODD = 7  # a seed whose VAT per rate is another than twice the halves of its lines


@pytest.mark.parametrize("target", [Format.UBL, Format.CII, Format.UBL_TR])
def test_taxes_per_item_have_a_name_in_every_format(target: Format) -> None:
    found = verdict(form_of(invoice(_ODD, currency="INR", rule="gst_item"), target))
    assert (found.findings, found.rules[0]) == ((), "gst_item")


def test_a_single_amount_of_yen_with_decimals_is_a_finding() -> None:
    form = en_form(invoice(3, currency="JPY"), Format.UBL)
    assert verdict(form).is_exact
    lines = (form.totals.lines or Decimal(0)) + Decimal("0.01")
    (finding,) = verdict(replace(form, totals=replace(form.totals, lines=lines))).findings
    assert (finding.field, finding.got) == ("totals.lines", str(lines))


class TestUnverified:
    def test_nothing_of_a_usual_document(self) -> None:
        assert verdict(en_form(invoice(1, currency="EUR"), Format.UBL)).unverified == ()

    def test_an_amount_from_which_nothing_follows(self) -> None:
        form = en_form(replace(invoice(1, currency="EUR", lines=1), allowances=()), Format.UBL)
        line = form.lines[0]
        charge = AllowanceCharge(is_charge=True, amount=Decimal(0), base=Decimal("777.77"), percent=Decimal(0))
        form = replace(
            form,
            lines=(replace(line, allowances=(*line.allowances, charge)),),
            taxes=(*form.taxes, TaxTotal(amount=Decimal("12.34"), currency="TRY")),
        )
        place = len(line.allowances)
        assert verdict(form).unverified == ("taxes[1].amount", f"lines[0].allowances[{place}].base")

    def test_a_price_whose_cent_does_not_reach_the_line(self) -> None:
        document = Document([Row(Decimal("0.001"), Decimal(5), Decimal(0), Decimal(19))])
        assert verdict(read_document(Source(ubl(document)))).unverified == ("lines[0].price.net",)
